// Callbacks after a time that rarely comes: limits that each request has and hardly one meets.
//
// A timer of Node for each of them is made, filed and taken out again several times for each request. Those with one delay are due
// in the order in which they were made, so they share one timer, which is set for the first of them and else left alone. They stand in
// a chain that each can leave by itself.

import { afterMs } from './timer.ts';

/** Who is told that a time has passed. */
export interface Due {
  due(): void;
}

/** A time that somebody waits for. */
export interface SharedTimer {
  /** May be repeated, and called when the time has passed. */
  stop(): void;
}

/** As far as a timer of Node may be early. */
const EARLY_MS = 1;
const MAX_DELAY_MS = 2 ** 31 - 1;

class Waiter implements SharedTimer {
  readonly dueAt: number;
  readonly target: Due | undefined;
  next: Waiter = this;
  previous: Waiter = this;

  constructor(dueAt: number, target: Due | undefined) {
    this.dueAt = dueAt;
    this.target = target;
  }

  enter(before: Waiter): void {
    this.next = before;
    this.previous = before.previous;
    this.previous.next = this;
    before.previous = this;
  }

  stop(): void {
    this.next.previous = this.previous;
    this.previous.next = this.next;
    this.next = this;
    this.previous = this;
  }
}

/** The waiters of one delay. */
class Delay {
  readonly #ms: number;
  /** In front of the first and behind the last. */
  readonly #end = new Waiter(Number.POSITIVE_INFINITY, undefined);

  constructor(ms: number) {
    this.#ms = ms;
    this.#arm(ms);
  }

  add(target: Due, now: number): SharedTimer {
    const waiter = new Waiter(now + this.#ms, target);
    waiter.enter(this.#end);
    return waiter;
  }

  /** Whoever waits has something else that keeps the process. */
  #arm(ms: number): void {
    setTimeout(this.#look, ms).unref();
  }

  /** A timer that is late, since this process stood still, runs before what came meanwhile is read. */
  readonly #look = (): void => {
    setImmediate(this.#pass);
  };

  readonly #pass = (): void => {
    const now = performance.now();
    try {
      for (let first = this.#end.next; first.dueAt <= now + EARLY_MS; first = this.#end.next) {
        first.stop();
        first.target?.due();
      }
    } finally {
      // Also where one of them threw: the others are still due.
      const first = this.#end.next;
      if (first === this.#end) delays.delete(this.#ms);
      else this.#arm(Math.max(0, Math.ceil(first.dueAt - now)));
    }
  };
}

const delays = new Map<number, Delay>();

/**
 * As `afterMs`, for times that are seldom waited out and need no more than the millisecond. Nothing keeps the process for them.
 * @param now of the monotonic clock, from whoever has just asked it
 */
export function sharedTimer(ms: number, target: Due, now: number = performance.now()): SharedTimer {
  if (ms > MAX_DELAY_MS) return { stop: afterMs(ms, () => target.due()) };
  const whole = Math.max(1, Math.ceil(ms));
  let delay = delays.get(whole);
  if (delay === undefined) delays.set(whole, (delay = new Delay(whole)));
  return delay.add(target, now);
}

/**
 * The same for a function.
 * @returns what stops it
 */
export function afterSharedMs(ms: number, callback: () => void): () => void {
  const timer = sharedTimer(ms, { due: callback });
  return () => timer.stop();
}
