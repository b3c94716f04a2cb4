// The workers of one application: who is started, who gets the next request, who is replaced and when.
//
// A place is filled, emptied by a crash, filled again; or its worker is swapped for a younger one that is ready, so that
// recycling, reloading and replacing a hung worker never leave fewer places than before. A place whose worker keeps dying
// young waits longer each time. Requests go to the worker with the fewest under way; when all threads are busy they
// wait in one line, in the order of arrival, and a request whose client leaves leaves the line.

import type { ResolvedLimits } from '../options.ts';
import { PythonError } from '../python-error.ts';
import type { Channel, Interface } from '../exchange/channel.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Coalesced } from './coalesced.ts';
import { Health, type PoolView } from './health.ts';
import { RequestQueue } from '../exchange/request-queue.ts';
import {
  emptyPlace,
  forgive,
  hasNobody,
  interfaceOf,
  leastBusy,
  type Place,
  type PoolState,
  readyIn,
  retryLater,
  stateOf,
} from './places.ts';
import { type PoolLog, StartLog } from './start-log.ts';
import { Worker, type WorkerOwner, type WorkerSettings } from './worker.ts';

/** How much later than others a worker may be recycled: workers that start together shall not all go together. */
const RECYCLE_SPREAD = 0.1;

/** A pool of workers. Starts nothing before `start`. */
export class WorkerPool implements WorkerOwner, PoolView {
  readonly #settings: WorkerSettings;
  readonly #limits: ResolvedLimits;
  readonly #log: PoolLog;
  readonly #places: readonly Place[];
  /** Every process that is not gone. */
  readonly alive: Set<Worker> = new Set();
  readonly queue: RequestQueue;
  readonly #health: Health;
  /** Why the last worker did not start; cleared by one that did. */
  #failure: PythonError | undefined;
  readonly #startLog: StartLog;
  #restarts = 0;
  #started: Promise<void> | undefined;
  readonly #reloads = new Coalesced(() => this.#replaceAll());
  #isClosed = false;

  constructor(settings: WorkerSettings, limits: ResolvedLimits, log: PoolLog) {
    this.#settings = settings;
    this.#limits = limits;
    this.#log = log;
    this.#startLog = new StartLog(log);
    this.queue = new RequestQueue(limits.maxQueue, limits.queueTimeoutMs);
    this.#health = new Health(limits, this);
    this.#places = Array.from({ length: settings.processes }, (_, index) => emptyPlace(index + 1));
  }

