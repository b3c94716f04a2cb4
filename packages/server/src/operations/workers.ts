// Several processes that answer requests, and the primary that keeps them running.
//
// The workers accept from one shared socket: a worker that dies takes no waiting connection with it, a busy port is
// noticed, and a Unix socket works as a port does. A worker that ends unasked is replaced, at once at first, then later
// and later while its replacements end soon. A reload goes from worker to worker; the first that refuses ends it.

import cluster, { type Worker } from 'node:cluster';
import type { Address } from '../options.ts';
import { addUp, type MetricsSnapshot } from './metrics.ts';
import { type Notice, type Order, primaryVariable } from './worker-messages.ts';

export interface WorkersOptions {
  readonly count: number;
  /** The port for all of them, if it is settled already. */
  readonly port?: number | undefined;
  /** Receives a line about a worker that ended. */
  readonly report: (line: string) => void;
}

// A worker that ends within this time after its start did not end by accident.
const soonMs = 10_000;
const firstDelayMs = 200;
const longestDelayMs = 30_000;
// A worker that is asked for its counts and does not answer in this time is left out of them.
const countTimeoutMs = 1000;
// Beyond the grace, a worker may need a moment to end its scripts.
const killAfterMs = 3000;

/** The workers could not start; they have said why. */
export class WorkersFailed extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('the workers could not start');
    this.name = 'WorkersFailed';
    this.exitCode = exitCode;
  }
}

/** Starts workers that run this same program, and keeps them running until `stop`. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #workers = new Set<Worker>();
  readonly #counts = new Map<Worker, MetricsSnapshot>();
  /** Resolves when as many workers as there shall be are ready. */
  readonly whenReady: Promise<void>;
  #notReady: number;
  #settleReady!: () => void;
  #retired: MetricsSnapshot | undefined;
  #addresses: readonly Address[] = [];
  #port: number | undefined;
  #isStopping = false;
  #soonEnded = 0;
  #lastId = 0;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#notReady = options.count;
    this.whenReady = new Promise((resolve) => {
      this.#settleReady = resolve;
    });
  }

  get addresses(): readonly Address[] {
    return this.#addresses;
  }

  /** The port that was asked for in the end, which is 0 where any would do. */
  get port(): number {
    return this.#port ?? 0;
  }

  /** Resolves when all listen. Rejects with `WorkersFailed` when the first could not. */
  async start(): Promise<void> {
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    await this.#startOne();
    await Promise.all(Array.from({ length: this.#options.count - 1 }, () => this.#startOne()));
  }

  /** Lets one worker after the other reload. Rejects with what the first that could not has to say. */
  async reload(): Promise<void> {
    for (const worker of this.#workers) {
      const answer = this.#next(worker, 'reloaded');
      tell(worker, { kind: 'reload' });
      const error = (await answer)?.error;
      if (error !== undefined) throw new Error(error);
    }
  }

  reopenLog(): void {
    for (const worker of this.#workers) tell(worker, { kind: 'reopen-log' });
  }

  /** Resolves when all workers have ended. Calling it again shortens the grace. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    await Promise.all(
      Array.from(this.#workers, async (worker) => {
        const ended = new Promise((resolve) => worker.process.once('exit', resolve));
        tell(worker, { kind: 'stop', graceMs });
        const timer = setTimeout(() => worker.process.kill('SIGKILL'), graceMs + killAfterMs);
        await ended;
        clearTimeout(timer);
      }),
    );
  }

  /** Starts a worker; resolves when it listens. */
  async #startOne(): Promise<void> {
    const worker = cluster.fork({ [primaryVariable]: process.pid });
    const startTime = performance.now();
    this.#workers.add(worker);
    const listening = this.#next(worker, 'listening');
    worker.on('message', (notice: Notice) => this.#heed(worker, notice));
    let hasListened = false;
    worker.once('exit', (code, signal) => {
      this.#retire(worker);
      if (this.#isStopping || !hasListened) return;
      this.#replace(worker, performance.now() - startTime, signal ?? `with code ${code}`);
    });
    const notice = await listening;
    if (notice === undefined) {
      if (this.#addresses.length === 0) throw new WorkersFailed(worker.process.exitCode ?? 1);
      if (!this.#isStopping) this.#replace(worker, performance.now() - startTime, 'before it could listen');
      return;
    }
    hasListened = true;
    this.#port = notice.port;
    this.#addresses = notice.addresses;
  }

  #replace({ id }: Worker, livedMs: number, how: string): void {
    this.#soonEnded = livedMs < soonMs ? this.#soonEnded + 1 : 0;
    const delayMs = this.#soonEnded < 2 ? 0 : Math.min(firstDelayMs * 2 ** (this.#soonEnded - 2), longestDelayMs);
    this.#options.report(
      `Warning: worker ${id} ended ${how}; another starts${delayMs === 0 ? '' : ` in ${delayMs} ms`}`,
    );
    setTimeout(() => {
      // Without a first worker there are no addresses, and `start` has rejected; so this cannot reject.
      if (!this.#isStopping) void this.#startOne();
    }, delayMs);
  }

  /** The next notice of a kind, or undefined when the worker ends before. */
  #next<Kind extends Notice['kind']>(worker: Worker, kind: Kind): Promise<Extract<Notice, { kind: Kind }> | undefined> {
    return new Promise((resolve) => {
      const heed = (notice: Notice): void => {
        if (notice.kind === kind) settle(notice as Extract<Notice, { kind: Kind }>);
      };
      const end = (): void => settle(undefined);
      const settle = (notice: Extract<Notice, { kind: Kind }> | undefined): void => {
        worker.off('message', heed);
        worker.off('exit', end);
        resolve(notice);
      };
      worker.on('message', heed);
      worker.once('exit', end);
    });
  }

  #heed(worker: Worker, notice: Notice): void {
    // One that starts during a stop was not there to hear of it.
    if (notice.kind === 'started')
      tell(worker, this.#isStopping ? { kind: 'stop', graceMs: 0 } : { kind: 'begin', port: this.#port });
    if (notice.kind === 'ready' && --this.#notReady === 0) this.#settleReady();
    if (notice.kind === 'snapshot') this.#counts.set(worker, notice.snapshot);
    if (notice.kind === 'collect') void this.#collect(worker, notice.id);
  }

  async #collect(asker: Worker, id: number): Promise<void> {
    const asked = Array.from(this.#workers, (worker) => {
      const answer = this.#next(worker, 'snapshot');
      tell(worker, { kind: 'count', id: ++this.#lastId });
      return answer;
    });
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      Promise.all(asked),
      new Promise((resolve) => {
        timer = setTimeout(resolve, countTimeoutMs);
      }),
    ]);
    clearTimeout(timer);
    const retired = this.#retired === undefined ? [] : [this.#retired];
    tell(asker, { kind: 'collected', id, snapshots: [...this.#counts.values(), ...retired] });
  }

  /** What an ended worker had counted when it was last asked still counts, so that no counter ever falls. */
  #retire(worker: Worker): void {
    this.#workers.delete(worker);
    const last = this.#counts.get(worker);
    this.#counts.delete(worker);
    if (last === undefined) return;
    const ended = { ...last, connections: 0, underWay: 0, workers: 0 };
    this.#retired = this.#retired === undefined ? ended : addUp([this.#retired, ended]);
  }
}

function tell(worker: Worker, order: Order): void {
  // A worker that has just ended cannot be told anything; its exit says the rest.
  if (worker.isConnected()) worker.send(order, () => undefined);
}
