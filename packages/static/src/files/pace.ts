// Decides whether storage is fast enough to be asked on the main thread.
//
// A call that is answered from memory takes some microseconds, a tenth of what a trip through the thread pool costs; one that
// waits for a disk or a network holds up every other request. So calls are timed: when slow ones are both frequent and long in
// sum, calls go to the pool for a while, then the main thread tries again. Frequent, because a busy machine interrupts a fast
// call now and then for as long as a slow one takes; long in sum, because a slow call a second holds up nobody. One that takes longer
// than any interruption is enough: a single file on a disk that sleeps would be one of thousands of calls, and hold up all others.

/** Fifty times what a look takes when the kernel has the answer in memory, a third of a round trip in a local network. */
const SLOW_LOOK_MS = 0.2;

/** Slow calls among all below which they are taken for interruptions: 1 of 50. A preempted process sees fewer than 1 of 200. */
const SLOW_SHARE = 0.02;

/** Fewer slow calls say nothing, however long they took: a busy machine may take the processor away for 50 ms at the first call. */
const MIN_SLOW_CALLS = 5;

/** What slow calls may take in sum before storage counts as slow. */
const MAX_BLOCKED_MS = 50;

/** No machine that is only busy takes the processor away for so long. */
const STALLED_MS = 250;

/** How much longer than such a call the pool is used: waiting for slow files takes at most a twentieth of the time. */
const STALL_FACTOR = 20;

/** Storage that hangs may be well again, and a process that was stopped meanwhile saw the same. */
const MAX_STALL_PAUSE_MS = 60_000;

/** Calls after which counting begins anew, so that a good hour does not hide a bad minute. */
const WINDOW_CALLS = 2048;

/**
 * How long the pool is used before the next attempt; doubled at each failure in a row. An attempt at slow storage blocks for 50 ms,
 * 1 % of the longest pause; a pause that is too long makes every request expensive that has nothing to wait for any more.
 */
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 5_000;

export class Pace {
  readonly #slowCallMs: number;
  readonly #slowShare: number;
  #calls = 0;
  #slowCalls = 0;
  #blockedMs = 0;
  #slowUntilMs = Number.NEGATIVE_INFINITY;
  #pauseMs = FIRST_PAUSE_MS;

  /** A call that takes `slowCallMs` has waited for something; fewer than `slowShare` of all were interrupted. */
  constructor(slowCallMs: number = SLOW_LOOK_MS, slowShare: number = SLOW_SHARE) {
    this.#slowCallMs = slowCallMs;
    this.#slowShare = slowShare;
  }

  isSlow(nowMs: number): boolean {
    return nowMs < this.#slowUntilMs;
  }

  /** Records a call on the main thread that ended at `nowMs`. */
  record(tookMs: number, nowMs: number): void {
    this.#calls++;
    if (tookMs >= this.#slowCallMs) {
      this.#slowCalls++;
      this.#blockedMs += tookMs;
      const isFrequent = this.#slowCalls >= MIN_SLOW_CALLS && this.#slowCalls > this.#calls * this.#slowShare;
      const isStalled = tookMs >= STALLED_MS;
      if (isStalled || (isFrequent && this.#blockedMs > MAX_BLOCKED_MS)) this.#pause(nowMs, isStalled ? tookMs : 0);
    } else if (this.#calls > WINDOW_CALLS) {
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#forget();
    }
  }

  #pause(nowMs: number, stalledMs: number): void {
    const stallPauseMs = Math.min(STALL_FACTOR * stalledMs, MAX_STALL_PAUSE_MS);
    this.#slowUntilMs = nowMs + Math.max(this.#pauseMs, stallPauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
    this.#forget();
  }

  #forget(): void {
    this.#calls = 0;
    this.#slowCalls = 0;
    this.#blockedMs = 0;
  }
}
