// The places of a pool: what is to be seen in them.

import type { Interface } from '../exchange/channel.ts';
import type { LoadedApplication } from './loaded.ts';
import type { Worker } from './worker.ts';

/** What a pool is doing at a moment. */
export interface PoolState {
  /** Undefined until a worker is ready. */
  readonly interface: Interface | undefined;
  /** The version of Python; undefined until a worker is ready. */
  readonly python: string | undefined;
  /** What was found, and what runs it; undefined until a worker is ready. */
  readonly loaded: LoadedApplication | undefined;
  /** How many processes there should be. */
  readonly processes: number;
  /** How many have loaded the application. */
  readonly ready: number;
  /** Requests that workers are busy with. */
  readonly busy: number;
  /** Requests that could be taken at once. */
  readonly free: number;
  /** Requests that wait for a place. */
  readonly queued: number;
  /** Workers that died or hung, and were replaced. */
  readonly restarts: number;
}

/** Where a worker is, or should be. */
export interface Place {
  readonly number: number;
  worker: Worker | undefined;
  /** The one that is being started for this place. */
  next: Worker | undefined;
  /** How many workers in a row failed to start, or died young. */
  failures: number;
  retry: NodeJS.Timeout | undefined;
  /** Whether requests may wait for that: the one before was killed, which says nothing of the application. */
  isAwaited: boolean;
}

/** A worker that lived this long did not die of its start, even if it was asked for nothing. */
const YOUNG_MS = 10_000;
const MAX_BACK_OFF_MS = 30_000; // below any timer's limit

/** A request that would be told to come again after so long may as well wait. */
const SOON_MS = 2000;

/** A place that nobody has been in. */
export function emptyPlace(number: number): Place {
  return { number, worker: undefined, next: undefined, failures: 0, retry: undefined, isAwaited: false };
}

/** One that has answered, or lived for long, does not make its successor wait; nor does what was to replace it later. */
export function forgive(place: Place, worker: Worker, hasAnswered: boolean = worker.hasAnswered): Place {
  clearTimeout(place.retry);
  place.retry = undefined;
  if (hasAnswered || performance.now() - worker.readyAt! > YOUNG_MS) place.failures = 0;
  return place;
}

/** Calls back when it is time for the next attempt, later each time. `isAwaited`: requests may wait for it, if it is soon. */
export function retryLater(place: Place, isAwaited: boolean, attempt: () => void): void {
  const delayMs = place.failures === 0 ? 0 : Math.min(500 * 2 ** place.failures, MAX_BACK_OFF_MS);
  place.isAwaited = isAwaited && delayMs <= SOON_MS;
  place.failures++;
  place.retry = setTimeout(() => {
    place.retry = undefined;
    attempt();
  }, delayMs);
  // The loop is kept alive by requests that wait, not by an application that does not start.
  place.retry.unref();
}

/** Resolves when the worker of a place is ready; rejects with why there is none. */
export async function readyIn({ worker, next }: Place, failure: Error | undefined): Promise<void> {
  if (worker?.isReady) return;
  if (next !== undefined) return next.ready;
  if (failure !== undefined) throw failure;
}

/** Whether nobody is there, on the way, or coming soon. */
export function hasNobody(places: readonly Place[]): boolean {
  return places.every(({ worker, next, retry, isAwaited }) => {
    return worker === undefined && next === undefined && (retry === undefined || !isAwaited);
  });
}

/** The worker that can take most requests; undefined when none can take one. */
export function leastBusy(places: readonly Place[]): Worker | undefined {
  let best: Worker | undefined;
  let most = 0;
  for (const { worker } of places) {
    if (worker === undefined || !worker.isReady) continue;
    const { free } = worker.channel!;
    if (free <= most) continue;
    best = worker;
    most = free;
  }
  return best;
}

/** How the application is called, as far as a worker has found out. */
export function interfaceOf(places: readonly Place[]): Interface | undefined {
  for (const { worker } of places) if (worker?.channel !== undefined) return worker.channel.interface;
  return undefined;
}

/** What a pool is doing, counted over its places and over the workers that are still ending. */
export function stateOf(
  places: readonly Place[],
  alive: Iterable<Worker>,
  counts: Pick<PoolState, 'queued' | 'restarts'>,
): PoolState {
  const workers = places.flatMap(({ worker }) => (worker?.isReady === true ? [worker] : []));
  let busy = 0;
  for (const worker of alive) busy += worker.underWay.length;
  return {
    interface: workers[0]?.channel?.interface,
    python: workers[0]?.loaded?.python,
    loaded: workers[0]?.loaded,
    processes: places.length,
    ready: workers.length,
    busy,
    free: workers.reduce((sum, { channel }) => sum + channel!.free, 0),
    ...counts,
  };
}
