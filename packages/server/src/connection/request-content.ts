// The content of one request on its way from the socket to whoever reads it.
//
// Pushed by the connection, pulled by the reader. What nobody has asked for waits; beyond a limit the socket is not read any
// more, so a slow reader slows its client and nothing else. Abandoning it turns what still comes into something to drop.

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

type Step = IteratorResult<Uint8Array, undefined>;

const DONE: Step = { done: true, value: undefined };

export class RequestContent implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #source: ContentSource;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #state: 'open' | 'ended' | 'failed' | 'abandoned' = 'open';
  #error: unknown;
  #iterated = false;
  #asked = false;
  #waitedMs = 0;
  #waitingSince = 0;
  #reader: { resolve(step: Step): void; reject(error: unknown): void } | undefined;
  /** What the reader waits for. */
  #step: Promise<Step> | undefined;

  constructor(source: ContentSource) {
    this.#source = source;
  }

  /** Whether the reader waits for bytes that have not come. */
  get isAwaited(): boolean {
    return this.#reader !== undefined;
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

  /** Copies bytes that came, for the reader to keep. */
  push(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    const chunk = Buffer.from(bytes);
    if (this.#reader !== undefined) return this.#answer({ done: false, value: chunk });
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= WAITING_BYTES) this.#source.contentFull();
  }

  end(): void {
    if (this.#state !== 'open') return;
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
    const chunk = this.#waiting.shift();
    if (chunk !== undefined) {
      this.#waitingBytes -= chunk.length;
      if (this.#waiting.length === 0) this.#source.contentRoom();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#state === 'failed') return unheeded(Promise.reject(this.#error));
    if (this.#state !== 'open') return Promise.resolve(DONE);
    if (this.#reader !== undefined) return Promise.reject(new TypeError('one chunk at a time'));
    if (!this.#asked) {
      this.#asked = true;
      this.#source.contentWanted();
    }
    this.#waitingSince = performance.now();
    this.#step = new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
    return this.#step;
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
