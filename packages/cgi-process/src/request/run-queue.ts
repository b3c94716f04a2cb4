// How many scripts run at once, and who waits for a place.

import { CgiError } from '../cgi-error.ts';
import { FairQueue } from '../fair-queue.ts';
import type { Peer } from '../message.ts';
import { afterMs } from '../timer.ts';

/** Gives a place back; further calls do nothing. */
export type Release = () => void;

/** What is asked of a request that may have to wait. */
export interface Client {
  readonly signal?: AbortSignal | undefined;
  readonly remote?: Peer | undefined;
}

interface Waiter {
  enter(): void;
  refuse(error: CgiError): void;
}

/** A fixed number of places, and a queue of bounded length in which the addresses of clients take turns. */
export class RunQueue {
  readonly #max: number;
  readonly #timeoutMs: number;
  readonly #waiting: FairQueue<Waiter>;
  #running = 0;
  #closed = false;

  constructor({ max, maxQueue, queueTimeoutMs }: { max: number; maxQueue: number; queueTimeoutMs: number }) {
    this.#max = max;
    this.#waiting = new FairQueue(maxQueue);
    this.#timeoutMs = queueTimeoutMs;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * A place, or the wait for one. Rejects or throws with CgiError: `queue-full`, `queue-timed-out`, `closing`,
   * or `client-gone` when the client leaves. The signal is only asked for where there is a wait, because
   * creating one is expensive.
   */
  enter(client: Client): Release | Promise<Release> {
    if (this.#closed) throw new CgiError('closing', 'the server stops: no more scripts are started');
    if (this.#running < this.#max) return this.#admit();
    const { signal } = client;
    if (signal?.aborted === true) throw new CgiError('client-gone', 'the client left before the script started');
    return this.#wait(signal, client.remote?.address ?? '');
  }

  /** Refuses everybody from now on, those who wait as well. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiting)
      waiter.refuse(new CgiError('closing', 'the server stops: no more scripts are started'));
  }

  async #wait(signal: AbortSignal | undefined, address: string): Promise<Release> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiter);
        stop();
        signal?.removeEventListener('abort', gone);
      };
      const waiter: Waiter = {
        enter: () => {
          leave();
          resolve(this.#admit());
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const gone = (): void => waiter.refuse(new CgiError('client-gone', 'the client left before the script started'));
      const late = (): void =>
        waiter.refuse(new CgiError('queue-timed-out', `waited ${this.#timeoutMs} ms for another script to end`));
      const stop = afterMs(this.#timeoutMs, late);
      signal?.addEventListener('abort', gone);
      const out = this.#waiting.add(address, waiter);
      out?.refuse(new CgiError('queue-full', `${this.#max} scripts run and ${this.#waiting.size} requests wait`));
    });
  }

  #admit(): Release {
    this.#running++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#running--;
      this.#waiting.next()?.enter();
    };
  }
}
