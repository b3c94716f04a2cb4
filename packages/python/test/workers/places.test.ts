import { describe, expect, test } from 'vitest';
import { interfaceOf, leastBusy, type Place, stateOf } from '../../src/workers/places.ts';
import type { Worker } from '../../src/workers/worker.ts';

const loaded = { python: '3.13.1', executable: '/usr/bin/python3', virtualenv: undefined, object: 'app' };

/** A worker with so many free places, or one that is not ready. */
function worker(free: number | undefined, busy = 0): Worker {
  const channel = free === undefined ? undefined : { free, interface: 'wsgi' };
  const underWay = Array.from({ length: busy });
  return { isReady: free !== undefined, channel, underWay, loaded } as unknown as Worker;
}

function places(...workers: (Worker | undefined)[]): Place[] {
  return workers.map((one, index) => ({
    number: index + 1,
    worker: one,
    next: undefined,
    failures: 0,
    retry: undefined,
    isAwaited: false,
  }));
}

describe('leastBusy', () => {
  test('is the worker with most free places, the first among equals', () => {
    const all = [worker(1), worker(3), worker(3), worker(undefined)];
    expect(leastBusy(places(...all))).toBe(all[1]);
  });

  test('is nobody where none is ready or free', () => {
    expect(leastBusy(places())).toBe(undefined);
    expect(leastBusy(places(undefined, worker(undefined), worker(0)))).toBe(undefined);
  });
});

describe('stateOf', () => {
  test('counts what is ready in places, and what is busy also in workers that are ending', () => {
    const [one, two, ending] = [worker(2, 1), worker(undefined), worker(0, 4)];
    const state = stateOf(places(one, two, undefined), [one, two, ending], { queued: 5, restarts: 6 });
    expect(state).toEqual({
      interface: 'wsgi',
      python: '3.13.1',
      loaded,
      processes: 3,
      ready: 1,
      busy: 5,
      free: 2,
      queued: 5,
      restarts: 6,
    });
  });

  test('knows neither interface nor version before a worker is ready', () => {
    const state = stateOf(places(undefined, worker(undefined)), [], { queued: 0, restarts: 0 });
    expect(state).toMatchObject({ interface: undefined, python: undefined, ready: 0, free: 0 });
    expect(interfaceOf(places(undefined, worker(undefined)))).toBe(undefined);
    expect(interfaceOf(places(undefined, worker(0)))).toBe('wsgi');
  });
});
