// Heads seen before, so that the same bytes give the same event object without being scanned again.
//
// A client sends the same head again and again, and many clients send equal ones. The memo is a direct-mapped table shared by
// all parsers of one options object; a head enters it when it is seen the second time, so traffic that never repeats costs
// one hash and no copies. Equality is byte for byte: the hash only chooses the slot.

import type { ParserEvent, RequestHeadEvent } from './message.ts';
import { startsWith } from './native.ts';

/** A head and what it gives. */
export interface RememberedHead {
  readonly bytes: Uint8Array;
  readonly event: RequestHeadEvent;
  /** The whole result when the message consists of its head alone. */
  readonly events: readonly ParserEvent[];
}

/** Slots in the table. With the size limit: a megabyte at most, for a client that sends that many different heads twice. */
const SLOTS = 256;

/** Larger heads carry something that changes, or are rare. */
const MAX_HEAD_BYTES = 4096;

/** How many leading octets the hash looks at: method and path of nearly every request. */
const HASHED_BYTES = 32;

export class HeadMemo {
  readonly #hashes = new Int32Array(SLOTS);
  readonly #heads: (RememberedHead | undefined)[] = Array.from({ length: SLOTS });

  /** The head that `bytes` begins with, if it is remembered. */
  find(bytes: Uint8Array, start: number, end: number): RememberedHead | undefined {
    const remembered = this.#heads[hashOf(bytes, start, end) & (SLOTS - 1)];
    return remembered !== undefined && startsWith(bytes, start, end, remembered.bytes) ? remembered : undefined;
  }

  /** Takes note of a head that was read from `start` up to `headEnd`; remembers it the second time. */
  note(bytes: Uint8Array, range: { start: number; headEnd: number; end: number }, event: RequestHeadEvent): void {
    const { start, headEnd, end } = range;
    if (headEnd - start > MAX_HEAD_BYTES || event.head.version === '0.9') return;
    const hash = hashOf(bytes, start, end);
    const slot = hash & (SLOTS - 1);
    if (this.#hashes[slot] === hash) {
      const isWhole = event.framing === 'none' || event.contentLength === 0;
      const events = isWhole ? [event, END_WITHOUT_TRAILERS] : [event];
      this.#heads[slot] = { bytes: bytes.slice(start, headEnd), event, events };
    }
    this.#hashes[slot] = hash;
  }
}

/** The end of every message that has no trailers. */
export const END_WITHOUT_TRAILERS: ParserEvent = { type: 'end', trailers: [] };

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  const stop = Math.min(end, start + HASHED_BYTES);
  for (let at = start; at < stop; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  return hash;
}
