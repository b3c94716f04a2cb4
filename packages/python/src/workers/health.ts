// What is looked at now and then while requests are under way: have they waited too long, has their client left, is a
// worker silent or too large. One timer for all of it, which runs only while there is something to look at: a timer for each
// request would cost more than a small answer.

import { readFile } from 'node:fs/promises';
import type { ResolvedLimits } from '../options.ts';
import { PythonError } from '../python-error.ts';
import type { Channel } from '../exchange/channel.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { RequestQueue } from '../exchange/request-queue.ts';
import type { Worker } from './worker.ts';

/** Everything is looked at this often, or four times within the shortest deadline. */
const TICK_MS = 250;
const MIN_TICK_MS = 25;

/** A look that comes this many times later than it should: this process was stopped or held up, and has not read what came. */
const HELD_UP_TICKS = 4;

/** The size of a page of memory as /proc counts it, on every Linux that Node runs on by default. */
const PAGE_BYTES = 4096;

/** The pool, as far as it is looked after. */
export interface PoolView {
  readonly queue: RequestQueue;
  /** Every process that is not gone. */
  readonly alive: ReadonlySet<Worker>;
  log(worker: Worker, line: string, request: string | undefined): void;
  /** The worker is to be replaced, and nobody is to be given to it any more. */
  hung(worker: Worker): void;
  /** The worker, which is too large, is to be replaced when another is ready. */
  recycle(worker: Worker, reason: string, isTooLarge: true): void;
}

/** Looks after a pool. */
export class Health {
  readonly #limits: ResolvedLimits;
  readonly #pool: PoolView;
  /** False where /proc tells nothing. */
  #canSeeMemory: boolean;
  #tick: NodeJS.Timeout | undefined;
  #intervalMs = TICK_MS;
  #lookedAt = 0;
  #wasHeldUp = false;

  constructor(limits: ResolvedLimits, pool: PoolView) {
    this.#limits = limits;
    this.#pool = pool;
    this.#canSeeMemory = limits.maxMemoryBytes !== Infinity;
  }

  /** Goes on until no request is under way. */
  watch(): void {
    if (this.#tick !== undefined) return;
    const { silenceTimeoutMs, queueTimeoutMs } = this.#limits;
    this.#intervalMs = Math.max(MIN_TICK_MS, Math.min(TICK_MS, silenceTimeoutMs / 4, queueTimeoutMs / 4));
    this.#lookedAt = performance.now();
    this.#tick = setInterval(() => this.#look(), this.#intervalMs);
  }

  stop(): void {
    clearInterval(this.#tick);
    this.#tick = undefined;
  }

  /** Whether this look comes so late that what workers sent meanwhile is unread: a timer that is late runs before that is read. */
  #isHeldUp(now: number): boolean {
    const isLate = now - this.#lookedAt > HELD_UP_TICKS * this.#intervalMs;
    this.#lookedAt = now;
    // Once: where every look is late, silence is to be seen all the same.
    this.#wasHeldUp = isLate && !this.#wasHeldUp;
    return this.#wasHeldUp;
  }

  #look(): void {
    const now = performance.now();
    if (this.#isHeldUp(now)) return;
    const { queue, alive } = this.#pool;
    queue.expire(now);
    let isBusy = queue.length > 0;
    for (const worker of alive) {
      const { channel } = worker;
      if (channel === undefined) continue;
      for (const exchange of channel.underWay) {
        isBusy = true;
        exchange.watchClient();
        this.#checkSilence(worker, channel, exchange, now);
      }
      if (isBusy) this.#checkLoop(worker, channel, now);
      if (worker.isReady) void this.#checkMemory(worker);
    }
    if (!isBusy) this.stop();
  }

  #checkSilence(worker: Worker, channel: Channel, exchange: Exchange, now: number): void {
    if (exchange.isHeld || exchange.isFed || exchange.isHung) return;
    // A stream of events may have nothing to tell for hours; it holds no thread.
    if (channel.interface === 'asgi' && (exchange.hasAnswered || exchange.isAbandoned)) return;
    const silence = Math.round(now - exchange.lastProgress);
    if (silence < this.#limits.silenceTimeoutMs) return;
    exchange.isHung = true;
    const what = channel.interface === 'asgi' ? 'giving up the request' : 'replacing the worker';
    this.#pool.log(worker, `silent for ${silence} ms: ${what}`, exchange.request.id);
    exchange.fail(new PythonError('timed-out', `the application was silent for ${silence} ms`));
    if (channel.interface === 'asgi') channel.abandon(exchange);
    else this.#pool.hung(worker);
  }

  /** An event loop that does not turn stops every request of its worker. */
  #checkLoop(worker: Worker, channel: Channel, now: number): void {
    const silence = Math.round(channel.silence(now));
    if (silence < this.#limits.silenceTimeoutMs || worker.isRetiring) return;
    this.#pool.log(worker, `its event loop was blocked for ${silence} ms: replacing the worker`, undefined);
    for (const exchange of channel.underWay) {
      exchange.isHung = true;
      exchange.fail(new PythonError('timed-out', `the event loop of the application was blocked for ${silence} ms`));
    }
    this.#pool.hung(worker);
  }

  async #checkMemory(worker: Worker): Promise<void> {
    if (!this.#canSeeMemory) return;
    try {
      const pages = (await readFile(`/proc/${worker.pid}/statm`, 'latin1')).split(' ')[1];
      const bytes = Number(pages) * PAGE_BYTES;
      if (bytes <= this.#limits.maxMemoryBytes) return;
      this.#pool.recycle(worker, `has ${Math.round(bytes / 2 ** 20)} MiB, beyond maxMemory: it is replaced`, true);
    } catch (error) {
      if (worker.hasExited) return;
      this.#canSeeMemory = false;
      this.#pool.log(worker, `cannot see how much memory it has: ${(error as Error).message}`, undefined);
    }
  }
}
