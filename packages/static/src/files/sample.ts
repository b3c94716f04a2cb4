// Bytes from all over a large file: enough to see what it is, and to tell most changes that keep size and time.

import { createHash } from 'node:crypto';
import type { Disk, Opened } from './disk.ts';
import { type Eventually, whenReady } from './eventually.ts';

/** Sixteen pages of a file, the first and the last among them, are read in 15 us from the kernel's memory. */
const BLOCKS = 16;
const BLOCK_BYTES = 4096;

/** Of the hash, which is one part of a weak tag: 60 bits. */
const HASH_CHARACTERS = 10;

export interface Sample {
  readonly bytes: Uint8Array;
  readonly hash: string;
}

/** Reads blocks spread evenly over an open file of a known size. Throws what the file system says. */
export function readSample(
  { descriptor, stamp }: Pick<Opened, 'descriptor'> & { readonly stamp: { readonly size: number } },
  disk: Disk,
): Eventually<Sample> {
  const { size } = stamp;
  const bytes = Buffer.allocUnsafeSlow(Math.min(size, BLOCKS * BLOCK_BYTES));
  let filled: Eventually<number> = 0;
  for (let offset = 0; offset < bytes.length; offset += BLOCK_BYTES) {
    const block = bytes.subarray(offset, offset + BLOCK_BYTES);
    const position = Math.floor((offset / Math.max(1, bytes.length - BLOCK_BYTES)) * (size - block.length));
    filled = whenReady(filled, () =>
      whenReady(disk.read(descriptor, block, position), (count) => {
        if (count instanceof Error) throw count;
        // Of a file that has become shorter, what it has no more counts as zeros.
        block.fill(0, count);
        return count;
      }),
    );
  }
  return whenReady(filled, () => ({
    bytes,
    hash: createHash('sha256').update(bytes).digest('base64url').slice(0, HASH_CHARACTERS),
  }));
}
