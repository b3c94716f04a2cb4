// What is looked at now and then while requests are under way: have they waited too long, has their client left, is a
// worker silent or too large. One timer for all of it, which runs only while there is something to look at: a timer for each
// request would cost more than a small answer.

import { readFile } from 'node:fs/promises';
import type { ResolvedLimits } from './options.ts';
import type { RequestQueue } from './request-queue.ts';
import type { WorkerConnection } from './worker-connection.ts';
import type { Worker } from './worker.ts';
import { WsgiError } from './wsgi-error.ts';

/** Everything is looked at this often, or four times within the shortest deadline. */
const tickMs = 250;
const minTickMs = 25;

/** The size of a page of memory as /proc counts it, on every Linux that Node runs on by default. */
const pageBytes = 4096;

/** The pool, as far as it is looked after. */
export interface Patient {
  readonly queue: RequestQueue;
  /** Every process that is not gone. */
  readonly alive: ReadonlySet<Worker>;
  log(worker: Worker, line: string, request: string | undefined): void;
  /** The worker is to be replaced, and nobody is to be given to it any more. */
  hung(worker: Worker): void;
  /** The worker is to be replaced when another is ready. */
  recycle(worker: Worker): void;
}

/** Looks after a pool. */
export class Health {
  readonly #limits: ResolvedLimits;
  readonly #patient: Patient;
  /** False where /proc tells nothing. */
  #canSeeMemory: boolean;
  #tick: NodeJS.Timeout | undefined;

  constructor(limits: ResolvedLimits, patient: Patient) {
    this.#limits = limits;
    this.#patient = patient;
    this.#canSeeMemory = limits.maxMemoryBytes !== Infinity;
  }

  /** Goes on until no request is under way. */
  watch(): void {
    if (this.#tick !== undefined) return;
    const { silenceTimeoutMs, queueTimeoutMs } = this.#limits;
    const interval = Math.max(minTickMs, Math.min(tickMs, silenceTimeoutMs / 4, queueTimeoutMs / 4));
    this.#tick = setInterval(() => this.#look(), interval);
  }

  stop(): void {
    clearInterval(this.#tick);
    this.#tick = undefined;
  }

  #look(): void {
    const now = performance.now();
    const { queue, alive } = this.#patient;
    queue.expire(now);
    let isBusy = queue.length > 0;
    for (const worker of alive) {
      for (const connection of worker.connections) {
        isBusy ||= connection.exchange !== undefined;
        connection.exchange?.watchClient();
        this.#checkSilence(worker, connection, now);
      }
      if (worker.isReady) void this.#checkMemory(worker);
    }
    if (!isBusy) this.stop();
  }

  #checkSilence(worker: Worker, connection: WorkerConnection, now: number): void {
    const { exchange } = connection;
    if (exchange === undefined || exchange.isHeld || exchange.isFed || connection.isHung) return;
    const silence = Math.round(now - exchange.lastProgress);
    if (silence < this.#limits.silenceTimeoutMs) return;
    connection.isHung = true;
    this.#patient.log(worker, `silent for ${silence} ms: replacing the worker`, exchange.outgoing.client.id);
    exchange.fail(new WsgiError('timed-out', `the application was silent for ${silence} ms`));
    this.#patient.hung(worker);
  }

  async #checkMemory(worker: Worker): Promise<void> {
    if (!this.#canSeeMemory) return;
    try {
      const pages = (await readFile(`/proc/${worker.pid}/statm`, 'latin1')).split(' ')[1];
      if (Number(pages) * pageBytes > this.#limits.maxMemoryBytes) this.#patient.recycle(worker);
    } catch (error) {
      if (worker.hasExited) return;
      this.#canSeeMemory = false;
      this.#patient.log(worker, `cannot see how much memory it has: ${(error as Error).message}`, undefined);
    }
  }
}
