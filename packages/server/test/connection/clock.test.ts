import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Clock, currentDate } from '../../src/connection/clock.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance', 'Date'] }));
afterEach(() => vi.useRealTimers());

/** Something watched, and at which times of the clock it was asked. */
function watched(): { ticks: number[]; clockPlace: number; tick(now: number): void } {
  const ticks: number[] = [];
  return { ticks, clockPlace: -1, tick: (now) => void ticks.push(Math.round(now)) };
}

/** Lets time pass, step by step; what a step is asks its questions when the sockets have been read. */
async function pass(steps: number, stepMs = 500): Promise<void> {
  for (let step = 0; step < steps; step++) {
    vi.advanceTimersByTime(stepMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('Clock', () => {
  test('asks everybody while somebody is watched, and runs no timer otherwise', async () => {
    const clock = new Clock([20_000]);
    expect(vi.getTimerCount()).toBe(0);
    const [one, two] = [watched(), watched()];
    clock.watch(one);
    clock.watch(two);
    await pass(3);
    expect(one.ticks).toEqual([500, 1000, 1500]);
    expect(two.ticks).toEqual(one.ticks);
    clock.unwatch(one);
    await pass(1);
    expect(one.ticks).toHaveLength(3);
    expect(two.ticks).toHaveLength(4);
    clock.unwatch(two);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    [[20_000, 65_000], 500],
    [[0, 0], 500],
    [[400], 100],
    [[0, 1000], 250],
    [[8], 10],
  ])('ticks as fast as the shortest of %j needs', async (timeouts, resolutionMs) => {
    const clock = new Clock(timeouts);
    const one = watched();
    clock.watch(one);
    await pass(1, resolutionMs);
    expect(one.ticks).toEqual([resolutionMs]);
  });

  test('does not count the time for which something held the event loop', async () => {
    const clock = new Clock([2000]);
    const one = watched();
    clock.watch(one);
    const now = performance.now();
    // The interval of 500 ms comes 60 s late.
    vi.spyOn(performance, 'now').mockReturnValueOnce(now + 60_000);
    await pass(1);
    expect(one.ticks).toEqual([1000]);
    vi.restoreAllMocks();
  });

  test('goes on where it was when it is used again', async () => {
    const clock = new Clock([2000]);
    const one = watched();
    clock.watch(one);
    await pass(2);
    clock.unwatch(one);
    vi.advanceTimersByTime(50_000);
    clock.watch(one);
    await pass(1);
    expect(one.ticks.at(-1)).toBe(1500);
  });
});

describe('currentDate', () => {
  test('is the time of this second in the form of RFC 9110', () => {
    vi.setSystemTime(Date.UTC(2026, 0, 2, 3, 4, 5, 999));
    expect(currentDate()).toBe('Fri, 02 Jan 2026 03:04:05 GMT');
    vi.setSystemTime(Date.UTC(2026, 0, 2, 3, 4, 6, 0));
    expect(currentDate()).toBe('Fri, 02 Jan 2026 03:04:06 GMT');
    vi.setSystemTime(Date.UTC(2026, 0, 2, 3, 4, 5, 0));
    expect(currentDate()).toBe('Fri, 02 Jan 2026 03:04:05 GMT');
  });
});
