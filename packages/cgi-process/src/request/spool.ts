// Request content on its way to a script: what has come so far, in memory or in a file, and the rest that is still to come.
//
// A script is started when all of its content is here, or when as much has come as memory may hold: a client that sends a
// little and stops costs a buffer, not a process. Content without a length is always collected whole, because a script
// learns its end only from CONTENT_LENGTH. Content that is here whole goes into a file that has no name from the moment it
// is made and becomes the script's standard input as it is: nothing has to be pumped, and `/dev/stdin` can be opened again.

import { closeSync, fchownSync, openSync, rmSync, write, writeSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CgiError } from '../cgi-error.ts';

const writeFile = promisify(write);

/** What was collected, and where the rest comes from. */
export interface Collected {
  readonly memory: readonly Uint8Array[];
  /** An open file with the whole content, to be read from its start; there is no `memory` and no `rest` then. */
  readonly file: number | undefined;
  /** Bytes collected: the whole length when there is no `rest`. */
  readonly length: number;
  readonly rest: AsyncIterator<Uint8Array> | undefined;
  /** Closes the file. May be repeated. */
  dispose(): void;
}

export interface CollectOptions {
  readonly memoryBytes: number;
  readonly maxBytes: number;
  /** The length the client announced. */
  readonly announced: number | undefined;
  /** Whether to go on to the end, into a file where memory does not suffice. */
  readonly whole: boolean;
  /** Who owns the file; scripts that run as somebody else could not open `/dev/stdin` otherwise. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

/** No content at all. */
export const nothing: Collected = { memory: [], file: undefined, length: 0, rest: undefined, dispose: () => {} };

/** Collects content as far as `options` say. Rejects with CgiError (`content-too-large`, `content-broken`, `content-unstored`). */
export async function collectContent(content: AsyncIterable<Uint8Array>, options: CollectOptions): Promise<Collected> {
  const iterator = content[Symbol.asyncIterator]();
  const spool = new Spool(options);
  try {
    for (;;) {
      if (!options.whole && spool.length >= options.memoryBytes) return spool.collected(iterator);
      const { done, value } = await nextOf(iterator);
      if (done === true) break;
      if (spool.length + value.length > options.maxBytes) {
        throw new CgiError('content-too-large', `the content is longer than ${options.maxBytes} bytes`);
      }
      await spool.add(value);
    }
    if (options.announced !== undefined && spool.length !== options.announced) {
      throw new CgiError(
        'content-broken',
        `${spool.length} bytes of content came, ${options.announced} were announced`,
      );
    }
    return spool.collected(undefined);
  } catch (error) {
    spool.dispose();
    // Its failure to end would add nothing to the error that is on its way.
    iterator.return?.().catch(() => {});
    throw error instanceof CgiError ? error : storageError(error as NodeJS.ErrnoException);
  }
}

/** Whatever else fails here is the directory for temporary files, or the lack of descriptors, which passes. */
function storageError(error: NodeJS.ErrnoException): CgiError {
  const isBusy = error.code === 'EMFILE' || error.code === 'ENFILE';
  return new CgiError(isBusy ? 'busy' : 'content-unstored', `the content cannot be stored: ${error.message}`, {
    cause: error,
  });
}

async function nextOf(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  try {
    return await iterator.next();
  } catch (error) {
    throw new CgiError('content-broken', 'the content broke off', { cause: error });
  }
}

class Spool {
  readonly #options: CollectOptions;
  #memory: Uint8Array[] = [];
  #file: number | undefined;
  length = 0;

  constructor(options: CollectOptions) {
    this.#options = options;
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.length += bytes.length;
    if (this.#file === undefined && (!this.#options.whole || this.length <= this.#options.memoryBytes)) {
      this.#memory.push(bytes);
      return;
    }
    if (this.#file === undefined) this.#moveToFile();
    await this.#write(bytes, this.length - bytes.length);
  }

  collected(rest: AsyncIterator<Uint8Array> | undefined): Collected {
    if (rest === undefined && this.length > 0 && this.#file === undefined) this.#moveToFile();
    return { memory: this.#memory, file: this.#file, length: this.length, rest, dispose: () => this.dispose() };
  }

  dispose(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Writes at a position, so that the offset that the script will share stays at the start. */
  #moveToFile(): void {
    this.#file = namelessFile(this.#options.owner);
    let position = 0;
    for (const bytes of this.#memory) {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.#file, bytes, done, bytes.length - done, position + done);
      }
      position += bytes.length;
    }
    this.#memory = [];
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await writeFile(this.#file as number, bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }
}

function namelessFile(owner: CollectOptions['owner']): number {
  const path = join(tmpdir(), `onezero-content-${randomUUID()}`);
  const file = openSync(path, 'wx+', 0o600);
  rmSync(path);
  if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
  return file;
}
