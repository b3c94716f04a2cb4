// Bytes of responses that come again. A responder that returns the same object means the same answer, so what was made of it
// once can be sent again: one buffer with head and content, good for the second that its Date names, and forgotten after it. It is
// kept when the object comes for the second time: one that comes once would only be carried along.
//
// What is kept is bounded: a site of a hundred thousand pages would otherwise stand in memory twice.

import type { ResponseMessage } from '../message/message.ts';
import { complete, type CompleteSettings, type Situation } from './complete.ts';
import { currentDate } from './clock.ts';

export interface ReadyResponse {
  /** Everything to be written: in one piece, or head and content when the content is large. */
  readonly pieces: readonly Uint8Array[];
  readonly contentBytes: number;
  readonly persistent: boolean;
}

/** By method, version and persistence. */
type Variants = (ReadyResponse | undefined)[];

// Some thousand small pages, of which the ones that are asked for most come first within a second.
const MAX_KEPT_BYTES = 4_194_304;

// What an entry takes beside its bytes.
const ENTRY_BYTES = 300;

// One copy and one write are cheaper than two pieces up to about this size.
const ONE_PIECE_BYTES = 32_768;

export class RememberedResponses {
  readonly #settings: CompleteSettings;
  #variants = new Map<ResponseMessage, Variants>();
  /** Responses that came before. */
  readonly #seen = new WeakSet<ResponseMessage>();
  #date = '';
  #bytes = 0;

  constructor(settings: CompleteSettings) {
    this.#settings = settings;
  }

  /** The bytes of a response; undefined when it has to be made anew each time. Throws as `complete` does. */
  get(response: ResponseMessage, situation: Situation): ReadyResponse | undefined {
    const { content } = response;
    if (content !== undefined && !(content instanceof Uint8Array)) return undefined;
    if (response.nonParsed === true || situation.version === '0.9') return undefined;
    if (this.#settings.requestIdField !== undefined) return undefined;
    const date = currentDate();
    if (date !== this.#date) this.#forget(date);
    const index =
      (situation.persistent ? 1 : 0) + (situation.version === '1.1' ? 2 : 0) + (situation.method === 'HEAD' ? 4 : 0);
    return this.#variants.get(response)?.[index] ?? this.#keep(response, index, this.#make(response, situation));
  }

  #forget(date: string): void {
    this.#date = date;
    this.#bytes = 0;
    this.#variants = new Map();
  }

  #keep(response: ResponseMessage, index: number, ready: ReadyResponse | undefined): ReadyResponse | undefined {
    if (ready === undefined || this.#bytes >= MAX_KEPT_BYTES) return ready;
    // A response that comes once, such as a page of a hundred thousand, would only be carried until the second is over.
    if (!this.#seen.has(response)) {
      this.#seen.add(response);
      return ready;
    }
    // Content that was not copied is the responder's.
    const copied = ready.pieces.length === 1 ? ready.pieces : ready.pieces.slice(0, 1);
    this.#bytes += ENTRY_BYTES + copied.reduce((sum, { length }) => sum + length, 0);
    let variants = this.#variants.get(response);
    if (variants === undefined) this.#variants.set(response, (variants = []));
    variants[index] = ready;
    return ready;
  }

  #make(response: ResponseMessage, situation: Situation): ReadyResponse | undefined {
    const { head, content, persistent } = complete(response, situation, this.#settings);
    if (head === undefined) return undefined;
    if (!(content instanceof Uint8Array)) return { pieces: [bufferOf(head)], contentBytes: 0, persistent };
    const { length } = content;
    const isOne = length <= ONE_PIECE_BYTES;
    const pieces = isOne ? [Buffer.concat([head, content])] : [bufferOf(head), bufferOf(content)];
    return { pieces, contentBytes: length, persistent };
  }
}

/** The same memory as what sockets want: they would make this of every other array at every write. */
function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
