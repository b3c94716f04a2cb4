// When patience ends: what a connection waits for, how long it may, and how slow the other side may be.

import type { ResolvedLimits } from '../limits.ts';

/**
 * `idle`: the first octet of a request · `head`: the rest of its head · `answer`: the responder · `drain`: content nobody
 * wants any more · `linger`: the peer's last word.
 */
export type Phase = 'idle' | 'head' | 'answer' | 'drain' | 'linger';

const LIMIT_OF = {
  idle: 'idleTimeoutMs',
  head: 'headTimeoutMs',
  answer: 'answerTimeoutMs',
  drain: 'drainTimeoutMs',
  linger: 'drainTimeoutMs',
} as const satisfies Record<Phase, keyof ResolvedLimits>;

/** How long a phase may last; 0 for ever. */
export function patienceMs(phase: Phase, limits: ResolvedLimits): number {
  return limits[LIMIT_OF[phase]];
}

/** Watches that bytes go on moving in one direction while somebody waits for them. */
export class Pace {
  #since: number | undefined;
  #countAtStart = 0;

  /** Nobody waits. */
  rest(): void {
    this.#since = undefined;
  }

  /** Takes a reading; true when a whole window has passed with less than the minimum. */
  isTooSlow(now: number, count: number, { contentTimeoutMs, minBytesPerSecond }: ResolvedLimits): boolean {
    if (contentTimeoutMs === 0) return false;
    if (this.#since === undefined) {
      this.#since = now;
      this.#countAtStart = count;
      return false;
    }
    const elapsed = now - this.#since;
    if (elapsed < contentTimeoutMs) return false;
    const moved = count - this.#countAtStart;
    this.#since = now;
    this.#countAtStart = count;
    return moved === 0 || moved < (minBytesPerSecond * elapsed) / 1000;
  }
}
