import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { afterMs } from '../src/timer.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const LONGEST = 2 ** 31 - 1;

describe('afterMs', () => {
  test.each([0, 1, 1000, LONGEST - 1, LONGEST, LONGEST + 1, 2 * LONGEST, 2 * LONGEST + 7, 90 * 86_400_000])(
    'calls back after %i ms, once, and not a moment before',
    (ms) => {
      const called = vi.fn();
      afterMs(ms, called);
      if (ms > 0) vi.advanceTimersByTime(ms - 1);
      if (ms > 0) expect(called).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(called).toHaveBeenCalledTimes(1);
      vi.advanceTimersByTime(LONGEST);
      expect(called).toHaveBeenCalledTimes(1);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test('never calls back where the time is Infinity, and holds no timer', () => {
    const called = vi.fn();
    const stop = afterMs(Number.POSITIVE_INFINITY, called);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(LONGEST * 3);
    expect(called).not.toHaveBeenCalled();
    stop();
  });

  test.each([
    ['in the first part', 5, 10],
    ['in the second part', LONGEST + 5, LONGEST * 2],
    ['in the last part', LONGEST * 2 + 5, LONGEST * 2 + 10],
  ])('is stopped %s', (_, stopAt, ms) => {
    const called = vi.fn();
    const stop = afterMs(ms, called);
    vi.advanceTimersByTime(stopAt);
    stop();
    stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(LONGEST * 3);
    expect(called).not.toHaveBeenCalled();
  });

  test('may be stopped after it has called back', () => {
    const called = vi.fn();
    const stop = afterMs(10, called);
    vi.advanceTimersByTime(10);
    stop();
    expect(called).toHaveBeenCalledTimes(1);
  });
});
