// A file that a worker has open and we read: `/proc/PID/fd/N` names the very file, whatever its path says now, and also when it
// has none. Only Linux has this; elsewhere, and where the system forbids it, the worker sends the bytes.

import { close, closeSync, constants, fstatSync, openSync, read } from 'node:fs';
import { promisify } from 'node:util';

const readFile = promisify(read);

/** Fewer turns than with less; a quarter of it where many read at once. */
const largePieceBytes = 0x100000;
const smallPieceBytes = 0x40000;
const largeReaders = 8;

/** Buffers of readers that have finished; more are left to the garbage collector. */
const maxIdleBuffers = 8;
const idleBuffers: Buffer[] = [];
let largeLent = 0;

/** A stretch of a file, to be read once from its start. A piece is valid until the next is asked for. */
export class HandedFile {
  readonly length: number;
  readonly #descriptor: number;
  #position: number;
  readonly #end: number;
  #buffer: Buffer | undefined;
  #isReading = false;
  #isClosed = false;

  private constructor(descriptor: number, offset: number, length: number) {
    this.#descriptor = descriptor;
    this.#position = offset;
    this.#end = offset + length;
    this.length = length;
  }

  /** Opens the descriptor of another process; undefined when the system does not let us, or it is no regular file. */
  static open(pid: number, descriptor: number, offset: number, length: number): HandedFile | undefined {
    let own: number;
    try {
      own = openSync(`/proc/${pid}/fd/${descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      // No /proc (ENOENT), not ours to look at (EACCES, EPERM), or nothing free: in every case the worker can do without.
      if (typeof (error as NodeJS.ErrnoException).code === 'string') return undefined;
      throw error;
    }
    if (fstatSync(own).isFile()) return new HandedFile(own, offset, length);
    closeSync(own);
    return undefined;
  }

  /** The next piece; undefined at the end. Rejects when the file ends earlier. */
  async next(): Promise<Uint8Array | undefined> {
    const left = this.#end - this.#position;
    if (left === 0 || this.#isClosed) return undefined;
    this.#buffer ??= lend(left);
    this.#isReading = true;
    try {
      const wanted = Math.min(left, this.#buffer.length);
      const { bytesRead } = await readFile(this.#descriptor, this.#buffer, 0, wanted, this.#position);
      if (bytesRead === 0) throw new Error('the file became shorter while it was sent');
      this.#position += bytesRead;
      return this.#buffer.subarray(0, bytesRead);
    } finally {
      this.#isReading = false;
      if (this.#isClosed) this.#release(false);
    }
  }

  /** Closes the file; `isRead` says that nobody looks at the last piece any more. May be repeated. */
  close(isRead = false): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isReading) this.#release(isRead);
  }

  #release(isRead: boolean): void {
    close(this.#descriptor);
    const buffer = this.#buffer;
    this.#buffer = undefined;
    if (buffer === undefined) return;
    if (buffer.length !== largePieceBytes) return;
    largeLent--;
    if (isRead && idleBuffers.length < maxIdleBuffers) idleBuffers.push(buffer);
  }
}

function lend(wanted: number): Buffer {
  if (wanted <= smallPieceBytes || largeLent === largeReaders) {
    return Buffer.allocUnsafeSlow(Math.min(wanted, smallPieceBytes));
  }
  largeLent++;
  return idleBuffers.pop() ?? Buffer.allocUnsafeSlow(largePieceBytes);
}
