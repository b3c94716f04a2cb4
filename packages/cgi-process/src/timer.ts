// A timer for durations of any length: Node's own fires at once beyond 2^31 - 1 milliseconds (24.8 days).

const MAX_DELAY_MS = 2 ** 31 - 1;

/** Calls back after `ms`; never where that is `Infinity`. Returns what stops it. Provisional, for `@onezero/python`. */
export function afterMs(ms: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (left: number): void => {
    if (left === Number.POSITIVE_INFINITY) return;
    const part = Math.min(left, MAX_DELAY_MS);
    timer = setTimeout(part === left ? callback : () => wait(left - part), part);
  };
  wait(ms);
  return () => clearTimeout(timer);
}
