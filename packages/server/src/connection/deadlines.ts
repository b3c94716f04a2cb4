// When patience ends: what a connection waits for, how long it may, and how slow the other side may be.

import type { ResolvedLimits } from '../limits.ts';
import type { Exchange } from './exchange.ts';
import type { Transport } from '../transport/transport.ts';

/**
 * `idle`: the first octet of a request · `head`: the rest of its head · `answer`: the responder · `drain`: content nobody
 * wants any more · `linger`: the peer's last word.
 */
export type Phase = 'idle' | 'head' | 'answer' | 'drain' | 'linger';

/** What has to be done about a connection; `late-…` is answered with a failure. */
export type Verdict = 'wait' | 'finish' | 'destroy' | 'reset' | 'late-head' | 'late-content' | 'late-answer';

/** A connection as its deadlines see it. */
export interface Observed {
  readonly transport: Transport;
  readonly limits: ResolvedLimits;
  readonly exchange: Exchange | undefined;
  /** Everything that has been received. */
  readonly receivedBytes: number;
  /** When the client finished sending. */
  readonly finishedAt: number | undefined;
}

const LIMIT_OF = {
  idle: 'idleTimeoutMs',
  head: 'headTimeoutMs',
  answer: 'answerTimeoutMs',
  drain: 'drainTimeoutMs',
  linger: 'drainTimeoutMs',
} as const satisfies Record<Phase, keyof ResolvedLimits>;

// A client that finishes sending at once wants its answer all the same; one that does so later, and nothing moves, has left:
// a closing and a half-closing peer look the same until something is sent to it. "At once" leaves room for a busy loop.
const AT_ONCE_MS = 100;
const STILL_MS = 250;

export class Deadlines {
  phase: Phase = 'idle';
  #since: number;
  #sending: Pace | undefined;
  #receiving: Pace | undefined;
  #receivingOf: Exchange | undefined;
  #tickedAt: number;
  #written = 0;
  #movedAt = 0;
  #finishedAt: number | undefined;

  constructor(now: number) {
    this.#since = now;
    this.#tickedAt = now;
  }

  /** Something else is waited for from now on; true if it is something else. */
  enter(phase: Phase, now: number): boolean {
    // A head and unwanted content have their time as a whole, not anew with every octet.
    if (phase === this.phase && (phase === 'head' || phase === 'drain')) return false;
    this.phase = phase;
    this.#since = now;
    return true;
  }

  /** What the time says. */
  judge(now: number, { transport, limits, exchange, receivedBytes, finishedAt }: Observed): Verdict {
    const { pendingBytes, writtenBytes } = transport;
    if (writtenBytes !== this.#written) this.#movedAt = now;
    this.#written = writtenBytes;
    const tickMs = now - this.#tickedAt;
    this.#tickedAt = now;
    if (pendingBytes > 0) {
      this.#since = now;
      const sentBytes = writtenBytes - pendingBytes;
      if (this.#sending?.isTooSlow(tickMs, sentBytes, limits) === true) return 'reset';
      this.#sending ??= new Pace(sentBytes);
      return 'wait';
    }
    if (this.phase !== 'answer') return this.#judgeSilence(now, limits);
    if (exchange === undefined || exchange.over) return 'wait';
    if (this.#isReceivingTooSlow(exchange, tickMs, receivedBytes, limits)) return 'late-content';
    if (exchange.content?.isAwaited === true) return 'wait';
    if (finishedAt !== undefined && this.#hasLeft(now, exchange, finishedAt)) return 'destroy';
    return !exchange.answered && this.#isOver(now, limits) ? 'late-answer' : 'wait';
  }

  /** Only the time counts in which the reader of the content waited for its client. */
  #isReceivingTooSlow(exchange: Exchange, tickMs: number, receivedBytes: number, limits: ResolvedLimits): boolean {
    const waitedMs = exchange.content?.takeWaitedMs() ?? 0;
    if (waitedMs === 0) return false;
    // One pace for each content, begun when its reader was first found waiting.
    if (this.#receivingOf !== exchange) {
      this.#receivingOf = exchange;
      this.#receiving = new Pace(receivedBytes);
      return false;
    }
    return this.#receiving?.isTooSlow(Math.min(waitedMs, tickMs), receivedBytes, limits) === true;
  }

  #judgeSilence(now: number, limits: ResolvedLimits): Verdict {
    if (!this.#isOver(now, limits)) return 'wait';
    if (this.phase === 'idle') return 'finish';
    return this.phase === 'head' ? 'late-head' : 'destroy';
  }

  #isOver(now: number, limits: ResolvedLimits): boolean {
    const patienceMs = limits[LIMIT_OF[this.phase]];
    return patienceMs > 0 && now - this.#since >= patienceMs;
  }

  #hasLeft(now: number, { received, receivedAt }: Exchange, finishedAt: number): boolean {
    if (!received || finishedAt - receivedAt < AT_ONCE_MS) return false;
    // The moment is one of another clock.
    if (this.#finishedAt !== finishedAt) this.#movedAt = now;
    this.#finishedAt = finishedAt;
    return now - this.#movedAt > STILL_MS;
  }
}

/**
 * Measures a transfer in one direction: how many bytes moved in the time in which the other side was waited for. That time is
 * added up from tick to tick and never starts anew before the window is full, so no rhythm of the peer can hide from it.
 */
class Pace {
  #waitedMs = 0;
  #countAtStart: number;

  constructor(count: number) {
    this.#countAtStart = count;
  }

  /** Adds a time of waiting; true when a whole window of it has passed with less than the minimum. */
  isTooSlow(waitedMs: number, count: number, { contentTimeoutMs, minBytesPerSecond }: ResolvedLimits): boolean {
    if (contentTimeoutMs === 0) return false;
    this.#waitedMs += waitedMs;
    if (this.#waitedMs < contentTimeoutMs) return false;
    const moved = count - this.#countAtStart;
    const isSlow = moved === 0 || moved < (minBytesPerSecond * this.#waitedMs) / 1000;
    this.#waitedMs = 0;
    this.#countAtStart = count;
    return isSlow;
  }
}
