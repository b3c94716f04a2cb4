// Several processes that answer requests, and the primary that keeps them running.
//
// The primary holds the sockets and accepts nothing; the workers inherit them and accept. So a worker that dies takes no
// waiting connection with it, and when all have died, connections wait for the next one. A worker that ends unasked is
// replaced at once; one that cannot start is tried again later and later. A reload goes from worker to worker; the first
// that refuses ends it.

import { type ChildProcess, fork } from 'node:child_process';
import { timerMs } from '../timer.ts';
import type { Address } from '../options.ts';
import { addUp, type MetricsSnapshot } from './metrics.ts';
import { type InheritedListener, type Notice, type Order, primaryVariable } from './worker-messages.ts';

export interface WorkersOptions {
  readonly count: number;
  /** The sockets to accept from, by the descriptors of this process. */
  readonly listeners: readonly InheritedListener[];
  /** Receives a line about a worker that ended. */
  readonly report: (line: string) => void;
}

// A worker that exits before it listens is tried again after this time, and then after twice as long each time. One that
// did listen, or was killed, is replaced at once: a request that ends a worker must not keep the others waiting.
const firstDelayMs = 200;
const longestDelayMs = 30_000;
// A worker that is asked for its counts and does not answer in this time is left out of them.
const countTimeoutMs = 1000;
// The descriptors of a worker: standard streams, the channel, then sockets.
const firstSocket = 4;
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
  readonly #workers = new Set<ChildProcess>();
  readonly #counts = new Map<ChildProcess, MetricsSnapshot>();
  /** Resolves when as many workers as there shall be are ready. */
  readonly whenReady: Promise<void>;
  #notReady: number;
  #settleReady!: () => void;
  #retired: MetricsSnapshot | undefined;
  #hasStarted = false;
  #addresses: readonly Address[] = [];
  #isStopping = false;
  #failedStarts = 0;
  #lastNumber = 0;
  #lastId = 0;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#notReady = options.count;
    this.whenReady = new Promise((resolve) => {
      this.#settleReady = resolve;
    });
  }

  /** Where the workers listen. */
  get addresses(): readonly Address[] {
    return this.#addresses;
  }

  /** Resolves when all listen. Rejects with `WorkersFailed` when the first could not. */
  async start(): Promise<void> {
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

  /**
   * Resolves when all workers have ended: by themselves, or killed when they outlast `withinMs` by far. Without `graceMs`
   * they take what their configuration says. Calling it again shortens the grace.
   */
  async stop(graceMs: number | undefined, withinMs: number): Promise<void> {
    this.#isStopping = true;
    await Promise.all(
      Array.from(this.#workers, async (worker) => {
        const ended = new Promise((resolve) => worker.once('exit', resolve));
        tell(worker, { kind: 'stop', graceMs });
        const timer = setTimeout(() => worker.kill('SIGKILL'), timerMs(withinMs + killAfterMs));
        await ended;
        clearTimeout(timer);
      }),
    );
  }

  /** Starts a worker; resolves when it listens. */
  async #startOne(): Promise<void> {
    const worker = this.#fork();
    const number = ++this.#lastNumber;
    this.#workers.add(worker);
    const listening = this.#next(worker, 'listening');
    worker.on('message', (notice: Notice) => this.#heed(worker, notice));
    let hasListened = false;
    worker.once('exit', (code, signal) => {
      this.#retire(worker);
      if (this.#isStopping || !this.#hasStarted) return;
      const delayMs = hasListened || signal !== null ? 0 : this.#startDelay();
      this.#replace(`worker ${number} ended ${signal ?? `with code ${code}`}`, delayMs);
    });
    const notice = await listening;
    if (notice === undefined) {
      if (!this.#hasStarted) throw new WorkersFailed(worker.exitCode ?? 1);
      return;
    }
    hasListened = true;
    this.#hasStarted = true;
    this.#addresses = notice.addresses;
    this.#failedStarts = 0;
  }

  #startDelay(): number {
    return Math.min(firstDelayMs * 2 ** this.#failedStarts++, longestDelayMs);
  }

  /** Another process of this program, with the sockets behind its channel. */
  #fork(): ChildProcess {
    const sockets = this.#options.listeners.flatMap(({ descriptors }) => descriptors);
    return fork(process.argv[1] ?? '', process.argv.slice(2), {
      env: { ...process.env, [primaryVariable]: String(process.pid) },
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...sockets],
    });
  }

  /** The sockets as a worker has them. */
  #inherited(): readonly InheritedListener[] {
    let next = firstSocket;
    return this.#options.listeners.map(({ descriptors, secure }) => ({
      descriptors: descriptors.map(() => next++),
      secure,
    }));
  }

  #replace(why: string, delayMs: number): void {
    const when = delayMs === 0 ? '' : ` in ${delayMs} ms`;
    this.#options.report(`Warning: ${why}; another starts${when}`);
    setTimeout(() => {
      // `start` has resolved before, so this cannot reject.
      if (!this.#isStopping) void this.#startOne();
    }, delayMs);
  }

  /** The next notice of a kind, or undefined when the worker ends before. */
  #next<Kind extends Notice['kind']>(
    worker: ChildProcess,
    kind: Kind,
  ): Promise<Extract<Notice, { kind: Kind }> | undefined> {
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

  #heed(worker: ChildProcess, notice: Notice): void {
    // One that starts during a stop was not there to hear of it.
    if (notice.kind === 'started')
      tell(worker, this.#isStopping ? { kind: 'stop', graceMs: 0 } : { kind: 'begin', listeners: this.#inherited() });
    if (notice.kind === 'ready' && --this.#notReady === 0) this.#settleReady();
    if (notice.kind === 'snapshot') this.#counts.set(worker, notice.snapshot);
    if (notice.kind === 'collect') void this.#collect(worker, notice.id);
  }

  async #collect(asker: ChildProcess, id: number): Promise<void> {
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
  #retire(worker: ChildProcess): void {
    this.#workers.delete(worker);
    const last = this.#counts.get(worker);
    this.#counts.delete(worker);
    if (last === undefined) return;
    const ended = { ...last, connections: 0, underWay: 0, workers: 0 };
    this.#retired = this.#retired === undefined ? ended : addUp([this.#retired, ended]);
  }
}

function tell(worker: ChildProcess, order: Order): void {
  // A worker that has just ended cannot be told anything; its exit says the rest.
  if (worker.connected) worker.send(order, () => undefined);
}
