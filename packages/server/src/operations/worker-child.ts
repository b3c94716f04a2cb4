// One worker as its primary sees it: a process that takes orders and sends notices.

import { ChildProcess, fork } from 'node:child_process';
import { timerMs } from '../timer.ts';
import type { MetricsSnapshot } from './metrics.ts';
import type { InheritedListener, Notice, Order } from './worker-messages.ts';

/** What a worker runs. */
export interface WorkerProgram {
  /** A path. */
  readonly module: string;
  readonly words: readonly string[];
  /** Variables beside those of this process. */
  readonly environment: Readonly<Record<string, string>>;
}

/** How a process ended: one of both is null. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

// The descriptors of a worker: standard streams, the channel, then sockets.
const FIRST_SOCKET = 4;
// Beyond its grace, a worker may need a moment to end its scripts.
const KILL_AFTER_MS = 3000;

/** A running worker. What is sent to one that has just ended is lost; its end says the rest. */
export class WorkerChild {
  /** What it had counted when it was last asked. */
  counts: MetricsSnapshot | undefined;
  hasListened = false;
  /** Whether it is on trial: another one keeps its place until it is ready. */
  isOnTrial: boolean;
  /** Why it could not start, in its own words. */
  failure: string | undefined;
  /** Whether it was told to end. */
  isLeaving = false;
  readonly ended: Promise<WorkerEnd>;
  readonly #child: ChildProcess;
  /** Who waits for a notice; told undefined when there will be none. */
  readonly #waiting = new Set<(notice: Notice | undefined) => void>();
  #hasEnded = false;

  constructor(program: WorkerProgram, listeners: readonly InheritedListener[], isOnTrial: boolean) {
    this.isOnTrial = isOnTrial;
    const sockets = listeners.flatMap(({ descriptors }) => descriptors);
    this.#child = forked(program, sockets);
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
      this.#child.on('error', ({ message }) => {
        // What goes wrong with one that runs is seen in how it ends.
        if (this.isProcess) return;
        this.failure = message;
        resolve({ code: 1, signal: null });
      });
    });
    this.listen((notice) => this.#answer(notice));
    void this.#tellOfEnd();
  }

  async #tellOfEnd(): Promise<void> {
    await this.ended;
    this.#hasEnded = true;
    this.#answer(undefined);
  }

  #answer(notice: Notice | undefined): void {
    for (const hear of this.#waiting) hear(notice);
  }

  /** Whether the system had room for it. If not, it ends with code 1, and `failure` says why. */
  get isProcess(): boolean {
    return this.#child.pid !== undefined;
  }

  /** Calls `heed` with every notice. */
  listen(heed: (notice: Notice) => void): void {
    this.#child.on('message', heed);
  }

  tell(order: Order): void {
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }

  /** The next notice of a kind, or undefined when the worker ends before. */
  next<Kind extends Notice['kind']>(kind: Kind): Promise<Extract<Notice, { kind: Kind }> | undefined> {
    return new Promise((resolve) => {
      if (this.#hasEnded) return resolve(undefined);
      // What waited on the promise of the end, or listened to the process, would be kept for as long as that runs.
      const hear = (notice: Notice | undefined): void => {
        if (notice !== undefined && notice.kind !== kind) return;
        this.#waiting.delete(hear);
        resolve(notice as Extract<Notice, { kind: Kind }> | undefined);
      };
      this.#waiting.add(hear);
    });
  }

  /** The answer to an order, or undefined when the worker ends before. */
  ask<Kind extends Notice['kind']>(order: Order, kind: Kind): ReturnType<typeof this.next<Kind>> {
    const answer = this.next(kind);
    this.tell(order);
    return answer;
  }

  /** Tells it to stop; kills it when it outlasts `withinMs` by far. Resolves when it has ended. */
  async end(graceMs: number | undefined, withinMs: number): Promise<void> {
    this.isLeaving = true;
    this.tell({ kind: 'stop', graceMs });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timerMs(withinMs + KILL_AFTER_MS));
    await this.ended;
    clearTimeout(timer);
  }
}

/** A child that takes orders. Some shortages are thrown, others are events; here all are events. */
function forked({ module, words, environment }: WorkerProgram, sockets: readonly number[]): ChildProcess {
  try {
    return fork(module, words, {
      env: { ...process.env, ...environment },
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', ...sockets],
      // JSON has no Infinity.
      serialization: 'advanced',
    });
  } catch (error) {
    const none = new ChildProcess();
    process.nextTick(() => none.emit('error', error));
    return none;
  }
}

/** The sockets as a worker has them. */
export function inheritedBy(listeners: readonly InheritedListener[]): readonly InheritedListener[] {
  let next = FIRST_SOCKET;
  return listeners.map((listener) => ({ ...listener, descriptors: listener.descriptors.map(() => next++) }));
}
