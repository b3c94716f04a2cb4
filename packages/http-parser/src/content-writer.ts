// Content on the wire: as it is, up to an exact length; in chunks; or not at all.

import type { Field } from './message.ts';
import { allocate, encodeLatin1 } from './native.ts';
import { CR, LF } from './grammar.ts';
import { fieldLines, SerializeError } from './serialize-head.ts';
import { isForbiddenTrailer } from './trailers.ts';

/** `none` drops what it gets: answers to HEAD, 204 and 304 are made like others. */
export type ContentFraming = 'none' | 'length' | 'chunked' | 'close';

/** Up to this size a chunk is copied behind its size line: cheaper than three pieces on the way to a socket. */
const MAX_COPIED_BYTES = 16_384;

const NOTHING: readonly Uint8Array[] = [];
const CRLF = encodeLatin1('\r\n');

/** Writes the content of one message. */
export class ContentWriter {
  readonly framing: ContentFraming;
  /** What may and must still come, when the framing is `length`. */
  #remaining: number;
  #ended = false;

  constructor(framing: ContentFraming, length: number = 0) {
    this.framing = framing;
    this.#remaining = length;
  }

  /** The octets to send for a part of the content. Throws `SerializeError` when it exceeds the promised length. */
  write(bytes: Uint8Array): readonly Uint8Array[] {
    if (this.#ended) throw new SerializeError('The message has ended');
    refuseOthers(bytes);
    if (this.framing === 'none' || bytes.length === 0) return NOTHING;
    if (this.framing === 'chunked') return encodeChunk(bytes);
    if (this.framing === 'length') {
      if (bytes.length > this.#remaining)
        throw new SerializeError('There is more content than Content-Length announced');
      this.#remaining -= bytes.length;
    }
    return [bytes];
  }

  /** The octets that end the message. Trailers travel with chunks only and are left out elsewhere. */
  end(trailers: readonly Field[] = []): readonly Uint8Array[] {
    if (this.#ended) throw new SerializeError('The message has ended');
    if (this.framing === 'length' && this.#remaining > 0) {
      throw new SerializeError(`The content lacks ${this.#remaining} octets of its Content-Length`);
    }
    const last = encodeLastChunk(trailers);
    this.#ended = true;
    return this.framing === 'chunked' ? [last] : NOTHING;
  }
}

/** The length of a text, or of wider numbers, is not the number of octets that are sent for it. */
function refuseOthers(bytes: Uint8Array): void {
  if ((bytes as Uint8Array | undefined)?.BYTES_PER_ELEMENT !== 1) {
    throw new SerializeError('Content is written as a Uint8Array; new TextEncoder().encode(text) makes one');
  }
}

/**
 * chunk = chunk-size CRLF chunk-data CRLF (RFC 9112 §7.1), in one piece when it is small. `bytes` must not be empty: an empty
 * chunk ends the message.
 */
export function encodeChunk(bytes: Uint8Array): readonly Uint8Array[] {
  refuseOthers(bytes);
  const { length } = bytes;
  const size = `${length.toString(16)}\r\n`;
  if (length > MAX_COPIED_BYTES) return [encodeLatin1(size), bytes, CRLF];
  const whole = allocate(size.length + length + 2);
  for (let at = 0; at < size.length; at++) whole[at] = size.charCodeAt(at);
  whole.set(bytes, size.length);
  whole[size.length + length] = CR;
  whole[size.length + length + 1] = LF;
  return [whole];
}

/** last-chunk, trailer section and the empty line behind them. Throws `SerializeError` for a field that is no trailer. */
export function encodeLastChunk(trailers: readonly Field[] = []): Uint8Array {
  const forbidden = trailers.find(([name]) => isForbiddenTrailer(name.toLowerCase()));
  if (forbidden !== undefined) throw new SerializeError(`${forbidden[0]} cannot be a trailer`);
  return encodeLatin1(`0\r\n${fieldLines(trailers, '1.1')}\r\n`);
}
