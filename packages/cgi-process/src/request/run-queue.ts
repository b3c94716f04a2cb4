// How many scripts run at once, and who waits for a place.

import { CgiError } from '../cgi-error.ts';
import { afterMs } from '../timer.ts';

/** Gives a place back; further calls do nothing. */
export type Release = () => void;

interface Waiter {
  enter(): void;
  refuse(error: CgiError): void;
}

/** A fixed number of places and a line of bounded length. First come, first served. */
export class RunQueue {
  readonly #max: number;
  readonly #maxWaiting: number;
  readonly #timeoutMs: number;
  readonly #waiting = new Set<Waiter>();
  #running = 0;
  #closed = false;

  constructor({ max, queue, queueTimeoutMs }: { max: number; queue: number; queueTimeoutMs: number }) {
    this.#max = max;
    this.#maxWaiting = queue;
    this.#timeoutMs = queueTimeoutMs;
  }

  /**
   * A place, or the wait for one. Rejects or throws with CgiError: `busy`, `closing`, or `client-left` when the client
   * leaves. Whoever need not wait has no need of a signal, which may be dear to make.
   */
  enter(client: { readonly signal?: AbortSignal | undefined }): Release | Promise<Release> {
    if (this.#closed) throw new CgiError('closing', 'no more scripts are started');
    if (this.#running < this.#max) return this.#admit();
    const { signal } = client;
    if (signal?.aborted === true) throw new CgiError('client-left', 'the client left before the script started');
    if (this.#waiting.size >= this.#maxWaiting) {
      throw new CgiError('busy', `${this.#max} scripts run and ${this.#waiting.size} requests wait`);
    }
    return this.#wait(signal);
  }

  /** Refuses everybody from now on, those who wait as well. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiting) waiter.refuse(new CgiError('closing', 'no more scripts are started'));
  }

  async #wait(signal: AbortSignal | undefined): Promise<Release> {
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
      const gone = (): void => waiter.refuse(new CgiError('client-left', 'the client left before the script started'));
      const late = (): void => waiter.refuse(new CgiError('busy', `no place for ${this.#timeoutMs} ms`));
      const stop = afterMs(this.#timeoutMs, late);
      signal?.addEventListener('abort', gone);
      this.#waiting.add(waiter);
    });
  }

  #admit(): Release {
    this.#running++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#running--;
      const [next] = this.#waiting;
      next?.enter();
    };
  }
}