  /** Starts the workers, once. Resolves when all are ready; rejects with the first failure, while others go on trying. */
  start(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new PythonError('closing', 'the application is being stopped'));
    this.#started ??= this.#startAll();
    this.#started.catch(() => {}); // the log has it, and so has each request that comes now
    return this.#started;
  }

  /**
   * Starts the workers if that was not done yet. Resolves when every place has a worker that is ready; rejects with why one
   * has none, which may be past: later calls ask again.
   */
  async ready(): Promise<void> {
    if (this.#started === undefined || this.#isClosed) return this.start();
    await Promise.all(this.#places.map((place) => readyIn(place, this.#failure)));
  }

  async #startAll(): Promise<void> {
    await Promise.all(this.#places.map((place) => this.#fill(place)));
  }

  #launch(number: number): Worker {
    const worker = new Worker(this.#settings, number, this);
    worker.maxRequests = this.#limits.maxRequests * (1 + Math.random() * RECYCLE_SPREAD);
    this.alive.add(worker);
    void worker.exited.then(() => this.alive.delete(worker));
    return worker;
  }

  /** Starts a worker for a place; the one that is there goes on until the new one is ready. */
  async #fill(place: Place): Promise<void> {
    const worker = this.#launch(place.number);
    place.next = worker;
    try {
      await worker.ready;
    } catch (error) {
      this.#startFailed(place, worker, error as PythonError);
      throw error;
    }
    if (place.next === worker) this.#adopt(place, worker);
    else worker.retire(0);
  }

  #startFailed(place: Place, worker: Worker, error: PythonError): void {
    this.#dismiss(worker);
    if (place.next !== worker) return;
    place.next = undefined;
    this.#startLog.tell(worker, error);
    this.#failure = error;
    // Where there was no process, for want of descriptors or memory, trying again costs little.
    if (worker.pid === 0) place.failures = Math.min(place.failures, 1);
    void this.#tryAgain(place, worker);
    if (this.#isHopeless()) this.queue.dismissAll(this.#hopeless());
  }

  /** With an eye on the source, another attempt makes sense when it has changed: unless the worker says nothing of it, or is gone. */
  async #tryAgain(place: Place, worker: Worker): Promise<void> {
    // One that was ready has been dropped with its generation, and looks no more.
    const isMute = worker.readyAt !== undefined || (worker.hasFailed && worker.traceback === undefined);
    if (!this.#settings.watch || isMute) return this.#fillLater(place, worker.wasKilled);
    if (!worker.watches) return;
    await worker.exited;
    if (place.worker === undefined && !worker.isRetiring) this.#fillLater(place);
  }

  /**
   * Ends a worker that failed, unless it is the one that watches the source: others do not know which file to watch. One that took
   * too long to load ends by itself, after the time that it has to show its stacks.
   */
  #dismiss(worker: Worker): void {
    if (!worker.isRetiring && (!worker.watches || worker.hasExited)) worker.retire(0);
  }

  /** `isAwaited`: requests may wait for it, if it is soon. */
  #fillLater(place: Place, isAwaited = false): void {
    if (this.#isClosed || place.retry !== undefined || place.next !== undefined) return;
    retryLater(place, isAwaited, () => {
      this.#fill(place).catch(() => {}); // it has seen to its own repetition
    });
  }

  #adopt(place: Place, worker: Worker): void {
    const old = place.worker;
    place.worker = worker;
    place.next = undefined;
    this.#failure = undefined;
    this.#startLog.started();
    if (old !== undefined) old.retire(this.#limits.closeTimeoutMs);
    void worker.exited.then(() => this.#died(place, worker));
    // Those that wait for the source to change may have missed it, as who looked at it has been replaced.
    for (const other of this.#places) if (other.worker === undefined) this.#fillLater(other);
    this.#serveQueue();
  }

  #died(place: Place, worker: Worker): void {
    if (place.worker !== worker) return;
    place.worker = undefined;
    this.#restarts++;
    forgive(place, worker);
    this.#fillLater(place);
  }

  /** Gives a request to a free thread, or lets it wait for one. It is refused when it is hopeless to wait, or too many do. */
  serve(exchange: Exchange): void {
    const channel = this.#take();
    if (channel !== undefined) return channel.send(exchange);
    if (this.#isClosed) return exchange.refuse(new PythonError('closing', 'the application is being stopped'));
    this.start().catch(() => {}); // told to everybody who waits
    if (this.#isHopeless()) return exchange.refuse(this.#hopeless());
    this.#health.watch();
    this.queue.add(exchange);
  }

  /** A free place at the least busy worker; undefined when there is none. */
  #take(): Channel | undefined {
    const best = leastBusy(this.#places);
    if (best === undefined) return undefined;
    best.served++;
    if (best.served >= best.maxRequests) this.recycle(best);
    this.#health.watch();
    return best.channel;
  }

  /** No worker is there or on its way: the next attempt lies in the future. */
  #isHopeless(): boolean {
    return this.#failure !== undefined && hasNobody(this.#places);
  }

  #hopeless(): PythonError {
    const { message, detail } = this.#failure!;
    return new PythonError('no-worker', `no worker: ${message}`, detail, { cause: this.#failure });
  }

  #serveQueue(): void {
    while (this.queue.length > 0) {
      const channel = this.#take();
      if (channel === undefined) return;
      channel.send(this.queue.next()!);
    }
  }

  released(): void {
    if (this.queue.length > 0) this.#serveQueue();
  }

  changed(worker: Worker, file: string): void {
    this.#log(worker, `${file} has changed: loading the application again`, undefined);
    this.reload().catch(() => {}); // the log has the traceback, and the old workers go on
  }

  log(worker: Worker, line: string, request: string | undefined): void {
    this.#log(worker, line, request);
  }

  /** Logs what belongs to no worker in particular, under the first one. */
  warn(line: string): void {
    for (const worker of this.alive) return this.#log(worker, line, undefined);
  }

  /** How the application is called, as far as a worker has found out. */
  get interface(): Interface | undefined {
    return interfaceOf(this.#places);
  }

  #placeOf(worker: Worker): Place | undefined {
    return this.#places.find((place) => place.worker === worker);
  }

  recycle(worker: Worker, reason?: string, isTooLarge = false): void {
    const place = this.#placeOf(worker);
    if (place === undefined || place.next !== undefined || place.retry !== undefined || this.#isClosed) return;
    // The last attempt failed, and its worker has stayed to see the source change: another would fail, and stay as well.
    if (this.#settings.watch && this.#failure !== undefined) return;
    if (reason !== undefined) this.#log(worker, reason, undefined);
    // The worker goes on. Where it is too large its successor may need as much at once: each comes later.
    void (isTooLarge ? this.#fillLater(forgive(place, worker, false)) : this.#fill(place).catch(() => {}));
  }

  hung(worker: Worker): void {
    const place = this.#placeOf(worker);
    if (place !== undefined) {
      this.#restarts++;
      place.worker = undefined;
      forgive(place, worker);
      if (place.next === undefined) this.#fillLater(place);
    }
    worker.hang(this.#limits.closeTimeoutMs);
  }

  /**
   * Starts a new generation, and puts it in place of the old one when all of it is ready; requests under way end where
   * they are. Rejects, and keeps the old one, if a worker does not start.
   */
  reload(): Promise<void> {
    return this.#reloads.run();
  }

  async #replaceAll(): Promise<void> {
    if (this.#isClosed) throw new PythonError('closing', 'the application is being stopped');
    if (this.#started === undefined) return;
    this.#retireOthers();
    const generation = this.#places.map((place) => {
      clearTimeout(place.retry);
      place.retry = undefined;
      const worker = this.#launch(place.number);
      place.next = worker;
      return { place, worker };
    });
    try {
      await Promise.all(generation.map(({ worker }) => worker.ready));
    } catch (error) {
      const failed = generation.find(({ worker }) => worker.hasFailed);
      if (failed !== undefined) this.#startLog.tell(failed.worker, error as PythonError);
      for (const { place, worker } of generation) this.#dropFromGeneration(place, worker, error as PythonError);
      throw error;
    }
    for (const { place, worker } of generation) this.#adopt(place, worker);
  }

  #dropFromGeneration(place: Place, worker: Worker, error: PythonError): void {
    if (place.next === worker) place.next = undefined;
    if (worker.readyAt === undefined) this.#dismiss(worker);
    else worker.retire(0);
    if (place.worker !== undefined) return;
    this.#failure = error;
    void this.#tryAgain(place, worker);
    if (this.#isHopeless()) this.queue.dismissAll(this.#hopeless());
  }

  /** Ends workers that only stayed to watch the source. */
  #retireOthers(): void {
    for (const worker of this.alive) {
      const isInPlace = this.#places.some((place) => place.worker === worker || place.next === worker);
      if (!isInPlace && !worker.isRetiring) worker.retire(0);
    }
  }

  /** What the pool is doing now. */
  get state(): PoolState {
    return stateOf(this.#places, this.alive, { queued: this.queue.length, restarts: this.#restarts });
  }

  /** Ends what has no end of its own. */
  drain(): void {
    for (const { channel } of this.alive) channel?.drain();
  }

  /** Takes no more requests, lets those under way end for `graceMs`, and resolves when every process is gone. */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    this.queue.dismissAll(new PythonError('closing', 'the application is being stopped'));
    for (const place of this.#places) {
      clearTimeout(place.retry);
      place.next = undefined;
      place.worker = undefined;
    }
    const alive = [...this.alive];
    for (const worker of alive) {
      // One that still loads the application has nothing to end well.
      if (worker.readyAt === undefined) worker.kill();
      else worker.retire(graceMs);
    }
    await Promise.all(alive.map((worker) => worker.exited));
    this.#health.stop();
  }
}
