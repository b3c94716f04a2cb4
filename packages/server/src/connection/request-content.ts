// The content of one request on its way from the socket to whoever reads it.
//
// Pushed by the connection, pulled by the reader. What nobody has asked for waits; beyond a limit the socket is not read any
// more, so a slow reader slows its client and nothing else. Abandoning it turns what still comes into something to drop.

import type { Field } from '../message/message.ts';

/** What the content asks of its connection. */
export interface ContentSource {
  /** The reader waits for the first time: the moment for `100 (Continue)`. */
  contentWanted(): void;
  /** Enough is waiting; read no more. */
  contentFull(): void;
  /** There is room again. */
  contentRoom(): void;
}

// Two reads of the shared buffer at most wait for one reader.
const WAITING_BYTES = 65_536;

// What a piece takes beside its bytes: a client that sends its content octet by octet costs no more memory than others.
const PIECE_BYTES = 128;

// Longer than writing what was read to a busy disk takes; a client that wants to see its answer meanwhile waits as long.
const NEGLECT_MS = 1000;

type Step = IteratorResult<Uint8Array, undefined>;

const DONE: Step = { done: true, value: undefined };

interface Reader {
  /** Whether it is done with the bytes when `resolve` returns, so that it needs no copy. */
  readonly borrows: boolean;
  resolve(step: Step): void;
  reject(error: unknown): void;
}

export class RequestContent implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  /** The trailers that came behind it (RFC 9112 §7.1.2), once it has ended. */
  trailers: readonly Field[] = [];
  readonly #source: ContentSource;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #state: 'open' | 'ended' | 'failed' | 'abandoned' = 'open';
  #error: unknown;
  #iterated = false;
  #asked = false;
  /** When somebody last asked. */
  #readAt: number | undefined;
  #waitedMs = 0;
  #waitingSince = 0;
  #reader: Reader | undefined;
  /** What the reader waits for. */
  #step: Promise<Step> | undefined;

  constructor(source: ContentSource) {
    this.#source = source;
  }

  /** Where text is expected, as by JSON.parse. */
  toString(): never {
    throw new TypeError(
      "request.content is no text: import { text } from 'node:stream/consumers' and await text(request.content)",
    );
  }

  /** Whether the reader waits for bytes that have not come. */
  get isAwaited(): boolean {
    return this.#reader !== undefined;
  }

  /** Whether what comes is kept for a reader. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether somebody has begun to read it and may read on. */
  get isRead(): boolean {
    return this.isOpen && this.#readAt !== undefined;
  }

  /** Whether the client has been held for a while by a reader who asks for no more. */
  get isNeglected(): boolean {
    if (!this.isOpen || this.isAwaited || this.#waitingBytes < WAITING_BYTES) return false;
    return performance.now() - (this.#readAt ?? 0) > NEGLECT_MS;
  }

  /** Milliseconds that the reader has waited for bytes since this was last called. */
  takeWaitedMs(): number {
    if (this.#reader !== undefined) {
      const now = performance.now();
      this.#waitedMs += now - this.#waitingSince;
      this.#waitingSince = now;
    }
    const waitedMs = this.#waitedMs;
    this.#waitedMs = 0;
    return waitedMs;
  }

  /** Takes bytes that came: copies them for the reader to keep, or lends them to one that borrows. */
  push(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    if (this.#reader?.borrows === true) return this.#answer({ done: false, value: bytes });
    const chunk = Buffer.from(bytes);
    if (this.#reader !== undefined) return this.#answer({ done: false, value: chunk });
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length + PIECE_BYTES;
    if (this.#waitingBytes >= WAITING_BYTES) this.#source.contentFull();
  }

  end(trailers: readonly Field[] = []): void {
    if (this.#state !== 'open') return;
    this.trailers = trailers;
    this.#state = 'ended';
    this.#answer(DONE);
  }

  /** What was received before can still be read; then the reader gets the error. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#error = error;
    const reader = this.#reader;
    this.#reader = undefined;
    if (this.#step !== undefined) void unheeded(this.#step);
    reader?.reject(error);
  }

  /** Drops what waits and what still comes. */
  abandon(): void {
    if (this.#state === 'open') this.#state = 'abandoned';
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#answer(DONE);
    this.#source.contentRoom();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    if (this.#iterated) throw new TypeError('the content of a request can be read once only');
    this.#iterated = true;
    return this;
  }

  next(): Promise<Step> {
    const chunk = this.#shift();
    if (chunk !== undefined) return Promise.resolve({ done: false, value: chunk });
    if (this.#state === 'failed') return unheeded(Promise.reject(this.#error));
    if (this.#state !== 'open') return Promise.resolve(DONE);
    if (this.#reader !== undefined) return Promise.reject(new TypeError('one chunk at a time'));
    this.#step = new Promise((resolve, reject) => this.#wait({ borrows: false, resolve, reject }));
    return this.#step;
  }

  #shift(): Uint8Array | undefined {
    this.#readAt = performance.now();
    const chunk = this.#waiting.shift();
    if (chunk === undefined) return undefined;
    this.#waitingBytes -= chunk.length + PIECE_BYTES;
    if (this.#waiting.length === 0) this.#source.contentRoom();
    return chunk;
  }

  #wait(reader: Reader): void {
    this.#reader = reader;
    this.#waitingSince = performance.now();
    if (this.#asked) return;
    this.#asked = true;
    this.#source.contentWanted();
  }

  /**
   * Hands over all that comes, in place of iterating: bytes are valid until `take` returns. While a promise of it is pending, the
   * client waits. Resolves at the end, or when `take` has said false, which drops the rest; rejects as iterating would, and
   * with what `take` throws.
   */
  async feed(take: (bytes: Uint8Array) => boolean | Promise<boolean>): Promise<void> {
    this[Symbol.asyncIterator]();
    let wantsMore = true;
    try {
      while (wantsMore) {
        const chunk = this.#shift();
        if (chunk !== undefined) wantsMore = await this.#hold(take(chunk));
        else if (this.#state === 'open') wantsMore = await this.#lend(take);
        else if (this.#state === 'failed') throw this.#error;
        else return;
      }
    } finally {
      this.abandon();
    }
  }

  /** Lends what comes, without a promise for each, as long as `take` says true at once; resolves with what else it says. */
  #lend(take: (bytes: Uint8Array) => boolean | Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const answered = (step: Step): void => {
        if (step.done === true) return resolve(true);
        try {
          const wantsMore = take(step.value);
          if (wantsMore === true) this.#wait(reader);
          else resolve(this.#hold(wantsMore));
        } catch (error) {
          reject(error);
        }
      };
      const reader: Reader = { borrows: true, resolve: answered, reject };
      this.#wait(reader);
    });
  }

  /** Lets the client wait while a promise is pending. */
  #hold(answer: boolean | Promise<boolean>): boolean | Promise<boolean> {
    if (typeof answer === 'boolean') return answer;
    this.#source.contentFull();
    return answer.finally(() => {
      if (this.#waiting.length === 0) this.#source.contentRoom();
    });
  }

  return(): Promise<Step> {
    this.abandon();
    return Promise.resolve(DONE);
  }

  #answer(step: Step): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    this.#waitedMs += performance.now() - this.#waitingSince;
    reader.resolve(step);
  }
}

/**
 * A promise that may reject with nobody waiting: a responder that raced a chunk against something else, or asked for it ahead,
 * must not end the process when its client leaves.
 */
function unheeded<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {
    // Whoever waits is told all the same; the access log has the request as incomplete.
  });
  return promise;
}
