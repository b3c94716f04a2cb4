// The content of a large file, read piece by piece from the descriptor that was checked.
//
// The object owns its descriptor: it is closed when the last byte was handed out, when reading fails, and by `return()`,
// also before the first `next()` (a generator would not run its `finally` then). Exactly the announced bytes come out: a
// file that grew is cut, one that shrank is an error, so that the connection breaks instead of lying. Buffers are lent from
// a small pool; a chunk is valid until the next is asked for. Closing is the duty of whoever holds the response; a
// finalizer is the net under it.

import { read } from 'node:fs';
import { closeDescriptor } from './open-file.ts';
import type { ByteRange } from './range.ts';

/** Measured best for page-cached files: fewer turns than 64 KiB, and 1 MiB gains little at four times the memory. */
const CHUNK_BYTES = 256 * 1024;

/** Beyond this, buffers of finished readers are left to the garbage collector. */
const MAX_POOLED_BUFFERS = 16;

const pool: Buffer[] = [];

const abandoned = new FinalizationRegistry<number>(closeDescriptor);

/** Bytes to interleave with ranges of the file, in order. */
export type ContentPart = Uint8Array | ByteRange;

/** Iterates once over `parts`; takes over `descriptor`. */
export class FileContent implements AsyncIterableIterator<Uint8Array> {
  readonly #descriptor: number;
  readonly #parts: readonly ContentPart[];
  #part = 0;
  /** How much of the current part has been handed out. */
  #offset = 0;
  #buffer: Buffer | undefined;
  #isOpen = true;
  #pending: Promise<unknown> | undefined;

  constructor(descriptor: number, parts: readonly ContentPart[]) {
    this.#descriptor = descriptor;
    this.#parts = parts;
    abandoned.register(this, descriptor, this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const part = this.#parts[this.#part];
    if (!this.#isOpen || part === undefined) {
      // The reader came back for more, so it is done with the last chunk; after `return()` it may still be on its way out.
      if (this.#buffer !== undefined && this.#isOpen && pool.length < MAX_POOLED_BUFFERS) pool.push(this.#buffer);
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
    this.#buffer ??= pool.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const buffer = this.#buffer;
    const position = part.start + this.#offset;
    const wanted = Math.min(part.end - position, CHUNK_BYTES);
    return new Promise((resolve, reject) => {
      read(this.#descriptor, buffer, 0, wanted, position, (error, bytesRead) => {
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
    closeDescriptor(this.#descriptor);
    this.#buffer = undefined;
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
