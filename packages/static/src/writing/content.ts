// The content of a PUT goes to its file: gathered, so that a thousand small chunks are not a thousand writes; measured against
// limits before it is written; hashed while it passes.

import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

/** Chunks below this are gathered; a write of so much costs little more than one of a byte. */
const GATHER_BYTES = 64 * 1024;

/** What watches the content on its way. */
export interface ContentWatch {
  /** Called with the length so far, before any of the last chunk is written; may refuse by throwing. */
  readonly onLength: (bytes: number) => void | Promise<void>;
  readonly hashes: Iterable<Hash>;
}

/** Writes all of `content` and resolves with its length. A chunk is used before the next is asked for. */
export async function writeContent(
  handle: FileHandle,
  content: AsyncIterable<Uint8Array>,
  { onLength, hashes }: ContentWatch,
): Promise<number> {
  let bytes = 0;
  let gathered: Buffer | undefined;
  let filled = 0;
  const write = async (chunk: Uint8Array): Promise<void> => {
    for (const hash of hashes) hash.update(chunk);
    await writeAll(handle, chunk);
  };
  const flush = async (): Promise<void> => {
    if (gathered !== undefined && filled > 0) await write(gathered.subarray(0, filled));
    filled = 0;
  };
  for await (const chunk of content) {
    bytes += chunk.length;
    const watching = onLength(bytes);
    if (watching !== undefined) await watching;
    if (filled + chunk.length > GATHER_BYTES) await flush();
    if (chunk.length >= GATHER_BYTES) await write(chunk);
    else {
      gathered ??= Buffer.allocUnsafe(GATHER_BYTES);
      gathered.set(chunk, filled);
      filled += chunk.length;
    }
  }
  await flush();
  return bytes;
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.length - offset);
    offset += bytesWritten;
  }
}
