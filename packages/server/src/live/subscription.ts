// One stream of events to one page. It ends by itself after a while and the page asks again, which is how pages come to a
// server whose configuration was read anew.

const LIFETIME_MS = 60_000;

export class Subscription implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #closed: () => void;
  readonly #waiting: Uint8Array[] = [Buffer.from('retry: 300\n\n')];
  readonly #timer: NodeJS.Timeout;
  #isOver = false;
  #wake: (() => void) | undefined;

  constructor(closed: () => void) {
    this.#closed = closed;
    this.#timer = setTimeout(() => this.end(), LIFETIME_MS);
    this.#timer.unref();
  }

  /** `data` is one line. */
  send(event: string, data: string): void {
    this.#waiting.push(Buffer.from(`event: ${event}\ndata: ${data}\n\n`));
    this.#wake?.();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#closed();
    this.#wake?.();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const value = this.#waiting.shift();
      if (value !== undefined) return { done: false, value };
      if (this.#isOver) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.end();
    return { done: true, value: undefined };
  }
}
