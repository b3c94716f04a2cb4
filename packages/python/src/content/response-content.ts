// The content of a response while the application is still making it: chunks go in as they arrive, and come out as they
// are asked for, those that are there as one.
//
// What the client has not taken waits in memory up to a limit, then in a file without a name, so that a slow client holds no
// thread of the application. Where that cannot be (no room left, no file wanted), `isFull` tells whoever puts in to wait.
// In order: the queue, the file from `readAt` on, what is being written, and what waits to be written.

import { type SpoolBudget, SpoolFile } from '@onezero/cgi-process';
import { ByteQueue } from './blocks.ts';
import type { HandedFile } from './handed-file.ts';

/** Read back at once: fewer turns of the loop than a socket's 64 KiB, and still little memory. */
const READ_BYTES = 0x40000;

/** What bounds the content of one response. */
export interface ResponseSpool {
  /** How much waits in memory. */
  readonly readAheadBytes: number;
  /** How large the file of one response may become; 0 for none. Its space is used again when all of it was read. */
  readonly fileBytes: number;
  /** What all responses together may keep in files. */
  readonly budget: SpoolBudget;
  /** Called when the file cannot be written; memory and waiting do instead. */
  readonly failed: (error: Error) => void;
}

interface Reader {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: unknown): void;
}

/** A byte sequence with one writer and one reader. Leaving it early calls `onAbandon`. */
export class ResponseContent implements AsyncIterableIterator<Uint8Array> {
  /** Called when there is more room than before. */
  onRoom: () => void = () => {};
  /** Called when the reader leaves before the end. */
  onAbandon: () => void = () => {};
  readonly #spool: ResponseSpool;
  readonly #queue = new ByteQueue();
  #handed: HandedFile | undefined;
  #file: SpoolFile | undefined;
  #readAt = 0;
  #isWriting = false;
  #behind: Uint8Array[] = [];
  #behindBytes = 0;
  /** Whether what waits cannot go to the file: for now, or for ever. */
  #isStuck = false;
  #isBroken = false;
  #isReading = false;
  /** Whether the reader has left, or cannot get more. */
  #isDropped = false;
  #ended = false;
  #error: unknown;
  #reader: Reader | undefined;

  constructor(spool: ResponseSpool) {
    this.#spool = spool;
    this.#isBroken = spool.fileBytes === 0;
    this.#isStuck = this.#isBroken;
  }

  /** Whether the writer has to wait for the reader. */
  get isFull(): boolean {
    return this.#waitingBytes >= this.#spool.readAheadBytes;
  }

  /** Whether a writer that waited may go on. */
  get hasRoom(): boolean {
    return this.#waitingBytes < this.#spool.readAheadBytes / 2;
  }

