// A temporary file that has no name from the moment it is made, so that nothing is left behind whatever happens, and the number
// of bytes that all such files of one owner may hold.

import { close, closeSync, fchownSync, openSync, read, rmSync, writev, writevSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CONTENT_PREFIX } from '../process/leftovers.ts';

const readFile = promisify(read);
const writeFile = promisify(writev);

/** Who a file belongs to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** How many bytes the files of one owner may hold together. Provisional, for `@onezero/python`. */
export class SpoolBudget {
  #left: number;

  constructor(totalBytes: number) {
    this.#left = totalBytes;
  }

  /** Takes `bytes` from what is left; false when there is less. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** Bytes are appended and read back in order. `length` counts what was appended. Provisional, for `@onezero/python`. */
export class SpoolFile {
  /** The open file; its own offset stays at the start. */
  readonly descriptor: number;
  readonly #budget: SpoolBudget;
  #length = 0;
  #reserved = 0;
  #isClosed = false;
  /** Reads and writes under way: the descriptor must outlive them, or they would meet a file that has its number by then. */
  #busy = 0;

  /** Throws the system's error where the directory for temporary files takes no file. */
  constructor(budget: SpoolBudget, owner?: Owner) {
    this.#budget = budget;
    const path = join(tmpdir(), `${CONTENT_PREFIX}${randomUUID()}`);
    this.descriptor = openSync(path, 'wx+', 0o600);
    rmSync(path, { force: true });
    if (owner !== undefined) fchownSync(this.descriptor, owner.uid, owner.gid);
  }

  get length(): number {
    return this.#length;
  }

  /** Makes room for `bytes` more; false when the budget has none. */
  reserve(bytes: number): boolean {
    const more = Math.max(0, this.#length + bytes - this.#reserved);
    if (!this.#budget.take(more)) return false;
    this.#reserved += more;
    return true;
  }

  /**
   * Appends all of `pieces`; one call at a time. Rejects with the system's error, such as ENOSPC: `length` is what it was then,
   * and what was written is overwritten by the next bytes.
   */
  async append(pieces: readonly Uint8Array[]): Promise<void> {
    await this.#use(async () => {
      let rest = pieces;
      let position = this.#length;
      while (rest.length > 0) {
        const { bytesWritten } = await writeFile(this.descriptor, rest, position);
        position += bytesWritten;
        rest = withoutFirst(rest, bytesWritten);
      }
      this.#length = position;
    });
  }

  /** The same in this turn of the event loop, for small pieces that are in memory already. */
  appendNow(pieces: readonly Uint8Array[]): void {
    let rest = pieces;
    let position = this.#length;
    while (rest.length > 0) {
      const written = writevSync(this.descriptor, rest, position);
      position += written;
      rest = withoutFirst(rest, written);
    }
    this.#length = position;
  }

  /** Up to `most` bytes from `position` on; empty at the end, and after `close`. */
  async read(position: number, most: number): Promise<Uint8Array> {
    if (this.#isClosed) return Buffer.alloc(0);
    const bytes = Buffer.allocUnsafe(Math.min(most, this.#length - position));
    const { bytesRead } = await this.#use(async () => readFile(this.descriptor, bytes, 0, bytes.length, position));
    return bytes.subarray(0, bytesRead);
  }

  /** Starts anew at the start of the file, when all was read. What is reserved stays so. */
  rewind(): void {
    this.#length = 0;
  }

  /** May be repeated. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#budget.give(this.#reserved);
    if (this.#busy === 0) closeSync(this.descriptor);
  }

  async #use<Result>(operation: () => Promise<Result>): Promise<Result> {
    this.#busy++;
    try {
      return await operation();
    } finally {
      this.#busy--;
      // The file is gone with its last descriptor, so nobody can want to know how closing it went.
      if (this.#isClosed && this.#busy === 0) close(this.descriptor, () => {});
    }
  }
}

/** What is left of `pieces` after `written` bytes of them. */
function withoutFirst(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written;
  const rest: Uint8Array[] = [];
  for (const piece of pieces) {
    if (left < piece.length) rest.push(left > 0 ? piece.subarray(left) : piece);
    left = Math.max(0, left - piece.length);
  }
  return rest;
}
