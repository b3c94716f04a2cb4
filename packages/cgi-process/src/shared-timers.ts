// Callbacks after a time that rarely comes: limits that each request has and hardly one meets.
//
// A timer of Node for each of them is made, filed and taken out again several times for each request. Those with one delay are due
// in the order in which they were made, so they share one timer, which is set for the first of them and else left alone.

import { afterMs } from './timer.ts';

interface Waiter {
  readonly dueAt: number;
  readonly callback: () => void;
}

/** As far as a timer of Node may be early. */
const EARLY_MS = 1;
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The callbacks of one delay. */
class Delay {
  readonly #ms: number;
  readonly #waiters = new Set<Waiter>();

  constructor(ms: number) {
    this.#ms = ms;
    this.#arm(ms);
  }

  add(callback: () => void): () => void {
    const waiter = { dueAt: performance.now() + this.#ms, callback };
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  /** Whoever waits has something else that keeps the process. */
  #arm(ms: number): void {
    setTimeout(this.#pass, ms).unref();
  }

  readonly #pass = (): void => {
    const now = performance.now();
    for (const waiter of this.#waiters) {
      if (waiter.dueAt > now + EARLY_MS) return this.#arm(Math.ceil(waiter.dueAt - now));
      this.#waiters.delete(waiter);
      waiter.callback();
    }
    delays.delete(this.#ms);
  };
}

const delays = new Map<number, Delay>();

/**
 * As `afterMs`, for times that are seldom waited out and need no more than the millisecond. Nothing keeps the process for them.
 * @returns what stops it
 */
export function afterSharedMs(ms: number, callback: () => void): () => void {
  if (ms > MAX_DELAY_MS) return afterMs(ms, callback);
  const whole = Math.max(1, Math.ceil(ms));
  let delay = delays.get(whole);
  if (delay === undefined) delays.set(whole, (delay = new Delay(whole)));
  return delay.add(callback);
}
