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

// A closing and a half-closing peer look the same until something is sent to it. A client that finishes sending at once wants
// its response all the same; one that does so later, while nothing moves, has left. "At once" leaves room for a busy loop.
const AT_ONCE_MS = 100;
const STILL_MS = 250;

// The client that finished at once is probed with `100 (Continue)`, which every client of HTTP/1.1 has to skip (RFC 9110 §15.2):
// a peer that has closed answers with a reset. Late enough that few responses see it in front.
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
    if (finishedAt !== undefined && this.#hasLeft(now, exchange, finishedAt)) return 'destroy';
    if (exchange.headSent && this.#isSilent(now, limits)) return 'stalled';
    if (exchange.answered) return 'wait';
    if (this.#isOver(now, limits)) return 'late-answer';
    return finishedAt !== undefined && this.#isProbeDue(now, exchange) ? 'probe' : 'wait';
  }

  /** Nothing has moved in either direction. */
  #isSilent(now: number, { silenceTimeoutMs }: ResolvedLimits): boolean {
    return silenceTimeoutMs > 0 && now - Math.max(this.#movedAt, this.#since) >= silenceTimeoutMs;
  }

  #isProbeDue(now: number, { received, isProbed, event }: Exchange): boolean {
    return received && !isProbed && event?.head.version === '1.1' && now - this.#since >= PROBE_MS;
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
