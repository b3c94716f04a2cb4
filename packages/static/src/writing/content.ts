// The content of a PUT goes to its file: gathered, so that a thousand small chunks are not a thousand writes; measured against
// limits before it is written; hashed while it passes.

import type { Hash } from 'node:crypto';
import { setImmediate as turned } from 'node:timers/promises';
import type { Eventually } from '../files/eventually.ts';

/** Chunks below this are gathered; a write of so much costs little more than one of a byte. */
export const GATHER_BYTES: number = 64 * 1024;

/** What watches the content on its way. */
export interface ContentWatch {
  /** Called with the length so far, before any of the last chunk is written; may refuse by throwing. */
  readonly onLength: (bytes: number) => void | Promise<void>;
  readonly hashes: Iterable<Hash>;
}

/** A file as content is written to it. */
export interface ContentFile {
  /** Writes so many bytes from an offset on, or fewer. */
  write(bytes: Uint8Array, offset: number, length: number): Eventually<{ readonly bytesWritten: number }>;
}

/** Content of which so much has arrived; `next` is what was asked for and has not, undefined when that was all. */
export interface Arrived {
  readonly chunks: readonly Uint8Array[];
  readonly next: Promise<IteratorResult<Uint8Array, void>> | undefined;
}

let end: Promise<undefined> | undefined;

/** Resolves at the end of this turn of the loop, for all who ask in it. */
function endOfTurn(): Promise<undefined> {
  return (end ??= turned(undefined).then(() => (end = undefined)));
}

/** Takes what has arrived by the next turn of the loop, up to what is gathered at once. A small content came with its request. */
export async function arrivedOf(content: AsyncIterator<Uint8Array, void>): Promise<Arrived> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const end = endOfTurn();
  for (;;) {
    const next = content.next();
    const now = bytes > GATHER_BYTES ? undefined : await Promise.race([next, end]);
    if (now === undefined) {
      // Whoever goes on with it hears of its failure; where nobody does, it failed unheard.
      next.catch(() => {});
      return { chunks, next };
    }
    if (now.done === true) return { chunks, next: undefined };
    // It is lent until the next is asked for.
    chunks.push(Uint8Array.from(now.value));
    bytes += now.value.length;
  }
}

/** Content from its first chunk on. */
export async function* wholeOf(
  { chunks, next }: Arrived,
  content: AsyncGenerator<Uint8Array, void>,
): AsyncGenerator<Uint8Array, void> {
  yield* chunks;
  const result = await next;
  if (result === undefined || result.done === true) return;
  yield result.value;
  yield* content;
}

/** Writes all of `content` and resolves with its length. A chunk is used before the next is asked for. */
export async function writeContent(
  file: ContentFile,
  content: AsyncIterable<Uint8Array>,
  { onLength, hashes }: ContentWatch,
): Promise<number> {
  let bytes = 0;
  let gathered: Buffer | undefined;
  let filled = 0;
  const write = async (chunk: Uint8Array): Promise<void> => {
    for (const hash of hashes) hash.update(chunk);
    await writeAll(file, chunk);
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

async function writeAll(file: ContentFile, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, offset, chunk.length - offset);
    offset += bytesWritten;
  }
}
