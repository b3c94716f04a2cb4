// A temporary file that has no name from the moment it is open, so nothing is left behind whatever happens.

import { randomUUID } from 'node:crypto';
import { close, open, read, unlink, writev } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openFile = promisify(open);
const unlinkFile = promisify(unlink);
const readFile = promisify(read);
const writeFile = promisify(writev);

/** Fewer turns of the loop than a socket's 64 KiB, and still little memory. */
export const spoolPieceBytes = 0x40000;

/** Bytes on disk: written at the end, read from any position. */
export class SpoolFile {
  readonly #descriptor: number;
  #operations = 0;
  #isClosed = false;
  /** Where the next bytes are written. */
  length = 0;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Rejects with the system's error. */
  static async open(): Promise<SpoolFile> {
    const path = join(tmpdir(), `onezero-content-${randomUUID()}`);
    const file = new SpoolFile(await openFile(path, 'wx+', 0o600));
    try {
      await unlinkFile(path);
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Appends all of `pieces`; one call at a time. Rejects with the system's error, `length` is unchanged then. */
  append(pieces: readonly Uint8Array[]): Promise<void> {
    return this.#during(async () => {
      let rest = pieces;
      let position = this.length;
      while (rest.length > 0) {
        const { bytesWritten } = await writeFile(this.#descriptor, rest, position);
        position += bytesWritten;
        rest = after(rest, bytesWritten);
      }
      this.length = position;
    });
  }

  /** Up to `spoolPieceBytes` from `position`; empty at the end. */
  read(position: number): Promise<Uint8Array> {
    return this.#during(async () => {
      const buffer = Buffer.allocUnsafe(Math.min(spoolPieceBytes, this.length - position));
      const { bytesRead } = await readFile(this.#descriptor, buffer, 0, buffer.length, position);
      return buffer.subarray(0, bytesRead);
    });
  }

  async #during<Value>(operation: () => Promise<Value>): Promise<Value> {
    this.#operations++;
    try {
      return await operation();
    } finally {
      this.#operations--;
      if (this.#isClosed) this.#closeWhenIdle();
    }
  }

  /** Frees the space, when what is under way has ended. May be repeated. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#operations === 0) close(this.#descriptor);
  }
}

function after(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written;
  const rest: Uint8Array[] = [];
  for (const piece of pieces) {
    if (left < piece.length) rest.push(left > 0 ? piece.subarray(left) : piece);
    left = Math.max(0, left - piece.length);
  }
  return rest;
}
