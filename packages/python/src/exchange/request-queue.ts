// Requests that wait for a thread: the addresses of clients take turns.

import { FairQueue } from '@onezero/cgi-process';
import { PythonError } from '../python-error.ts';
import type { Exchange } from './exchange.ts';

/** A bounded queue of waiting requests. Those that do not get through are refused, with a `PythonError`. */
export class RequestQueue {
  readonly #max: number;
  readonly #timeoutMs: number;
  readonly #waiting: FairQueue<Exchange>;

  constructor(max: number, timeoutMs: number) {
    this.#max = max;
    this.#timeoutMs = timeoutMs;
    this.#waiting = new FairQueue(max);
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** Joins the queue. Where it is full, the client with the most requests in it has one refused (`queue-full`). */
  add(exchange: Exchange): void {
    exchange.queue = this;
    const out = this.#waiting.add(exchange.request.remote.address, exchange);
    out?.refuse(new PythonError('queue-full', `${this.#max} requests wait already`));
  }

  /** Takes out the one whose turn it is. */
  next(): Exchange | undefined {
    return this.#waiting.next();
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
