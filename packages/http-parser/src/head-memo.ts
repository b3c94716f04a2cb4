// Heads seen before, so that the same bytes give the same event object without being scanned again.
//
// A client sends the same head again and again, and many clients send equal ones. The memo is a direct-mapped table shared by
// all parsers of one options object; a head enters it when it is seen the second time, so traffic that never repeats costs
// one hash and no copies. What is there stays while it is asked for: where a thousand heads take turns, each that came in
// would be gone before it was of use, and old enough then to be a matter for a collection of the whole heap. Equality is byte
// for byte: the hash only chooses the slot. What connections share is frozen. A simple request never enters: it is judged by
// what comes behind it, too.

import type { RequestHeadEvent } from './message.ts';
import { startsWith } from './native.ts';
import type { Scan } from './scan.ts';

/** A head and what it gives. */
export interface RememberedHead {
  readonly bytes: Uint8Array;
  readonly hash: number;
  readonly event: RequestHeadEvent;
}

/** Slots in the table. With the size limit: a megabyte at most, for a client that sends that many different heads twice. */
const SLOTS = 256;

/** Larger heads carry something that changes, or are rare. */
const MAX_HEAD_BYTES = 4096;

/** Which octets the hash looks at: the path of most requests. Heads that differ elsewhere only share a slot. */
const HASHED_FROM = 4;
const HASHED_TO = 28;

/** How many other heads in its slot a head stands for each time it is found, and how many at most. */
const CREDIT = 8;
const MAX_CREDIT = 64;

export class HeadMemo {
  readonly #hashes = new Int32Array(SLOTS);
  readonly #credits = new Uint8Array(SLOTS);
  readonly #heads: (RememberedHead | undefined)[] = Array.from({ length: SLOTS });

  /** Of what `find` was asked for last. */
  #hash = 0;

  /** The head that `bytes` begins with, if it is remembered. */
  find(bytes: Uint8Array, start: number, end: number): RememberedHead | undefined {
    this.#hash = hashOf(bytes, start, end);
    const slot = this.#hash & (SLOTS - 1);
    const remembered = this.#heads[slot];
    if (remembered?.hash !== this.#hash || !startsWith(bytes, start, end, remembered.bytes)) return undefined;
    this.#credits[slot] = Math.min(this.#credits[slot]! + CREDIT, MAX_CREDIT);
    return remembered;
  }

  /**
   * Takes note of the head from `start` up to where the scan is, if it is the one just looked for; remembers it when its
   * hash was the last in its slot, unless the head that is there has been found often enough.
   */
  note({ bytes, at }: Scan, start: number, event: RequestHeadEvent): void {
    if (at - start > MAX_HEAD_BYTES || event.contentLength !== 0 || event.head.version === '0.9') return;
    const slot = this.#hash & (SLOTS - 1);
    const credit = this.#credits[slot]!;
    if (credit > 0) this.#credits[slot] = credit - 1;
    else if (this.#hashes[slot] === this.#hash) {
      Object.freeze(event.head.fields);
      // Not `slice`: that of a Node Buffer shares its memory.
      const copy = new Uint8Array(bytes.subarray(start, at));
      this.#credits[slot] = CREDIT;
      this.#heads[slot] = { bytes: copy, hash: this.#hash, event: Object.freeze(event) };
    }
    this.#hashes[slot] = this.#hash;
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  const stop = Math.min(end, start + HASHED_TO);
  let at = start + HASHED_FROM;
  // Four at a time: each multiplication waits for the one before.
  for (; at + 4 <= stop; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e37_79b1);
  }
  for (; at < stop; at++) hash = Math.imul(hash ^ bytes[at]!, 0x9e37_79b1);
  return hash ^ (hash >>> 16);
}
