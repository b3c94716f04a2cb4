// The content of a request, collected before a worker is asked: a client that sends slowly then costs no thread, and the
// application learns a length even when the client gave none (Django takes no content without one).
//
// Little stays in memory; more goes to a temporary file that has no name from the moment it is open, so nothing is left
// behind whatever happens.

import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WsgiError } from './wsgi-error.ts';

/** Four whole records of a worker's connection: fewer turns of the loop than one at a time, and still little memory. */
const readBytes = 4 * 0xffff;

/** Content on its way to a worker. `discard` is for when it will not be read. */
export interface RequestContent {
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  /** Undefined when it ends where it ends. */
  readonly length: number | undefined;
  readonly discard: () => Promise<void>;
}

/** For content that leaves nothing behind. */
export const nothingToDiscard = (): Promise<void> => Promise.resolve();

/** What a request without content has. */
export const noContent: RequestContent = { content: new Uint8Array(0), length: 0, discard: nothingToDiscard };

/** Collects `content`: up to `memoryBytes` in memory, more in a file. Rejects with what reading it throws. */
export async function collectContent(content: AsyncIterable<Uint8Array>, memoryBytes: number): Promise<RequestContent> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let file: FileHandle | undefined;
  try {
    for await (const chunk of content) {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= memoryBytes) continue;
      file ??= await openUnnamed();
      await writeAll(file, chunks.splice(0));
    }
  } catch (error) {
    await file?.close();
    throw error;
  }
  if (file === undefined) return { content: Buffer.concat(chunks), length, discard: nothingToDiscard };
  const spooled = file;
  return { content: readBack(spooled), length, discard: () => spooled.close() };
}

async function openUnnamed(): Promise<FileHandle> {
  const path = join(tmpdir(), `onezero-content-${randomUUID()}`);
  try {
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return file;
  } catch (error) {
    throw spoolError(error);
  }
}

async function writeAll(file: FileHandle, chunks: Uint8Array[]): Promise<void> {
  try {
    for (const chunk of chunks) {
      for (let written = 0; written < chunk.length;) {
        written += (await file.write(chunk, written)).bytesWritten;
      }
    }
  } catch (error) {
    throw spoolError(error);
  }
}

function spoolError(cause: unknown): WsgiError {
  return new WsgiError('spool-failed', `cannot keep a request's content in ${tmpdir()}`, '', { cause });
}

async function* readBack(file: FileHandle): AsyncGenerator<Uint8Array> {
  try {
    for (let position = 0; ;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(readBytes), 0, readBytes, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
