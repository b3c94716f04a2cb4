// Several processes that answer requests, and the primary that keeps them running.
//
// The primary holds the sockets and accepts nothing; the workers inherit them and accept. So a worker that dies takes no
// waiting connection with it, and when all have died, connections wait for the next one. A worker that ends unasked is
// replaced at once; one that cannot start is tried again later and later. A reload goes from worker to worker; at the first
// that refuses, those before it go back. A replacement starts another process for each and ends the one before when the other is ready.

import type { Address } from '../options.ts';
import { addUpMetrics, endedSnapshot, type MetricsSnapshot } from './metrics.ts';
import { inheritedBy, WorkerChild, type WorkerProgram } from './worker-child.ts';
import type { InheritedListener, Notice } from './worker-messages.ts';

export interface WorkerSettings {
  readonly count: number;
  readonly program: WorkerProgram;
  /** The sockets to accept from, by the descriptors of this process. */
  readonly listeners: readonly InheritedListener[];
  /** What each of them is told to run, where that is not said by the program. */
  readonly configuration?: unknown;
  /** Receives a line about a worker that ended. */
  readonly report: (line: string) => void;
}

// A worker that exits before it listens is tried again after this time, and then after twice as long each time. One that
// did listen, or was killed, is replaced at once: a request that ends a worker must not keep the others waiting.
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 30_000;
// A worker that is asked for its counts and does not answer in this time is left out of them.
const COUNT_TIMEOUT_MS = 1000;

// So often the first worker may be killed before it listens, until that counts as a start that failed.
const MAX_KILLED = 5;

/** A worker could not start; it has said why. */
export class WorkersFailed extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, reason = 'it ended before it listened') {
    super(`a worker could not start: ${reason}`);
    this.name = 'WorkersFailed';
    this.exitCode = exitCode;
  }
}

/** Starts workers, and keeps them running until `stop`. */
export class Workers {
  #settings: WorkerSettings;
  readonly #workers = new Set<WorkerChild>();
  /** Resolves when as many workers as there shall be are ready. */
  readonly whenReady: Promise<void>;
  #notReady: number;
  #settleReady!: () => void;
  #retired: MetricsSnapshot | undefined;
  #hasStarted = false;
  #addresses: readonly Address[] = [];
  #isStopping = false;
  #failedStarts = 0;
  /** Of workers that are started again in a while. */
  readonly #restarts = new Set<NodeJS.Timeout>();
  #lastNumber = 0;
  #lastId = 0;

