// What is known of files whose content did not fit the cache: the state they were checked in, and the hash of their content.
//
// A file that lay at its own name, behind no link, and is opened by that name in the same state, change time included, is the file
// that was checked, with the bytes that were hashed: no program can set a change time, and a new name, link, owner or content
// changes it. So one `fstat` after the read stands for asking where the file lies, for hashing it, and for a look before the read.
//
// Rows stand in typed arrays, which the collector does not walk: 72 bytes a file, where an object and its strings take 400.

import { randomBytes } from 'node:crypto';
import { HASH_CHARACTERS, type Stamp } from '../http/validators.ts';

/** Rows that a location may stand in; of those the next one is overwritten when all are taken. */
const ROWS_IN_SET = 8;

/** Device, inode, size and both times. */
const NUMBERS = 5;

const ROW_BYTES = NUMBERS * 8 + 8 + HASH_CHARACTERS + 2;

const FIRST_SETS = 128;

/** A table that is three quarters full gives way to one of four times the rows. */
const GROWTH = 4;
const MAX_LOAD = 3 / 4;

/** A state of a file that may be served by the name it was checked at. */
export interface KnownFile {
  readonly stamp: Stamp;
  /** As much of the SHA-256 of its content, in base64url, as tags have. */
  readonly sha256: string;
}

export class KnownFiles {
  readonly #maxSets: number;
  #revision = 0;
  /** Unknown to clients, so that they cannot choose names that share a row. */
  readonly #seeds = new Uint32Array(new Uint8Array(randomBytes(8)).buffer);
  #sets = 0;
  #rows = 0;
  #numbers = new Float64Array(0);
  /** Two hashes of the location for each row; the second is 0 in a row that is free. */
  #names = new Uint32Array(0);
  #hashes = Buffer.alloc(0);
  #next = 0;
  #low = 0;
  #high = 0;

  constructor(maxBytes: number) {
    this.#maxSets = Math.floor(maxBytes / (ROWS_IN_SET * ROW_BYTES));
  }

  /** What was at a location when it was checked: to be served only if `isOf` says so of the secrets as they are. */
  find(location: string): KnownFile | undefined {
    if (this.#sets === 0) return undefined;
    const row = this.#rowOf(location);
    if (row === -1) return undefined;
    const at = row * NUMBERS;
    const stamp = {
      dev: this.#number(at),
      ino: this.#number(at + 1),
      size: this.#number(at + 2),
      mtimeMs: this.#number(at + 3),
      ctimeMs: this.#number(at + 4),
    };
    const start = row * HASH_CHARACTERS;
    return { stamp, sha256: this.#hashes.toString('latin1', start, start + HASH_CHARACTERS) };
  }

  #number(at: number): number {
    return this.#numbers[at] ?? 0;
  }

  /** Remembers a state that has rested, so that a later change is certain to show in its times. */
  add(location: string, { stamp, sha256 }: KnownFile, revision: number): void {
    this.advance(revision);
    if (!this.isOf(revision)) return;
    if (this.#rows >= this.#sets * ROWS_IN_SET * MAX_LOAD && this.#sets < this.#maxSets) this.#grow();
    if (this.#sets === 0) return;
    const known = this.#rowOf(location);
    const row = known === -1 ? this.#rowFor() : known;
    this.#names[2 * row] = this.#low;
    this.#names[2 * row + 1] = this.#high;
    this.#numbers.set([stamp.dev, stamp.ino, stamp.size, stamp.mtimeMs, stamp.ctimeMs], row * NUMBERS);
    this.#hashes.write(sha256, row * HASH_CHARACTERS, HASH_CHARACTERS, 'latin1');
  }

  /** Whether all that is known was judged by this revision of the secrets. */
  isOf(revision: number): boolean {
    return revision === this.#revision;
  }

  /** Forgets what was judged by an earlier revision. */
  advance(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    this.#names.fill(0);
    this.#rows = 0;
  }

  /** What was known is learned again: copying it would hold the loop for milliseconds. */
  #grow(): void {
    this.#sets = Math.min(Math.max(FIRST_SETS, this.#sets * GROWTH), this.#maxSets);
    const rows = this.#sets * ROWS_IN_SET;
    this.#rows = 0;
    this.#numbers = new Float64Array(rows * NUMBERS);
    this.#names = new Uint32Array(rows * 2);
    this.#hashes = Buffer.alloc(rows * HASH_CHARACTERS);
  }

  /** The row of a location, or -1; its hashes are left in `#low` and `#high`. */
  #rowOf(location: string): number {
    this.#hash(location);
    const first = this.#firstRow;
    for (let row = first; row < first + ROWS_IN_SET; row++) {
      if (this.#names[2 * row] === this.#low && this.#names[2 * row + 1] === this.#high) return row;
    }
    return -1;
  }

  get #firstRow(): number {
    return (this.#low % this.#sets) * ROWS_IN_SET;
  }

  /** A free row for the location hashed last, or one to overwrite. */
  #rowFor(): number {
    const first = this.#firstRow;
    for (let row = first; row < first + ROWS_IN_SET; row++) {
      if (this.#names[2 * row + 1] !== 0) continue;
      this.#rows++;
      return row;
    }
    return first + (this.#next++ % ROWS_IN_SET);
  }

  #hash(location: string): void {
    let low = this.#seeds[0] ?? 0;
    let high = this.#seeds[1] ?? 0;
    for (let index = 0; index < location.length; index++) {
      const code = location.charCodeAt(index);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b);
      high ^= high >>> 13;
    }
    low ^= low >>> 15;
    this.#low = Math.imul(low, 0x2c1b3c6d) >>> 0;
    this.#high = (Math.imul(high, 0xc2b2ae35) | 1) >>> 0;
  }
}
