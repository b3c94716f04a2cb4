// Which row of a table belongs to a text: rows are found by two hashes of it, and the text itself is not kept.
//
// Whoever keeps columns beside the rows has them in typed arrays, which the collector does not walk. Texts that share both hashes
// share a row, so a row has to show by itself whether it is the right one.

import { randomBytes } from 'node:crypto';

/**
 * A text may stand in one of two sets, the second of which is for when the first is full: with one, a tenth of the texts would find no
 * place in a table that has rows for all. Of those of the first the next one is overwritten when all are taken.
 */
const ROWS_IN_SET = 8;

/** What a row takes here, beside its columns. */
export const ROW_BYTES = 8;

const FIRST_SETS = 128;

/** A table that is three quarters full gives way to one of so many times the rows, and what it knew has to be learned again. */
const GROWTH = 16;
const MAX_LOAD = 3 / 4;

export class TextRows {
  readonly #maxSets: number;
  readonly #resize: (rows: number) => void;
  /** Unknown to clients, so that they cannot choose texts that share a row. */
  readonly #seeds = new Uint32Array(new Uint8Array(randomBytes(8)).buffer);
  #sets = 0;
  #taken = 0;
  /** Two hashes of the text for each row; both are 0 in a row that is free, and the second in no other. */
  #hashes = new Uint32Array(0);
  #next = 0;
  #low = 0;
  #high = 0;

  /** `resize` makes new columns for so many rows; what the old ones held is void. */
  constructor(maxRows: number, resize: (rows: number) => void) {
    this.#maxSets = Math.floor(maxRows / ROWS_IN_SET);
    this.#resize = resize;
  }

  /** The row of a text, or -1. */
  find(text: string): number {
    if (this.#sets === 0) return -1;
    this.#hash(text);
    const row = this.#search(this.#low, this.#low, this.#high);
    return row === -1 ? this.#search(this.#high, this.#low, this.#high) : row;
  }

  /** The row with two hashes in the set that a hash leads to, or -1. */
  #search(hash: number, low: number, high: number): number {
    const first = this.#firstRow(hash);
    for (let row = first; row < first + ROWS_IN_SET; row++) {
      if (this.#hashes[2 * row + 1] === high && this.#hashes[2 * row] === low) return row;
    }
    return -1;
  }

  /** A row for a text, its own or one to overwrite; -1 where there is no memory for any. */
  take(text: string): number {
    if (this.#taken >= this.#sets * ROWS_IN_SET * MAX_LOAD && this.#sets < this.#maxSets) this.#grow();
    const known = this.find(text);
    if (known !== -1 || this.#sets === 0) return known;
    const row = this.#rowFor();
    this.#hashes[2 * row] = this.#low;
    this.#hashes[2 * row + 1] = this.#high;
    return row;
  }

  clear(): void {
    this.#hashes.fill(0);
    this.#taken = 0;
  }

  /** Copying what was known would hold the loop for milliseconds. */
  #grow(): void {
    this.#sets = Math.min(Math.max(FIRST_SETS, this.#sets * GROWTH), this.#maxSets);
    const rows = this.#sets * ROWS_IN_SET;
    this.#taken = 0;
    this.#hashes = new Uint32Array(rows * 2);
    this.#resize(rows);
  }

  #firstRow(hash: number): number {
    return (hash % this.#sets) * ROWS_IN_SET;
  }

  /** A free row for the text hashed last, or one to overwrite. */
  #rowFor(): number {
    for (const hash of [this.#low, this.#high]) {
      const free = this.#search(hash, 0, 0);
      if (free === -1) continue;
      this.#taken++;
      return free;
    }
    return this.#firstRow(this.#low) + (this.#next++ % ROWS_IN_SET);
  }

  #hash(text: string): void {
    let low = this.#seeds[0] ?? 0;
    let high = this.#seeds[1] ?? 0;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b);
      high ^= high >>> 13;
    }
    low ^= low >>> 15;
    this.#low = Math.imul(low, 0x2c1b3c6d) >>> 0;
    this.#high = (Math.imul(high, 0xc2b2ae35) | 1) >>> 0;
  }
}
