// A file that a worker has open and we read: `/proc/PID/fd/N` names the very file, whatever its path says now, and also when it
// has none. Only Linux has this; elsewhere, and where the system forbids it, the worker sends the bytes.

import { closeSync, constants, fstatSync, openSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { type FileState, MAX_REMEMBERED_BYTES, recall, remember } from './file-memory.ts';

const readFile = promisify(read);

/** Fewer turns than with less; a quarter of it where many read at once. */
const LARGE_PIECE_BYTES = 0x100000;
const SMALL_PIECE_BYTES = 0x40000;
const LARGE_READERS = 8;

/** Buffers of readers that have finished; more are left to the garbage collector. */
const MAX_IDLE_BUFFERS = 8;
const idleBuffers: Buffer[] = [];
let largeLent = 0;

/** A stretch of a file that a worker has open, and the state of the file. */
export interface FileOffer extends FileState {
  readonly descriptor: number;
  readonly offset: number;
  readonly length: number;
  readonly inode: bigint;
  readonly device: bigint;
}

/** The content of an offered file: bytes if they are in memory; undefined when the system does not let us read it. */
export function takeFile(pid: number, offer: FileOffer): Buffer | HandedFile | undefined {
  const isWhole = offer.offset === 0 && offer.length === offer.size;
  return (isWhole ? recall(offer.key) : undefined) ?? HandedFile.open(pid, offer);
}

/** A stretch of a file, to be read once from its start. A piece is valid until the next is asked for. */
export class HandedFile {
  readonly #descriptor: number;
  readonly #offer: FileOffer;
  #position: number;
  readonly #end: number;
  #buffer: Buffer | undefined;
  #isReading = false;
  #isClosed = false;

  private constructor(descriptor: number, offer: FileOffer) {
    this.#descriptor = descriptor;
    this.#offer = offer;
    this.#position = offer.offset;
    this.#end = offer.offset + offer.length;
  }

  /**
   * Opens the descriptor of another process; undefined when the system does not let us, or it is no regular file. Nor when it is
   * another file than the one that is offered: what was started may be a script that starts Python, with descriptors of its own.
   */
  static open(pid: number, offer: FileOffer): HandedFile | undefined {
    let own: number;
    try {
      own = openSync(`/proc/${pid}/fd/${offer.descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      // No /proc (ENOENT), not ours to look at (EACCES, EPERM), or nothing free: in every case the worker can do without.
      if (typeof (error as NodeJS.ErrnoException).code === 'string') return undefined;
      throw error;
    }
    const state = fstatSync(own, { bigint: true });
    if (state.isFile() && state.ino === offer.inode && state.dev === offer.device) return new HandedFile(own, offer);
    closeSync(own);
    return undefined;
  }

  /** The next piece; undefined at the end. Rejects when the file ends earlier. */
  async next(): Promise<Uint8Array | undefined> {
    const left = this.#end - this.#position;
    if (left === 0 || this.#isClosed) return undefined;
    const buffer = (this.#buffer ??= this.#isWhole ? Buffer.allocUnsafeSlow(left) : lend(left));
    this.#isReading = true;
    try {
      const { bytesRead } = await readFile(this.#descriptor, buffer, 0, Math.min(left, buffer.length), this.#position);
      if (bytesRead === 0) throw new Error('the file became shorter while it was sent');
      this.#position += bytesRead;
      if (this.#isWhole && bytesRead === buffer.length) remember(this.#offer, buffer);
      return buffer.subarray(0, bytesRead);
    } finally {
      this.#isReading = false;
      if (this.#isClosed) this.#release(false);
    }
  }

  /** Whether the content may be kept, in a buffer of its own. */
  get #isWhole(): boolean {
    const { offset, length, size } = this.#offer;
    return offset === 0 && length === size && size <= MAX_REMEMBERED_BYTES;
  }

  /** Closes the file; `isRead` says that nobody looks at the last piece any more. May be repeated. */
  close(isRead = false): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isReading) this.#release(isRead);
  }

  #release(isRead: boolean): void {
    closeSync(this.#descriptor);
    const buffer = this.#buffer;
    this.#buffer = undefined;
    if (buffer === undefined || this.#isWhole || buffer.length !== LARGE_PIECE_BYTES) return;
    largeLent--;
    if (isRead && idleBuffers.length < MAX_IDLE_BUFFERS) idleBuffers.push(buffer);
  }
}

function lend(wanted: number): Buffer {
  if (wanted <= SMALL_PIECE_BYTES || largeLent === LARGE_READERS) {
    return Buffer.allocUnsafeSlow(Math.min(wanted, SMALL_PIECE_BYTES));
  }
  largeLent++;
  return idleBuffers.pop() ?? Buffer.allocUnsafeSlow(LARGE_PIECE_BYTES);
}
