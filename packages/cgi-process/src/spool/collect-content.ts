// Request content on its way to a script: what has come so far, in memory or in a file, and the rest that is still to come.
//
// A script is started when all of its content is here, so a client that sends slowly costs no process and no place among
// those that run. Beyond the limits of the file, or where content of a known length is to be streamed, it is started when as
// much has come as may be kept. Content without a length is always collected whole, because a script learns its end only from
// CONTENT_LENGTH. Content that is here whole goes into a file that has no name from the moment it is made and becomes the
// script's standard input as it is: nothing has to be pumped, and `/dev/stdin` can be opened again. Where no file can be made,
// what fits into memory goes through a pipe.

import { CgiError } from '../cgi-error.ts';
import { SpoolFile } from './spool-file.ts';
import type { Owner, SpoolBudget } from './spool-file.ts';

/** What was collected, and where the rest comes from. */
export interface Collected {
  /** The first bytes; all of them where there is no file. */
  readonly memory: readonly Uint8Array[];
  /** An open file with the whole content, to be read from its start; there is no `memory` and no `rest` then. */
  readonly file: number | undefined;
  /** The whole length when there is no `rest`. */
  readonly length: number;
  /** What comes after `memory`. */
  readonly rest: AsyncIterator<Uint8Array> | undefined;
  /** Closes the file. May be repeated. */
  dispose(): void;
}

export interface CollectOptions {
  readonly memoryBytes: number;
  /** The most that one file holds. */
  readonly fileBytes: number;
  readonly budget: SpoolBudget;
  readonly maxBytes: number;
  /** The length the client announced. */
  readonly announced: number | undefined;
  /** Whether to go on to the end, into a file where memory does not suffice. */
  readonly whole: boolean;
  /** Who owns the file; scripts that run as somebody else could not open `/dev/stdin` otherwise. */
  readonly owner?: Owner | undefined;
}

/** No content at all. */
export const nothing: Collected = { memory: [], file: undefined, length: 0, rest: undefined, dispose: () => {} };

/** Collects content as far as `options` say. Rejects with CgiError (`content-too-large`, `content-broken`, `content-unstored`). */
export async function collectContent(content: AsyncIterable<Uint8Array>, options: CollectOptions): Promise<Collected> {
  const collector = new Collector(content[Symbol.asyncIterator](), options);
  try {
    return await collector.collect();
  } catch (error) {
    collector.abandon();
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

class Collector {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #options: CollectOptions;
  #memory: Uint8Array[] = [];
  #file: SpoolFile | undefined;
  #length = 0;

  constructor(iterator: AsyncIterator<Uint8Array>, options: CollectOptions) {
    this.#iterator = iterator;
    this.#options = options;
  }

  async collect(): Promise<Collected> {
    const { announced, maxBytes, memoryBytes, whole } = this.#options;
    for (;;) {
      if (!whole && this.#length >= memoryBytes) return this.#collected(undefined, this.#iterator);
      const { done, value } = await this.#next();
      if (done === true) break;
      if (this.#length + value.length > maxBytes) {
        throw new CgiError('content-too-large', `the content is longer than ${maxBytes} bytes`);
      }
      this.#length += value.length;
      if (!(await this.#keep(value))) return this.#collected(undefined, new Rest(this.#file, value, this.#iterator));
    }
    if (announced !== undefined && this.#length !== announced) {
      throw new CgiError('content-broken', `${this.#length} bytes of content came, ${announced} were announced`);
    }
    return this.#whole();
  }

  abandon(): void {
    this.#file?.close();
    // Its failure to end would add nothing to the error that is on its way.
    this.#iterator.return?.().catch(() => {});
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#iterator.next();
    } catch (error) {
      throw new CgiError('content-broken', 'the content broke off', { cause: error });
    }
  }

  /** False when there is no room, and the content has a length, so that it can be streamed from here on. */
  async #keep(bytes: Uint8Array): Promise<boolean> {
    const { memoryBytes, whole, announced } = this.#options;
    if (this.#file === undefined && (!whole || this.#length <= memoryBytes)) {
      this.#memory.push(bytes);
      return true;
    }
    try {
      if (!this.#hasRoom(bytes.length)) {
        throw new CgiError('content-unstored', 'the content is longer than may be kept in temporary files');
      }
      this.#moveToFile();
      await this.#file?.append(bytes);
      return true;
    } catch (error) {
      if (announced === undefined) throw error;
      return false;
    }
  }

  #hasRoom(bytes: number): boolean {
    const { fileBytes, budget } = this.#options;
    if (this.#length > fileBytes) return false;
    this.#file ??= new SpoolFile(budget, this.#options.owner);
    return this.#file.reserve(this.#file.length === 0 ? this.#length : bytes);
  }

  #whole(): Collected {
    if (this.#length === 0) return nothing;
    try {
      if (this.#file !== undefined || this.#hasRoom(this.#length)) this.#moveToFile();
    } catch {
      // No temporary file to be had: memory holds it all, and a pipe takes it to the script.
    }
    const file = this.#memory.length === 0 ? this.#file : undefined;
    if (file === undefined) this.#file?.close();
    return this.#collected(file?.descriptor, undefined);
  }

  #collected(file: number | undefined, rest: AsyncIterator<Uint8Array> | undefined): Collected {
    return { memory: this.#memory, file, length: this.#length, rest, dispose: () => this.#file?.close() };
  }

  /** Writes at a position, so that the offset that the script will share stays at the start. */
  #moveToFile(): void {
    try {
      for (const bytes of this.#memory) this.#file?.appendNow(bytes);
    } catch (error) {
      this.#file?.rewind();
      throw error;
    }
    this.#memory = [];
  }
}

const READ_BYTES = 65_536;

/** What comes after the memory: what a file holds, a chunk that had no room there, and what the client still sends. */
class Rest implements AsyncIterator<Uint8Array> {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #file: SpoolFile | undefined;
  #position = 0;
  #chunk: Uint8Array | undefined;

  constructor(file: SpoolFile | undefined, chunk: Uint8Array, iterator: AsyncIterator<Uint8Array>) {
    this.#file = file;
    this.#chunk = chunk;
    this.#iterator = iterator;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#file !== undefined && this.#position < this.#file.length) {
      const value = await this.#file.read(this.#position, READ_BYTES);
      this.#position += value.length;
      return { done: false, value };
    }
    this.#file?.close();
    const value = this.#chunk;
    this.#chunk = undefined;
    return value === undefined ? this.#iterator.next() : { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#file?.close();
    await this.#iterator.return?.();
    return { done: true, value: undefined };
  }
}
