// One coarse clock for every deadline of every connection. Setting a deadline is writing a number; once in a while the clock
// asks everybody whether theirs has passed. Ten thousand idle connections cost one short loop per tick and no timers.
//
// It counts the time in which the event loop turned. While something held the loop up, bytes may have come that nobody could
// read, so that time is nobody's lateness; and what has come is read before anybody is asked.

import { type Member, Members } from './members.ts';

/** Something with deadlines. */
export interface Watched extends Member<'clockPlace'> {
  tick(now: number): void;
}

// A deadline is at most this late. Short time-outs, as tests have, get a quarter of themselves.
const COARSEST_MS = 500;
const FINEST_MS = 10;

export class Clock {
  /** Milliseconds, counted from some moment, when it last ticked. */
  now = 0;
  readonly #watched = new Members<'clockPlace', Watched>('clockPlace');
  readonly #resolutionMs: number;
  #timer: NodeJS.Timeout | undefined;
  #tickedAt = 0;

  /** Ticks as fast as the shortest of the time-outs (0 stands for none) needs. */
  constructor(timeoutsMs: readonly number[]) {
    const shortest = Math.min(...timeoutsMs.filter((timeout) => timeout > 0), COARSEST_MS * 4);
    this.#resolutionMs = Math.max(FINEST_MS, Math.min(COARSEST_MS, shortest / 4));
  }

  watch(watched: Watched): void {
    this.#watched.add(watched);
    if (this.#timer !== undefined) return;
    this.#tickedAt = performance.now();
    this.#timer = setInterval(() => this.#advance(), this.#resolutionMs);
    this.#timer.unref();
  }

  unwatch(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #advance(): void {
    const at = performance.now();
    this.now += Math.min(at - this.#tickedAt, 2 * this.#resolutionMs);
    this.#tickedAt = at;
    // Sockets are read between timers and immediates.
    setImmediate(() => {
      for (const watched of this.#watched) watched.tick(this.now);
    }).unref();
  }
}

let second = 0;
let date = '';

/** The Date field's value, made once a second (RFC 9110 §6.6.1). */
export function currentDate(): string {
  const now = Date.now();
  const current = now - (now % 1000);
  if (current !== second) {
    second = current;
    date = new Date(current).toUTCString();
  }
  return date;
}
