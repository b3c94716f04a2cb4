// The content of a large file, read piece by piece from the descriptor that was checked.
//
// The object owns its descriptor: it is closed when the last byte was handed out, when reading fails, and by `return()`,
// also before the first `next()` (a generator would not run its `finally` then). Exactly the announced bytes come out: a
// file that grew is cut, one that shrank is an error, so that the connection breaks instead of lying. Buffers are lent from
// a small pool; a chunk is valid until the next is asked for. Closing is the duty of whoever holds the response; a
// finalizer is the net under it.

import { read } from 'node:fs';
import { closeDescriptor } from './open-file.ts';
import type { ByteRange } from '../http/range.ts';

/** Measured best for many readers of page-cached files: fewer turns than 64 KiB, a quarter of the memory of 1 MiB. */
const CHUNK_BYTES = 256 * 1024;

/** For the first few readers of large files, who can have the speed without the memory. */
const LARGE_CHUNK_BYTES = 1024 * 1024;
const LARGE_CHUNK_READERS = 8;

/** Beyond this, buffers of finished readers are left to the garbage collector. */
const MAX_POOLED_BUFFERS = 8;

const pool: Buffer[] = [];
const largePool: Buffer[] = [];
let largeLent = 0;

/** What a reader holds that must be given back. */
interface Holding {
  readonly descriptor: number;
  buffer: Buffer | undefined;
}

function lendBuffer(wanted: number): Buffer {
  if (wanted <= CHUNK_BYTES || largeLent === LARGE_CHUNK_READERS) {
    return pool.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }
  largeLent++;
  return largePool.pop() ?? Buffer.allocUnsafeSlow(LARGE_CHUNK_BYTES);
}

/** Takes the buffer of a reader back; to lend it again when nobody can be reading from it any more. */
function takeBack(holding: Holding, isFree: boolean): void {
  const { buffer } = holding;
  if (buffer === undefined) return;
  holding.buffer = undefined;
  const isLarge = buffer.length === LARGE_CHUNK_BYTES;
  if (isLarge) largeLent--;
  const home = isLarge ? largePool : pool;
  if (isFree && home.length < MAX_POOLED_BUFFERS) home.push(buffer);
}

const abandoned = new FinalizationRegistry<Holding>((holding) => {
  closeDescriptor(holding.descriptor);
  takeBack(holding, false);
});

/** Bytes to interleave with ranges of the file, in order. */
export type ContentPart = Uint8Array | ByteRange;

/** Iterates once over `parts`; takes over `descriptor`. */
export class FileContent implements AsyncIterableIterator<Uint8Array> {
  readonly #holding: Holding;
  readonly #parts: readonly ContentPart[];
  #part = 0;
  /** How much of the current part has been handed out. */
  #offset = 0;
  #isOpen = true;
  #pending: Promise<unknown> | undefined;

  constructor(descriptor: number, parts: readonly ContentPart[]) {
    this.#holding = { descriptor, buffer: undefined };
    this.#parts = parts;
    abandoned.register(this, this.#holding, this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const part = this.#parts[this.#part];
    if (!this.#isOpen || part === undefined) {
      // The reader came back for more, so it is done with the last chunk; after `return()` it may still be on its way out.
      if (this.#isOpen) takeBack(this.#holding, true);
      this.#close();
      return { done: true, value: undefined };
    }
    if (!('start' in part)) {
      this.#part++;
      return { done: false, value: part };
    }
    const reading = this.#read(part);
    this.#pending = reading;
    try {
      return { done: false, value: await reading };
    } catch (error) {
      this.#close();
      throw error;
    } finally {
      this.#pending = undefined;
    }
  }

  /** Closes the file, after a read that is under way. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#pending?.catch(() => {});
    this.#close();
    return { done: true, value: undefined };
  }

  #read(part: ByteRange): Promise<Uint8Array> {
    const position = part.start + this.#offset;
    const buffer = (this.#holding.buffer ??= lendBuffer(part.end - position));
    const wanted = Math.min(part.end - position, buffer.length);
    return new Promise((resolve, reject) => {
      read(this.#holding.descriptor, buffer, 0, wanted, position, (error, bytesRead) => {
        if (error !== null) return reject(error);
        if (bytesRead === 0) return reject(new Error('the file became shorter while it was sent'));
        this.#offset += bytesRead;
        if (position + bytesRead === part.end) {
          this.#part++;
          this.#offset = 0;
        }
        return resolve(buffer.subarray(0, bytesRead));
      });
    });
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    abandoned.unregister(this);
    closeDescriptor(this.#holding.descriptor);
    takeBack(this.#holding, false);
  }
}

/** Reads a file of known size whole; undefined when it turned out shorter. The caller keeps the descriptor. */
export async function readWhole(descriptor: number, size: number): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  while (filled < size) {
    const count = await new Promise<number>((resolve, reject) => {
      read(descriptor, bytes, filled, size - filled, filled, (error, bytesRead) => {
        if (error === null) resolve(bytesRead);
        else reject(error);
      });
    });
    if (count === 0) return undefined;
    filled += count;
  }
  return bytes;
}
