// Requests that wait for a thread, in the order in which they came.
//
// Whether a client is still there is looked up now and then: listening to every signal would cost more than the rest of
// the queue, and most requests wait for less than it takes to leave.

import type { WorkerConnection } from './worker-connection.ts';
import { WsgiError } from './wsgi-error.ts';

/** The part of a request that tells whether somebody waits for its response. */
export interface Departing {
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  readonly since: number;
  readonly client: Departing;
  resolve(connection: WorkerConnection): void;
  reject(error: WsgiError): void;
}

/** A bounded line of waiting requests. */
export class RequestQueue {
  readonly #max: number;
  readonly #timeoutMs: number;
  readonly #waiting = new Set<Waiting>();

  constructor(max: number, timeoutMs: number) {
    this.#max = max;
    this.#timeoutMs = timeoutMs;
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** Joins the line. Rejects with `WsgiError`: `queue-full`, `queue-timed-out`, `client-left`, or what `rejectAll` says. */
  wait(client: Departing): Promise<WorkerConnection> {
    if (this.#waiting.size >= this.#max) {
      return Promise.reject(new WsgiError('queue-full', `${this.#max} requests wait already`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.add({ since: performance.now(), client, resolve, reject });
    });
  }

  /** Gives a connection to the one that has waited longest. There must be one. */
  next(connection: WorkerConnection): void {
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      return waiting.resolve(connection);
    }
  }

  /** Sends those away who have left, or waited too long. */
  expire(now: number): void {
    for (const waiting of this.#waiting) {
      const hasLeft = waiting.client.signal?.aborted ?? false;
      if (!hasLeft && now - waiting.since < this.#timeoutMs) continue;
      this.#waiting.delete(waiting);
      const tooLong = `no thread was free for ${this.#timeoutMs} ms`;
      waiting.reject(hasLeft ? clientLeft() : new WsgiError('queue-timed-out', tooLong));
    }
  }

  rejectAll(error: WsgiError): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const waiting of all) waiting.reject(error);
  }
}

function clientLeft(): WsgiError {
  return new WsgiError('client-left', 'the client left while its request waited');
}
