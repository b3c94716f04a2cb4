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
