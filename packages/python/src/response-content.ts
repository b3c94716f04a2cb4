// The content of a response while the application is still making it: chunks go in as they arrive, and come out as they
// are asked for. What waits in between is bounded by whoever puts in: `queuedBytes` tells how much it is.

/** A byte sequence with one writer and one reader. Leaving it early calls `onAbandon`. */
export class ResponseContent implements AsyncIterableIterator<Uint8Array> {
  /** Called when a chunk was taken out. */
  onTake: () => void = () => {};
  /** Called when the reader leaves before the end. */
  onAbandon: () => void = () => {};
  queuedBytes = 0;
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #error: unknown;
  #reader: { resolve(result: IteratorResult<Uint8Array>): void; reject(error: unknown): void } | undefined;

  push(chunk: Uint8Array): void {
    if (this.#ended) return;
    if (this.#reader !== undefined) {
      this.#reader.resolve({ value: chunk, done: false });
      this.#reader = undefined;
      return;
    }
    this.#chunks.push(chunk);
    this.queuedBytes += chunk.length;
  }

  /** Ends the sequence; with an error, the reader gets it after the chunks that came before. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) return;
    if (error === undefined) reader.resolve({ value: undefined, done: true });
    else reader.reject(error);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.queuedBytes -= chunk.length;
      this.onTake();
      return Promise.resolve({ value: chunk, done: false });
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    const wasRunning = !this.#ended;
    this.#chunks.length = 0;
    this.queuedBytes = 0;
    this.#error = undefined;
    this.end();
    if (wasRunning) this.onAbandon();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
