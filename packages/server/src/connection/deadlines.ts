// Time-outs and minimum transfer rates of one connection.

import type { ResolvedLimits } from '../limits.ts';
import type { Exchange } from './exchange.ts';
import type { Transport } from '../transport/transport.ts';

/**
 * What is waited for. `idle`: the first octet of a request · `head`: the rest of its head · `answer`: the responder ·
 * `tunnel`: either side after 101 · `drain`: the rest of content that is dropped · `linger`: the peer's FIN after ours.
 */
export type Phase = 'idle' | 'head' | 'answer' | 'tunnel' | 'drain' | 'linger';

/**
 * What has to be done about a connection; `late-…` is answered with a failure. `stalled`: a response that has begun yields
 * nothing any more. `probe`: only a write can tell whether the client is still there.
 */
export type Verdict =
  | 'wait'
  | 'finish'
  | 'destroy'
  | 'reset'
  | 'probe'
  | 'stalled'
  | 'late-head'
  | 'late-content'
  | 'late-answer';

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
  tunnel: 'silenceTimeoutMs',
  drain: 'drainTimeoutMs',
  linger: 'drainTimeoutMs',
} as const satisfies Record<Phase, keyof ResolvedLimits>;

// A kept connection is closed this long after its idle time-out at the earliest (or twice the time-out, where that is less). A
// client that keeps to the same time-out, or to one that was announced, so never crosses our FIN with a request.
const IDLE_GRACE_MS = 1000;

// A closing and a half-closing peer look the same until something is sent to it: then one that has closed answers with a reset.
// A client that finishes sending together with its request mostly wants the response; one that does so later, while nothing
// moves, has mostly left, and is probed soon. "Together" leaves room for a busy loop.
const TOGETHER_MS = 100;
const STILL_MS = 250;

// Any other probe comes late enough that few responses see it in front.
const PROBE_MS = 10_000;

export class Deadlines {
  phase: Phase = 'idle';
  #since: number;
  #sending: Pace | undefined;
  #receiving: Pace | undefined;
  #receivingOf: Exchange | undefined;
  #tickedAt: number;
  #written = 0;
  #received = 0;
  #movedAt = 0;
  #finishedAt: number | undefined;
  #probedAt = 0;
  /** The idle time-out has passed: a request that comes all the same is the last. */
  isOverdue = false;

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
    if (phase === 'idle') this.isOverdue = false;
    return true;
  }

  /** What the time says. */
  judge(now: number, { transport, limits, exchange, receivedBytes, finishedAt }: Observed): Verdict {
    const { pendingBytes, writtenBytes } = transport;
    if (writtenBytes !== this.#written || receivedBytes !== this.#received) this.#movedAt = now;
    this.#written = writtenBytes;
    this.#received = receivedBytes;
    const tickMs = now - this.#tickedAt;
    this.#tickedAt = now;
    if (pendingBytes > 0) {
      this.#since = now;
      this.#movedAt = now;
      const sentBytes = writtenBytes - pendingBytes;
      if (this.#sending?.isTooSlow(tickMs, sentBytes, limits) === true) return 'reset';
      this.#sending ??= new Pace(sentBytes);
      return 'wait';
    }
    if (this.phase === 'tunnel') return this.#isSilent(now, limits) ? 'destroy' : 'wait';
    if (this.phase !== 'answer') return this.#judgeSilence(now, limits);
    if (exchange === undefined || exchange.over) return 'wait';
    if (this.#isReceivingTooSlow(exchange, tickMs, receivedBytes, limits)) return 'late-content';
    if (exchange.content?.isAwaited === true) return 'wait';
    if (exchange.headSent && this.#isSilent(now, limits)) return 'stalled';
    if (!exchange.answered && this.#isOver(now, limits)) return 'late-answer';
    return finishedAt !== undefined && this.#isProbeDue(now, exchange, finishedAt) ? 'probe' : 'wait';
  }

  /** The peer was probed just now; what that took is no movement. */
  probed(now: number, { writtenBytes }: Transport): void {
    this.#probedAt = now;
    this.#written = writtenBytes;
  }

  /** Nothing has moved in either direction. */
  #isSilent(now: number, { silenceTimeoutMs }: ResolvedLimits): boolean {
    return silenceTimeoutMs > 0 && now - Math.max(this.#movedAt, this.#since) >= silenceTimeoutMs;
  }

  #isProbeDue(now: number, { received, receivedAt, probes }: Exchange, finishedAt: number): boolean {
    if (!received) return false;
    // The moment is one of another clock.
    if (this.#finishedAt !== finishedAt) this.#movedAt = now;
    this.#finishedAt = finishedAt;
    const isSoon = probes === 0 && finishedAt - receivedAt >= TOGETHER_MS;
    return now - Math.max(this.#movedAt, this.#probedAt) >= (isSoon ? STILL_MS : PROBE_MS);
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
    if (this.phase === 'idle') return this.#isIdleTooLong(now, limits) ? 'finish' : 'wait';
    return this.phase === 'head' ? 'late-head' : 'destroy';
  }

  #isOver(now: number, limits: ResolvedLimits): boolean {
    const patienceMs = limits[LIMIT_OF[this.phase]];
    return patienceMs > 0 && now - this.#since >= patienceMs;
  }

  #isIdleTooLong(now: number, { idleTimeoutMs }: ResolvedLimits): boolean {
    this.isOverdue = true;
    return now - this.#since >= idleTimeoutMs + Math.min(IDLE_GRACE_MS, idleTimeoutMs);
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