  constructor(settings: WorkerSettings) {
    this.#settings = settings;
    this.#notReady = settings.count;
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
    await Promise.all(Array.from({ length: this.#settings.count - 1 }, () => this.#startOne()));
  }

  /** Lets one worker after the other reload. Rejects with what the first that could not has to say, when all are as before. */
  async reload(configuration?: unknown): Promise<void> {
    const before = this.#settings;
    // For those that start meanwhile, too.
    this.#settings = { ...before, configuration };
    const asBefore = new Set(this.#workers);
    const tell = async (worker: WorkerChild, next: unknown): Promise<string | undefined> =>
      (await worker.ask({ kind: 'reload', configuration: next }, 'reloaded'))?.error;
    for (const worker of this.#workers) {
      const error = await tell(worker, configuration);
      if (error === undefined) {
        asBefore.delete(worker);
        continue;
      }
      asBefore.add(worker);
      this.#settings = before;
      for (const changed of this.#workers) {
        const stuck = asBefore.has(changed) ? undefined : await tell(changed, before.configuration);
        if (stuck !== undefined) before.report(`Error: a worker keeps the new configuration: ${stuck}`);
      }
      throw new Error(error);
    }
  }

  /**
   * Starts another process for each worker, one after the other, and ends the old one, with a grace, when the new one is ready.
   * Rejects with `WorkersFailed` when one does not become ready: those that are not yet replaced go on.
   */
  async replaceAll(graceMs: number): Promise<void> {
    const before = Array.from(this.#workers);
    const ends: Promise<void>[] = [];
    try {
      for (const old of before) {
        // One that died meanwhile has been replaced already.
        if (!this.#workers.has(old) || old.isLeaving) continue;
        const next = await this.#tryOne();
        if (this.#isStopping) return;
        // One that died meanwhile has a successor already.
        const surplus = this.#workers.has(old) ? old : next;
        ends.push(surplus.end(graceMs, graceMs));
      }
    } finally {
      await Promise.all(ends);
    }
  }

  reopenLog(): void {
    for (const worker of this.#workers) worker.tell({ kind: 'reopen-log' });
  }

  /** What all workers have counted since the start, those that have ended since included. */
  async collect(): Promise<readonly MetricsSnapshot[]> {
    const asked = Array.from(this.#workers, (worker) => worker.ask({ kind: 'count', id: ++this.#lastId }, 'snapshot'));
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      Promise.all(asked),
      new Promise((resolve) => {
        timer = setTimeout(resolve, COUNT_TIMEOUT_MS);
      }),
    ]);
    clearTimeout(timer);
    const counted = [...this.#workers].flatMap(({ counts }) => (counts === undefined ? [] : [counts]));
    return this.#retired === undefined ? counted : [...counted, this.#retired];
  }

  /**
   * Resolves when all workers have ended: by themselves, or killed when they outlast `withinMs` by far. Without `graceMs`
   * they take what their configuration says. Calling it again shortens the grace.
   */
  async stop(graceMs: number | undefined, withinMs: number): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    await Promise.all(Array.from(this.#workers, (worker) => worker.end(graceMs, withinMs)));
  }

  /** Starts a worker; resolves when it listens, or when it has ended and another will be started. */
  async #startOne(): Promise<void> {
    const worker = this.#fork(false);
    const isListening = await this.#hasListened(worker);
    if (isListening || this.#hasStarted) return;
    const { signal } = await worker.ended;
    // Who was killed has not failed: what kills it now and then need not kill the next.
    if (signal === null || this.#isStopping || this.#failedStarts >= MAX_KILLED) throw await failureOf(worker);
    this.#failedStarts += 1;
    return this.#startOne();
  }

  /** Starts a worker that nothing follows if it does not become ready. */
  async #tryOne(): Promise<WorkerChild> {
    const worker = this.#fork(true);
    const ready = worker.next('ready');
    if (!(await this.#hasListened(worker)) || (await ready) === undefined) throw await failureOf(worker);
    worker.isOnTrial = false;
    return worker;
  }

  async #hasListened(worker: WorkerChild): Promise<boolean> {
    const notice = await worker.next('listening');
    if (notice === undefined) return false;
    worker.hasListened = true;
    this.#hasStarted = true;
    this.#addresses = notice.addresses;
    this.#failedStarts = 0;
    return true;
  }

  #fork(isOnTrial: boolean): WorkerChild {
    const { program, listeners } = this.#settings;
    const worker = new WorkerChild(program, listeners, isOnTrial);
    const number = ++this.#lastNumber;
    this.#workers.add(worker);
    worker.listen((notice) => this.#heed(worker, notice));
    void this.#outlive(worker, number);
    return worker;
  }

  /** Starts another worker when this one ends unasked. */
  async #outlive(worker: WorkerChild, number: number): Promise<void> {
    const { code, signal } = await worker.ended;
    this.#retire(worker);
    if (this.#isStopping || !this.#hasStarted || worker.isOnTrial || worker.isLeaving) return;
    const delayMs = worker.hasListened || signal !== null ? 0 : this.#startDelay();
    const end = worker.isProcess ? `ended ${signal ?? `with code ${code}`}` : `could not be started: ${worker.failure}`;
    this.#startAnother(`worker ${number} ${end}`, delayMs);
  }

  #startDelay(): number {
    return Math.min(FIRST_DELAY_MS * 2 ** this.#failedStarts++, LONGEST_DELAY_MS);
  }

  #startAnother(why: string, delayMs: number): void {
    const when = delayMs === 0 ? '' : ` in ${delayMs} ms`;
    this.#settings.report(`Warning: ${why}; another starts${when}`);
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      // `start` has resolved before, so this cannot reject.
      void this.#startOne();
    }, delayMs);
    this.#restarts.add(timer);
  }

  #heed(worker: WorkerChild, notice: Notice): void {
    if (notice.kind === 'started') {
      // One that starts during a stop was not there to hear of it.
      if (this.#isStopping) worker.tell({ kind: 'stop', graceMs: 0 });
      else {
        const { listeners, configuration } = this.#settings;
        worker.tell({ kind: 'begin', listeners: inheritedBy(listeners), configuration });
      }
    } else if (notice.kind === 'ready' && --this.#notReady === 0) this.#settleReady();
    else if (notice.kind === 'snapshot') worker.counts = notice.snapshot;
    else if (notice.kind === 'failed') worker.failure = notice.message;
    else if (notice.kind === 'collect') {
      void this.collect().then((snapshots) => worker.tell({ kind: 'collected', id: notice.id, snapshots }));
    }
  }

  /** What an ended worker had counted when it was last asked still counts, so that no counter ever falls. */
  #retire(worker: WorkerChild): void {
    this.#workers.delete(worker);
    if (worker.counts === undefined) return;
    const ended = endedSnapshot(worker.counts);
    this.#retired = this.#retired === undefined ? ended : addUpMetrics([this.#retired, ended]);
  }
}

async function failureOf(worker: WorkerChild): Promise<WorkersFailed> {
  const { code } = await worker.ended;
  return new WorkersFailed(code ?? 1, worker.failure);
}
