// Fast or slow storage, by a clock of the test: how many calls, how long in sum, and for how long the pool is used.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pace } from '../../src/files/pace.ts';

/** Records calls of one length; the moment of the last. */
function calls(pace: Pace, count: number, tookMs: number, fromMs = 0): number {
  for (let index = 0; index < count; index++) pace.record(tookMs, fromMs);
  return fromMs;
}

describe('storage is slow', () => {
  test('when slow calls are many and long in sum', () => {
    const pace = new Pace();
    calls(pace, 5, 10);
    expect(pace.isSlow(0)).toBe(false);
    pace.record(1, 0);
    expect(pace.isSlow(0)).toBe(true);
  });

  test.each([
    ['few, as long as interruptions are', 4, 200],
    ['many, however short in sum', 200, 0.2],
    ['none at all', 10_000, 0.1],
    ['of the length of a fast one', 10_000, 0.199],
  ])('not when slow calls are %s', (_, count, tookMs) => {
    const pace = new Pace();
    calls(pace, count, tookMs);
    expect(pace.isSlow(0)).toBe(false);
  });

  test('not when they are fewer than one in fifty, as on a machine that is interrupted', () => {
    const pace = new Pace();
    for (let round = 0; round < 40; round++) {
      calls(pace, 60, 0.01);
      pace.record(50, 0);
    }
    expect(pace.isSlow(0)).toBe(false);
  });

  test('when one call takes longer than any interruption, and for twenty times as long', () => {
    const pace = new Pace();
    for (const [tookMs, pauseMs] of [
      [250, 5_000],
      [2_000, 40_000],
      [600_000, 60_000],
    ] as const) {
      calls(pace, 10_000, 0.01);
      pace.record(tookMs, 0);
      expect([pace.isSlow(pauseMs - 1), pace.isSlow(pauseMs)]).toEqual([true, false]);
    }
  });

  test('for half a second, then twice as long each time, up to five seconds', () => {
    const pace = new Pace();
    let nowMs = 1_000;
    for (const pauseMs of [500, 1_000, 2_000, 4_000, 5_000, 5_000]) {
      calls(pace, 6, 20, nowMs);
      expect([pace.isSlow(nowMs), pace.isSlow(nowMs + pauseMs - 1), pace.isSlow(nowMs + pauseMs)]).toEqual([
        true,
        true,
        false,
      ]);
      nowMs += pauseMs;
    }
  });

  test('for half a second again once it was fast for long', () => {
    const pace = new Pace();
    calls(pace, 6, 20, 0);
    calls(pace, 6, 20, 500);
    calls(pace, 2_049, 0.01, 2_000);
    calls(pace, 6, 20, 10_000);
    expect([pace.isSlow(10_499), pace.isSlow(10_500)]).toEqual([true, false]);
  });

  test('a good hour does not hide a bad minute', () => {
    const pace = new Pace();
    calls(pace, 1_000_000, 0.01);
    calls(pace, 60, 5);
    expect(pace.isSlow(0)).toBe(true);
  });
});

test('a bad start does not make a fast disk slow for ever: at most a twentieth of the time is blocked', () => {
  fc.assert(
    fc.property(fc.integer({ min: 6, max: 50 }), fc.double({ min: 0.2, max: 20, noNaN: true }), (count, tookMs) => {
      const pace = new Pace();
      let nowMs = 0;
      let blockedMs = 0;
      for (let index = 0; index < 20_000; index++) {
        if (pace.isSlow(nowMs)) {
          nowMs += 100;
          continue;
        }
        blockedMs += tookMs;
        nowMs += tookMs;
        pace.record(tookMs, nowMs);
        if (index % count === 0) nowMs += 1;
      }
      // 50 ms and one call more before each pause, the longest of which are 5 s.
      expect(blockedMs / nowMs).toBeLessThan(0.06);
    }),
    { numRuns: 20 },
  );
});
