// Node's timers take 31 bits of milliseconds; a longer delay would act at once.

/** The longest delay of a timer: 24.8 days. */
const maxDelayMs = 0x7fffffff;

/** Calls `action` after `delayMs`, at the latest after `maxDelayMs`. Not at all when the delay is infinite. */
export function after(delayMs: number, action: () => void): NodeJS.Timeout | undefined {
  return delayMs === Infinity ? undefined : setTimeout(action, Math.min(delayMs, maxDelayMs));
}