  get #waitingBytes(): number {
    return this.#behindBytes + (this.#isStuck ? this.#queue.length : 0);
  }

  get #isSpooling(): boolean {
    return this.#isWriting || this.#behind.length > 0 || this.#isUnread;
  }

  get #isUnread(): boolean {
    return !this.#isDropped && this.#file !== undefined && this.#readAt < this.#file.length;
  }

  /** Adds a copy of `chunk`. */
  push(chunk: Uint8Array): void {
    if (this.#ended) return;
    const isFitting = this.#isBroken || this.#queue.length + chunk.length <= this.#spool.readAheadBytes;
    if (!this.#isSpooling && isFitting) this.#queue.push(chunk);
    else {
      this.#behind.push(Buffer.from(chunk));
      this.#behindBytes += chunk.length;
      void this.#write();
    }
    this.#serve();
  }

  /** Adds the stretch of a file, as the last of the content. */
  pushFile(file: HandedFile): void {
    if (this.#ended) return file.close();
    this.#handed = file;
    this.#serve();
  }

  /** Ends the sequence; with an error, the reader gets it after the chunks that came before. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#serve();
  }

  async #write(): Promise<void> {
    if (this.#isWriting || this.#isStuck) return;
    const pieces = this.#behind;
    const bytes = this.#behindBytes;
    try {
      const file = this.#fileFor(bytes);
      if (file === undefined) {
        this.#isStuck = true;
        return;
      }
      this.#behind = [];
      this.#behindBytes = 0;
      this.#isWriting = true;
      await file.append(pieces);
    } catch (error) {
      if (this.#isWriting) {
        this.#behind.unshift(...pieces);
        this.#behindBytes += bytes;
      }
      this.#isStuck = true;
      this.#isBroken = true;
      this.#spool.failed(error as Error);
    }
    this.#isWriting = false;
    if (this.#isDropped) return this.#free();
    if (this.#behind.length > 0) void this.#write();
    this.onRoom();
    this.#serve();
  }

  /** The file with room for `bytes` more; undefined when there is none. Throws the system's error where no file can be made. */
  #fileFor(bytes: number): SpoolFile | undefined {
    const { fileBytes, budget } = this.#spool;
    if ((this.#file?.length ?? 0) + bytes > fileBytes) return undefined;
    const file = this.#file ?? new SpoolFile(budget);
    if (file.reserve(bytes)) {
      this.#file = file;
      return file;
    }
    if (this.#file === undefined) file.close();
    return undefined;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#queue.rest();
      this.#serve();
    });
  }

  /** Gives the reader what it waits for, if that is there. */
  #serve(): void {
    if (this.#reader === undefined || this.#isReading) return;
    if (this.#queue.length === 0 && !this.#isUnread && !this.#isWriting) this.#refill();
    if (this.#queue.length > 0) return this.#give(this.#queue.take());
    if (this.#isUnread) return void this.#readBack();
    if (this.#isWriting) return;
    if (this.#handed !== undefined) return void this.#readHanded(this.#handed);
    if (!this.#ended) return;
    const reader = this.#reader;
    this.#reader = undefined;
    this.#free();
    if (this.#error === undefined) reader.resolve({ value: undefined, done: true });
    else reader.reject(this.#error);
  }

  /** The reader has caught up: what waits for the file need not go there. */
  #refill(): void {
    this.#isStuck = this.#isBroken;
    for (const chunk of this.#behind) this.#queue.push(chunk);
    this.#behind = [];
    this.#behindBytes = 0;
  }

  #give(value: Uint8Array): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve({ value, done: false });
    this.onRoom();
  }

  async #readBack(): Promise<void> {
    await this.#reading(async () => {
      const piece = await this.#file!.read(this.#readAt, READ_BYTES);
      if (this.#isDropped) return undefined;
      this.#readAt += piece.length;
      if (!this.#isUnread && !this.#isWriting) {
        this.#readAt = 0;
        this.#file!.rewind();
      }
      return piece;
    });
  }

  async #readHanded(file: HandedFile): Promise<void> {
    await this.#reading(async () => {
      const piece = await file.next();
      if (piece !== undefined) return piece;
      file.close(true);
      this.#handed = undefined;
      return undefined;
    });
  }

  /** Reads once, and gives what comes; a failure is the end. */
  async #reading(read: () => Promise<Uint8Array | undefined>): Promise<void> {
    this.#isReading = true;
    let piece: Uint8Array | undefined;
    try {
      piece = await read();
    } catch (error) {
      this.#ended = true;
      this.#error = error;
      this.#drop();
    }
    this.#isReading = false;
    if (piece === undefined || piece.length === 0) this.#serve();
    else this.#give(piece);
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    const wasRunning = !this.#ended;
    this.#ended = true;
    this.#error = undefined;
    this.#drop();
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve({ value: undefined, done: true });
    if (wasRunning) this.onAbandon();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Forgets all that has not been read. */
  #drop(): void {
    this.#queue.clear();
    this.#behind = [];
    this.#behindBytes = 0;
    this.#handed?.close();
    this.#handed = undefined;
    this.#isDropped = true;
    if (!this.#isWriting) this.#free();
  }

  #free(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
