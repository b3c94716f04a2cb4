// Content that is taken from its source before its reader wants it: whatever makes it is done when it has made it, however
// slow the client is that reads it.
//
// What the reader takes as it comes is handed on at once. What it leaves stays in memory up to a limit; from then on the source
// waits, and if it has waited a quarter of a second in all, the rest goes to a nameless file: readers that keep up never cost
// a write. Beyond the limit of the file, or without one, the source waits for the reader as before.

import { afterMs } from '../timer.ts';
import { SpoolFile } from './spool-file.ts';
import type { SpoolBudget } from './spool-file.ts';

/** How long a source waits for its reader, in all, before a file is worth it: a reader on a fast network needs less. */
const PATIENCE_MS = 250;
/** Read back at once: few turns of the loop, and little memory for each reader. */
const READ_BYTES = 65_536;

/** What bounds reading ahead. */
export interface ReadAheadOptions {
  readonly memoryBytes: number;
  /** The most that one file holds. */
  readonly fileBytes: number;
  /** What is left for all files. */
  readonly budget: SpoolBudget;
}

/**
 * Reads `source` ahead of whoever reads the result. Its end or error comes after its bytes. Nothing is read before the first
 * `next`; `return` returns the source as well and drops what was read. Provisional, for `@onezero/python`.
 */
export function readAhead(
  source: AsyncIterator<Uint8Array>,
  options: ReadAheadOptions,
): AsyncIterableIterator<Uint8Array> {
  return new ReadAhead(source, options);
}

class ReadAhead implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #options: ReadAheadOptions;
  readonly #memory: Uint8Array[] = [];
  #memoryBytes = 0;
  #file: SpoolFile | undefined;
  #readPosition = 0;
  /** Whether what comes goes to the file. What is in memory then is older than what is in the file. */
  #isFiling = false;
  #isAppending = false;
  /** Whether a file may be had; not after one could not be made or written. */
  #hasFile = true;
  #waitedMs = 0;
  #isStarted = false;
  #end: 'none' | 'ended' | 'left' | { readonly error: unknown } = 'none';
  #wakeReader: (() => void) | undefined;
  #wakeSource: (() => void) | undefined;

  constructor(source: AsyncIterator<Uint8Array>, options: ReadAheadOptions) {
    this.#source = source;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#isStarted) {
      this.#isStarted = true;
      void this.#pump();
    }
    for (;;) {
      if (this.#end === 'left') return { done: true, value: undefined };
      const value = this.#takeMemory() ?? (this.#isFiling ? await this.#takeFile() : undefined);
      if (value !== undefined) {
        this.#wakeSource?.();
        return { done: false, value };
      }
      if (this.#memory.length > 0) continue;
      if (this.#end !== 'none') return this.#finish();
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    const isOpen = this.#end === 'none';
    this.#end = 'left';
    this.#memory.length = 0;
    this.#file?.close();
    this.#wakeSource?.();
    this.#wakeReader?.();
    if (isOpen) await this.#source.return?.();
    return { done: true, value: undefined };
  }

  #finish(): IteratorResult<Uint8Array> {
    const end = this.#end;
    this.#end = 'left';
    this.#file?.close();
    if (typeof end === 'object') throw end.error;
    return { done: true, value: undefined };
  }

  #takeMemory(): Uint8Array | undefined {
    const bytes = this.#memory.shift();
    this.#memoryBytes -= bytes?.length ?? 0;
    return bytes;
  }

  async #takeFile(): Promise<Uint8Array | undefined> {
    const file = this.#file as SpoolFile;
    if (this.#readPosition === file.length) {
      if (!this.#isAppending) this.#leaveFile(file);
      return undefined;
    }
    try {
      const bytes = await file.read(this.#readPosition, READ_BYTES);
      this.#readPosition += bytes.length;
      return bytes;
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  /** All of the file was read: what comes is kept in memory again. */
  #leaveFile(file: SpoolFile): void {
    this.#isFiling = false;
    this.#readPosition = 0;
    file.rewind();
    this.#wakeSource?.();
  }

  async #pump(): Promise<void> {
    try {
      while (this.#end === 'none') {
        await this.#room();
        if (this.#end !== 'none') break;
        const { done, value } = await this.#source.next();
        if (done === true) {
          this.#settle('ended');
          break;
        }
        await this.#keep(value);
        this.#wakeReader?.();
      }
    } catch (error) {
      this.#settle({ error });
    }
    this.#wakeReader?.();
  }

  #settle(end: 'ended' | { readonly error: unknown }): void {
    if (this.#end === 'none') this.#end = end;
  }

  /** Waits while memory is full and no file takes more. */
  async #room(): Promise<void> {
    while (this.#end === 'none' && this.#isFull) {
      const left = PATIENCE_MS - this.#waitedMs;
      if (left <= 0 && this.#hasFile) this.#openFile();
      if (!this.#isFull) return;
      const since = performance.now();
      await this.#readerMoves(this.#hasFile ? left : Number.POSITIVE_INFINITY);
      this.#waitedMs += performance.now() - since;
    }
  }

  get #isFull(): boolean {
    return !this.#isFiling && this.#memory.length > 0 && this.#memoryBytes >= this.#options.memoryBytes;
  }

  async #readerMoves(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = afterMs(withinMs, resolve);
      this.#wakeSource = () => {
        stop();
        resolve();
      };
    });
  }

  #openFile(): void {
    try {
      this.#file ??= new SpoolFile(this.#options.budget);
      this.#isFiling = true;
    } catch {
      // No directory for temporary files, no descriptor, no space: the source waits for its reader then.
      this.#hasFile = false;
    }
  }

  async #keep(bytes: Uint8Array): Promise<void> {
    while (this.#isFiling && this.#end === 'none') {
      if (await this.#isFiled(bytes)) return;
      // The reader, once it has read what is in the file, finds this chunk in memory.
      if (this.#isFiling && this.#end === 'none') await this.#readerMoves(Number.POSITIVE_INFINITY);
    }
    this.#memory.push(bytes);
    this.#memoryBytes += bytes.length;
  }

  async #isFiled(bytes: Uint8Array): Promise<boolean> {
    const file = this.#file as SpoolFile;
    const fits = file.length + bytes.length <= this.#options.fileBytes;
    if (!this.#hasFile || !fits || !file.reserve(bytes.length)) return false;
    this.#isAppending = true;
    try {
      await file.append([bytes]);
      return true;
    } catch {
      // A full disk: what was written of it is overwritten or forgotten, and the chunk is kept here.
      this.#hasFile = false;
      return false;
    } finally {
      this.#isAppending = false;
      this.#wakeReader?.();
    }
  }
}
