// Memory for content on its way, in blocks that are used again: a fresh buffer for each read would be collected right away, which
// costs more than the copy.

export const BLOCK_BYTES = 0x10000;

/** 16 MiB; more are left to the garbage collector. */
const MAX_IDLE_BLOCKS = 256;
const idle: Buffer[] = [];

/** A block of memory, to be given back with `returnBlock`. */
export function takeBlock(): Buffer {
  return idle.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
}

/** Takes a block back that nobody looks at any more. */
export function returnBlock(block: Buffer): void {
  if (idle.length < MAX_IDLE_BLOCKS) idle.push(block);
}

interface Block {
  readonly buffer: Buffer;
  end: number;
}

/** A queue of bytes. What `take` gives is valid until the next call of `take` or `clear`. */
export class ByteQueue {
  #blocks: Block[] = [];
  /** The block that `take` has given from. */
  #lent: Block | undefined;
  length = 0;

  /** Adds a copy of `bytes`. */
  push(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      let last = this.#blocks.at(-1);
      if (last === undefined || last.end === BLOCK_BYTES) {
        last = { buffer: takeBlock(), end: 0 };
        this.#blocks.push(last);
      }
      const size = Math.min(bytes.length - done, BLOCK_BYTES - last.end);
      last.buffer.set(done === 0 && size === bytes.length ? bytes : bytes.subarray(done, done + size), last.end);
      last.end += size;
      done += size;
    }
    this.length += bytes.length;
  }

  /** All that is there of the first block; there must be some. */
  take(): Buffer {
    this.rest();
    const first = this.#blocks.shift()!;
    this.#lent = first;
    this.length -= first.end;
    return first.buffer.subarray(0, first.end);
  }

  /** Nobody looks at what `take` gave any more: its block can be used again. */
  rest(): void {
    if (this.#lent !== undefined) returnBlock(this.#lent.buffer);
    this.#lent = undefined;
  }

  /** Forgets everything; what `take` gave stays valid. */
  clear(): void {
    this.#lent = undefined;
    this.#blocks = [];
    this.length = 0;
  }
}
