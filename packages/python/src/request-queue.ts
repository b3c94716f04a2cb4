// Requests that wait for a thread, in the order in which they came.

import type { Exchange, Line } from './exchange.ts';
import { WsgiError } from './wsgi-error.ts';

/** A bounded line of waiting requests. Those who do not get through are refused, with a `WsgiError`. */
export class RequestQueue implements Line {
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
      void exchange.refuse(new WsgiError('queue-full', `${this.#max} requests wait already`));
      return;
    }
    exchange.line = this;
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

  /** Sends those away who have left (`client-left`), or waited too long (`queue-timed-out`). */
  expire(now: number): void {
    for (const exchange of this.#waiting) {
      if (now - exchange.lastProgress < this.#timeoutMs) exchange.watchClient();
      else this.dismiss(exchange, new WsgiError('queue-timed-out', `no thread was free for ${this.#timeoutMs} ms`));
    }
  }

  dismiss(exchange: Exchange, error: WsgiError): void {
    if (this.#waiting.delete(exchange)) void exchange.refuse(error);
  }

  /** Sends everybody away. */
  dismissAll(error: WsgiError): void {
    for (const exchange of this.#waiting) this.dismiss(exchange, error);
  }
}
