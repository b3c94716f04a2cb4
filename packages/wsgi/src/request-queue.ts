// Requests that wait for a thread, in the order in which they came.

import type { WorkerConnection } from './worker-connection.ts';
import { WsgiError } from './wsgi-error.ts';

interface Waiting {
  readonly since: number;
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
  wait(signal: AbortSignal | undefined): Promise<WorkerConnection> {
    if (this.#waiting.size >= this.#max) {
      return Promise.reject(new WsgiError('queue-full', `${this.#max} requests wait already`));
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(waiting);
        reject(new WsgiError('client-left', 'the client left while its request waited'));
      };
      const waiting: Waiting = {
        since: performance.now(),
        resolve: (connection) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(connection);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiting);
    });
  }

  /** Gives a connection to the one that has waited longest. There must be one. */
  next(connection: WorkerConnection): void {
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      return waiting.resolve(connection);
    }
  }

  /** Sends those away who have waited too long. */
  expire(now: number): void {
    for (const waiting of this.#waiting) {
      if (now - waiting.since < this.#timeoutMs) return;
      this.#waiting.delete(waiting);
      waiting.reject(new WsgiError('queue-timed-out', `no thread was free for ${this.#timeoutMs} ms`));
    }
  }

  rejectAll(error: WsgiError): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const waiting of all) waiting.reject(error);
  }
}
