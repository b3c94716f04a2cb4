// Requests that wait for a thread, in the order in which they came.

import { PythonError } from '../python-error.ts';
import type { Exchange } from './exchange.ts';

/** A bounded line of waiting requests. Those who do not get through are refused, with a `PythonError`. */
export class RequestQueue {
  readonly #max: number;
  readonly #timeoutMs: number;
  readonly #waiting = new Set<Exchange>();

  constructor(max: number, timeoutMs: number) {
    this.#max = max;
    this.#timeoutMs = timeoutMs;
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** Joins the line, if there is room (`queue-full`). */
  add(exchange: Exchange): void {
    if (this.#waiting.size >= this.#max) {
      exchange.refuse(new PythonError('queue-full', `${this.#max} requests wait already`));
      return;
    }
    exchange.queue = this;
    this.#waiting.add(exchange);
  }

  /** Takes out the one that has waited longest. */
  next(): Exchange | undefined {
    for (const exchange of this.#waiting) {
      this.#waiting.delete(exchange);
      return exchange;
    }
    return undefined;
  }

  /** Sends those away who have left (`client-gone`), or waited too long (`queue-timed-out`). */
  expire(now: number): void {
    for (const exchange of this.#waiting) {
      if (now - exchange.lastProgress < this.#timeoutMs) exchange.watchClient();
      else this.dismiss(exchange, new PythonError('queue-timed-out', `no thread was free for ${this.#timeoutMs} ms`));
    }
  }

  dismiss(exchange: Exchange, error: PythonError): void {
    if (this.#waiting.delete(exchange)) exchange.refuse(error);
  }

  /** Sends everybody away. */
  dismissAll(error: PythonError): void {
    for (const exchange of this.#waiting) this.dismiss(exchange, error);
  }
}
