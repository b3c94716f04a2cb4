// What is known of files whose content did not fit the cache: the state they were checked in, and the hash of their content.
//
// A file that lay at its own name, behind no link, and is opened by that name in the same state, change time included, is the file
// that was checked, with the bytes that were hashed: no program can set a change time, and a new name, link, owner or content
// changes it. So one `fstat` after the read stands for asking where the file lies, for hashing it, and for a look before the read.
//
// A row takes 74 bytes, where an object and its strings take 400.

import { HASH_CHARACTERS, type Stamp } from '../http/validators.ts';
import { ROW_BYTES, TextRows } from './text-rows.ts';

/** Device, inode, size and both times. */
const NUMBERS = 5;

const KNOWN_BYTES = ROW_BYTES + NUMBERS * 8 + HASH_CHARACTERS + 4;

/** Content types are numbered; they come from tables and options, so there are not many. */
const MAX_TYPES = 2 ** 16;

/** A state of a file that may be served by the name it was checked at. */
export interface KnownFile {
  readonly stamp: Stamp;
  /** As much of the SHA-256 of its content, in base64url, as tags have. */
  readonly sha256: string;
  /** What its name and its first bytes say it is; undefined when that has to be seen again. */
  readonly contentType: string | undefined;
}

export class KnownFiles {
  readonly #rows: TextRows;
  #revision = 0;
  #numbers = new Float64Array(0);
  #hashes = Buffer.alloc(0);
  #types = new Uint16Array(0);
  readonly #typeNumbers = new Map<string | undefined, number>([[undefined, 0]]);
  readonly #typeNames: (string | undefined)[] = [undefined];

  constructor(maxBytes: number) {
    this.#rows = new TextRows(maxBytes / KNOWN_BYTES, (rows) => {
      this.#numbers = new Float64Array(rows * NUMBERS);
      this.#hashes = Buffer.alloc(rows * HASH_CHARACTERS);
      this.#types = new Uint16Array(rows);
    });
  }

  /** What was at a location when it was checked: to be served only if `isOf` says so of the secrets as they are. */
  find(location: string): KnownFile | undefined {
    const row = this.#rows.find(location);
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
    const sha256 = this.#hashes.toString('latin1', start, start + HASH_CHARACTERS);
    return { stamp, sha256, contentType: this.#typeNames[this.#types[row] ?? 0] };
  }

  #number(at: number): number {
    return this.#numbers[at] ?? 0;
  }

  /** Remembers a state that has rested, so that a later change is certain to show in its times. */
  add(location: string, { stamp, sha256, contentType }: KnownFile, revision: number): void {
    this.advance(revision);
    if (!this.isOf(revision)) return;
    const row = this.#rows.take(location);
    if (row === -1) return;
    this.#numbers.set([stamp.dev, stamp.ino, stamp.size, stamp.mtimeMs, stamp.ctimeMs], row * NUMBERS);
    this.#hashes.write(sha256, row * HASH_CHARACTERS, HASH_CHARACTERS, 'latin1');
    this.#types[row] = this.#numberOf(contentType);
  }

  #numberOf(contentType: string | undefined): number {
    const known = this.#typeNumbers.get(contentType);
    if (known !== undefined) return known;
    const number = this.#typeNames.length;
    if (number === MAX_TYPES) return 0;
    this.#typeNames.push(contentType);
    this.#typeNumbers.set(contentType, number);
    return number;
  }

  /** Whether all that is known was judged by this revision of the secrets. */
  isOf(revision: number): boolean {
    return revision === this.#revision;
  }

  /** Forgets what was judged by an earlier revision. */
  advance(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    this.#rows.clear();
  }
}
