// Requests that wait here, and not in the queue of an application, for a connection that is free.

import { afterSharedMs } from '../shared-timers.ts';
import type { Connection } from './connection.ts';

/**
 * Who has waited for so long opens a connection, in turn: there may be more children than are known, or one that waits is asked for by
 * a script that runs. While others get connections it is one each time, else soon all.
 */
const WAIT_MS = 25;
const STUCK_MS = 5;
/** Nobody waits for longer. */
const MAX_WAIT_MS = 250;

/** A request that waits. */
export interface Lined {
  /** Whether a connection that was used before is of use. */
  readonly mayUseKept: boolean;
  /** Since when it has waited. */
  linedAt: number;
  /** Goes over a connection that is free, or over one that it opens. */
  take(connection?: Connection): void;
}

export class Line {
  readonly #waiting: Lined[] = [];
  #isWatching = false;
  /** Whether somebody got a connection since the last look, and how many open one at the next. */
  #hasMoved = false;
  #atOnce = 1;

  get length(): number {
    return this.#waiting.length;
  }

  add(request: Lined): void {
    request.linedAt = performance.now();
    this.#waiting.push(request);
    if (!this.#isWatching) this.#watch(WAIT_MS);
  }

  /** Who has waited for longest. */
  next(): Lined | undefined {
    this.#hasMoved = true;
    return this.#waiting.shift();
  }

  /** A connection was closed for one that waits outside: the application is at work. */
  moves(): void {
    this.#hasMoved = true;
  }

  #watch(ms: number): void {
    this.#isWatching = true;
    this.#hasMoved = false;
    afterSharedMs(ms, () => {
      this.#atOnce = this.#hasMoved ? 1 : this.#atOnce * 2;
      const wait = this.#hasMoved ? WAIT_MS : STUCK_MS;
      this.#pass(performance.now() + 1);
      this.#isWatching = this.#waiting.length > 0;
      if (this.#isWatching) this.#watch(wait);
    });
  }

  #pass(now: number): void {
    for (let count = 0; ; count++) {
      const least = now - (count < this.#atOnce ? WAIT_MS : MAX_WAIT_MS);
      if (this.#waiting[0] === undefined || this.#waiting[0].linedAt > least) return;
      this.#waiting.shift()?.take();
    }
  }
}
