// Sends content that comes bit by bit: asks for a piece only when the system has taken the one before, so that the producer
// may reuse its buffer and a slow client slows the producer; frames it; counts it against the length that was promised.

import { encodeChunk, encodeLastChunk } from '@onezero/http-parser/serializer';
import { begin, discard } from '../message/content.ts';
import type { Framed } from './complete.ts';
import type { Exchange } from './exchange.ts';
import type { Transport } from '../transport/transport.ts';

const LAST_CHUNK = encodeLastChunk();

// A producer that always has more, and a client that always takes it, would keep everybody else waiting: after so much the
// loop gets its turn.
const TURN_BYTES = 524_288;

// Writing a piece costs about as much as this many bytes of it: a million rows, one by one, are no smaller load than their text.
const PIECE_BYTES = 2048;

/** The content was not what the head had promised. Nobody but the log can be told. */
class ContentMismatch extends Error {
  override readonly name: string = 'ContentMismatch';
}

/**
 * Sends the rest of a response whose head is in `begun` (written with the first piece, or alone when that is not there within
 * this turn of the loop). Resolves with whether the system has taken all of it, early when the client has gone; rejects with
 * what the producer threw or a ContentMismatch.
 */
export async function sendContent(
  exchange: Exchange,
  content: AsyncIterable<Uint8Array>,
  { length, chunked, head }: Framed,
  transport: Transport,
): Promise<boolean> {
  const out = new HeldHead(head, exchange, transport);
  const iterator = begin(content);
  exchange.sending(iterator);
  let finished = false;
  let sinceTurn = 0;
  try {
    for (;;) {
      const step = await iterator.next();
      if (exchange.over) return false;
      if (step.done === true) {
        finished = true;
        break;
      }
      const piece: unknown = step.value;
      if (!(piece instanceof Uint8Array)) {
        const shown =
          typeof piece === 'string' ? 'text' : piece == null ? String(piece) : `a value of type ${typeof piece}`;
        throw new TypeError(`the content yielded ${shown}: yield bytes, such as Buffer.from(text)`);
      }
      if (length !== undefined && exchange.contentBytes + piece.length > length) {
        throw new ContentMismatch(`the content is longer than its content-length of ${length}`);
      }
      // A chunk of length 0 would be the last one.
      if (piece.length > 0) {
        const taken = out.write(chunked ? encodeChunk(piece) : [piece]);
        exchange.contentBytes += piece.length;
        exchange.padding = 0;
        if (!taken && !(await transport.flushed())) return false;
      }
      sinceTurn += piece.length + PIECE_BYTES;
      if (sinceTurn >= TURN_BYTES) {
        sinceTurn = 0;
        await new Promise((resolve) => setImmediate(resolve));
        if (exchange.over) return false;
      }
    }
    if (length !== undefined && exchange.contentBytes < length) {
      throw new ContentMismatch(`the content ended ${length - exchange.contentBytes} bytes before its content-length`);
    }
    return out.write(chunked ? [LAST_CHUNK] : []) || (await transport.flushed());
  } finally {
    out.cancel();
    if (!finished) discard({ [Symbol.asyncIterator]: () => iterator });
  }
}

/** A response head that waits a moment for content to travel with. */
class HeldHead {
  #head: Uint8Array | undefined;
  readonly #exchange: Exchange;
  readonly #transport: Transport;
  readonly #timer: NodeJS.Immediate | undefined;

  constructor(head: Uint8Array | undefined, exchange: Exchange, transport: Transport) {
    this.#head = head;
    this.#exchange = exchange;
    this.#transport = transport;
    if (head !== undefined) this.#timer = setImmediate(() => this.write([]));
  }

  write(pieces: readonly Uint8Array[]): boolean {
    const head = this.#head;
    this.#head = undefined;
    if (this.#exchange.over) return true;
    this.#exchange.headSent = true;
    if (head !== undefined) return this.#transport.writeAll([head, ...pieces]);
    return pieces.length === 0 || this.#transport.writeAll(pieces);
  }

  /** Forgets the head when it has not been written: the failure to come gets a head of its own. */
  cancel(): void {
    clearImmediate(this.#timer);
    this.#head = undefined;
  }
}
