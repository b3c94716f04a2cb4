// Request content on its way to a program: what has come so far, in memory or in a file, and the rest that is still to come.
//
// A program is started or asked when all of its content is here, so a client that sends slowly costs no process and no place
// among those that run. Beyond the limits of the file, or where content of a known length is to be streamed, its turn comes
// when as much has arrived as may be kept. Content without a length is always collected whole, because a script learns its end
// only from CONTENT_LENGTH. Content that is here whole goes into a file that has no name from the moment it is made and becomes
// the script's standard input as it is: nothing has to be pumped, and `/dev/stdin` can be opened again. Where no file can be
// made, what fits into memory goes through a pipe. Programs that are asked over a socket need no file for what is small: for
// them it stays in memory, within a budget that all requests share.

import { CgiError } from '../cgi-error.ts';
import { SpoolFile } from './spool-file.ts';
import type { Owner, SpoolBudget } from './spool-file.ts';

/** Written at once: a quarter of the system calls that a socket's 64 KiB would need. */
const WRITE_BYTES = 0x40000;
/** Read back at once: just below what a record of FastCGI holds. */
const READ_BYTES = 65_528;

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
  /**
   * All of the content in order, from its start; a second time only where there is no `rest`. Ends early after `dispose`.
   * @param pieceBytes how much of a file is read at once; default 65,528
   */
  pieces(pieceBytes?: number): AsyncIterable<Uint8Array>;
  /** Closes the file and gives back what was taken of the budgets. May be repeated. */
  dispose(): void;
}

/** Where content is kept, and how much of it. */
export interface CollectOptions {
  readonly memoryBytes: number;
  /** The most that one file holds. */
  readonly fileBytes: number;
  /** What is left for all files. */
  readonly budget: SpoolBudget;
  /**
   * What is left for content that stays in memory because it has at most `memoryBytes`. Default: none does; content that is here
   * whole is always in a file.
   */
  readonly memoryBudget?: SpoolBudget | undefined;
  /** The most that content may have; more is refused. */
  readonly maxBytes: number;
  /** The length the client announced. */
  readonly announced: number | undefined;
  /** Whether to go on to the end, into a file where memory does not suffice. */
  readonly whole: boolean;
  /** Who owns the file; scripts that run as another user could not open `/dev/stdin` otherwise. */
  readonly owner?: Owner | undefined;
}

/** No content at all. */
export const nothing: Collected = {
  memory: [],
  file: undefined,
  length: 0,
  rest: undefined,
  pieces: async function* () {},
  dispose: () => {},
};

/**
 * Collects content as far as `options` say. Rejects with CgiError (`content-too-large`, `content-broken`,
 * `content-unstored`). Provisional, for `@onezero/python`.
 */
