// The content of a large file, read piece by piece from the descriptor that was checked.
//
// The object owns its descriptor: it is closed when the last byte was handed out, when reading fails, and by `return()`,
// also before the first `next()` (a generator would not run its `finally` then). Exactly the announced bytes come out: a
// file that grew is cut, one that shrank is an error, so that the connection breaks instead of lying. Buffers are lent from
// a small pool; a chunk is valid until the next is asked for. Closing is the duty of whoever holds the response; a
// finalizer is the net under it.

import type { Tap } from './digests.ts';
import type { ByteRange } from '../http/range.ts';
import { poolDisk } from './disk.ts';
import { pool, readLater } from './queue.ts';

/**
 * Bytes read ahead for a response, by the number of responses under way: the first few may have the speed of large pieces, and
 * many slow readers cost no more than in nginx, whose buffers are 64 KiB for each. Each costs what it reads until its client
 * has taken it.
 */
const CHUNKS: readonly { readonly below: number; readonly bytes: number }[] = [
  { below: 8, bytes: 1024 * 1024 },
  { below: 32, bytes: 256 * 1024 },
  { below: 128, bytes: 64 * 1024 },
  { below: Number.POSITIVE_INFINITY, bytes: 32 * 1024 },
];

/** Buffers of each size kept for the next readers; beyond, they are left to the garbage collector. */
const MAX_POOLED_BUFFERS = 8;

const pools = new Map<number, Buffer[]>(CHUNKS.map(({ bytes }) => [bytes, []]));
let lent = 0;

/** What a reader holds that must be given back. */
interface Holding {
  readonly descriptor: number;
  readonly device: number;
  readonly tap: Tap | undefined;
  buffer: Buffer | undefined;
}

function lendBuffer(wanted: number): Buffer {
  const allowed = CHUNKS.find(({ below }) => lent < below)?.bytes ?? 0;
  // No more than the part needs, in one of the sizes there are.
  const fitting = CHUNKS.findLast(({ bytes }) => bytes >= wanted)?.bytes ?? allowed;
  const bytes = Math.min(allowed, fitting);
  lent++;
  return pools.get(bytes)?.pop() ?? Buffer.allocUnsafeSlow(bytes);
}

/** Takes the buffer of a reader back; to lend it again when nobody can be reading from it any more. */
function takeBack(holding: Holding, isFree: boolean): void {
  const { buffer } = holding;
  if (buffer === undefined) return;
  holding.buffer = undefined;
  lent--;
  const home = pools.get(buffer.length);
  if (isFree && home !== undefined && home.length < MAX_POOLED_BUFFERS) home.push(buffer);
}

const abandoned = new FinalizationRegistry<Holding>((holding) => {
  poolDisk.close(holding.descriptor);
  holding.tap?.leave();
  takeBack(holding, false);
});

/** Bytes to interleave with ranges of the file, in order. */
export type ContentPart = Uint8Array | ByteRange;

/** Iterates once over `parts`; takes over `descriptor`, of a file on `device`. A tap sees every chunk, and whether the last was reached. */
export class FileContent implements AsyncIterableIterator<Uint8Array> {
  readonly #holding: Holding;
  readonly #parts: readonly ContentPart[];
  #part = 0;
  /** How much of the current part has been handed out. */
  #offset = 0;
  #isOpen = true;
  #pending: Promise<unknown> | undefined;

  constructor(descriptor: number, device: number, parts: readonly ContentPart[], tap?: Tap) {
    this.#holding = { descriptor, device, tap, buffer: undefined };
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
      if (this.#isOpen) {
        takeBack(this.#holding, true);
        this.#holding.tap?.complete(this.#holding.descriptor);
      }
      return this.return();
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

  async #read(part: ByteRange): Promise<Uint8Array> {
    const { descriptor, device, tap } = this.#holding;
    const position = part.start + this.#offset;
    const buffer = (this.#holding.buffer ??= lendBuffer(part.end - position));
    const wanted = Math.min(part.end - position, buffer.length);
    const { bytesRead } = await pool.run(
      () => readLater(descriptor, buffer, 0, wanted, position),
      () => device,
    );
    if (bytesRead === 0) throw new Error('the file became shorter while it was sent');
    this.#offset += bytesRead;
    const bytes = buffer.subarray(0, bytesRead);
    tap?.see(bytes);
    if (position + bytesRead === part.end) {
      this.#part++;
      this.#offset = 0;
    }
    return bytes;
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    abandoned.unregister(this);
    this.#holding.tap?.leave();
    poolDisk.close(this.#holding.descriptor);
    takeBack(this.#holding, false);
  }
}
