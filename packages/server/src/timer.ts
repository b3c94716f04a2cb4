// Node's timers hold 31 bits of milliseconds, 24.8 days; a longer time would run out at once.

// The longest time that a timer of Node can wait.
const LONGEST_TIMER_MS = 0x7fff_ffff;

/** A time that a timer can wait: the given one, or the longest there is. */
export function timerMs(ms: number): number {
  return Math.min(ms, LONGEST_TIMER_MS);
}