export async function collectContent(content: AsyncIterable<Uint8Array>, options: CollectOptions): Promise<Collected> {
  if (typeof (content as Partial<typeof content> | undefined)?.[Symbol.asyncIterator] !== 'function') {
    throw new TypeError('collectContent: expected the content of a request, an async iterable of bytes');
  }
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
  /** What is taken of the budget for memory. */
  #taken = 0;
  #file: SpoolFile | undefined;
  /** What waits to be written to the file. */
  #behind: Uint8Array[] = [];
  #behindBytes = 0;
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
      if (!(await this.#keep(value))) return this.#streamed();
    }
    if (announced !== undefined && this.#length !== announced) {
      throw new CgiError('content-broken', `${this.#length} bytes of content came, ${announced} were announced`);
    }
    return (await this.#written()) ? this.#whole() : this.#streamed();
  }

  abandon(): void {
    this.#dispose();
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
    if (this.#fitsIntoMemory(bytes.length)) {
      this.#memory.push(bytes);
      return true;
    }
    this.#behind.push(bytes);
    this.#behindBytes += bytes.length;
    return this.#storing(async () => {
      if (!this.#hasRoom()) {
        throw new CgiError('content-unstored', 'the content is longer than may be kept in temporary files');
      }
      this.#moveToFile();
      if (this.#behindBytes >= WRITE_BYTES) await this.#write();
    });
  }

  /** Writes what waits for the file. False as with `#keep`. */
  async #written(): Promise<boolean> {
    return this.#behind.length === 0 || this.#storing(async () => this.#write());
  }

  async #storing(store: () => Promise<void>): Promise<boolean> {
    try {
      await store();
      return true;
    } catch (error) {
      if (this.#options.announced === undefined) throw error;
      return false;
    }
  }

  #fitsIntoMemory(bytes: number): boolean {
    const { memoryBytes, memoryBudget, whole } = this.#options;
    if (this.#file !== undefined || (whole && this.#length > memoryBytes)) return false;
    if (memoryBudget === undefined) return true;
    const hasRoom = memoryBudget.take(bytes);
    if (hasRoom) this.#taken += bytes;
    return hasRoom;
  }

  /** Whether all that has come may be in the file. Throws the system's error where there is no file to be had. */
  #hasRoom(): boolean {
    const { fileBytes, budget, owner } = this.#options;
    if (this.#length > fileBytes) return false;
    this.#file ??= new SpoolFile(budget, owner);
    return this.#file.reserve(this.#file.length === 0 ? this.#length : this.#behindBytes);
  }

  async #write(): Promise<void> {
    await this.#file?.append(this.#behind);
    this.#behind = [];
    this.#behindBytes = 0;
  }

  #whole(): Collected {
    if (this.#length === 0) return nothing;
    try {
      const needsFile = this.#options.memoryBudget === undefined;
      if (this.#file !== undefined || (needsFile && this.#hasRoom())) this.#moveToFile();
    } catch {
      // No temporary file to be had: memory holds it all, and a pipe takes it to the script.
    }
    const file = this.#memory.length === 0 ? this.#file : undefined;
    if (file === undefined) this.#file?.close();
    return this.#collected(file, undefined);
  }

  /** For content that cannot be kept whole: what is here, and what the client still sends. */
  #streamed(): Collected {
    return this.#collected(undefined, new Rest(this.#file, this.#behind, this.#iterator));
  }

  #collected(file: SpoolFile | undefined, rest: AsyncIterator<Uint8Array> | undefined): Collected {
    const memory = this.#memory;
    return {
      memory,
      file: file?.descriptor,
      length: this.#length,
      rest,
      pieces: (pieceBytes) => (file === undefined ? inMemory(memory, rest) : readBack(file, pieceBytes)),
      dispose: () => this.#dispose(),
    };
  }

  #dispose(): void {
    this.#file?.close();
    this.#giveBack();
  }

  #giveBack(): void {
    this.#options.memoryBudget?.give(this.#taken);
    this.#taken = 0;
  }

  /** Writes at a position, so that the offset that the script will share stays at the start. */
  #moveToFile(): void {
    this.#file?.appendNow(this.#memory);
    this.#memory = [];
    this.#giveBack();
  }
}

async function* inMemory(
  memory: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array> {
  yield* memory;
  if (rest !== undefined) yield* { [Symbol.asyncIterator]: () => rest };
}

async function* readBack(file: SpoolFile, pieceBytes = READ_BYTES): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < file.length;) {
    const piece = await file.read(position, pieceBytes);
    if (piece.length === 0) return;
    position += piece.length;
    yield piece;
  }
}

/** What comes after the memory: what a file holds, chunks that had no room there, and what the client still sends. */
class Rest implements AsyncIterator<Uint8Array> {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #file: SpoolFile | undefined;
  readonly #chunks: Uint8Array[];
  #position = 0;

  constructor(file: SpoolFile | undefined, chunks: Uint8Array[], iterator: AsyncIterator<Uint8Array>) {
    this.#file = file;
    this.#chunks = chunks;
    this.#iterator = iterator;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#file !== undefined && this.#position < this.#file.length) {
      const value = await this.#file.read(this.#position, READ_BYTES);
      if (value.length === 0) return { done: true, value: undefined };
      this.#position += value.length;
      return { done: false, value };
    }
    this.#file?.close();
    const value = this.#chunks.shift();
    return value === undefined ? this.#iterator.next() : { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#file?.close();
    await this.#iterator.return?.();
    return { done: true, value: undefined };
  }
}
