// What is there at once is used at once; what comes later, later.

import { setImmediate as turned } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { whenReady } from '../../src/files/eventually.ts';
import { loopTurn } from '../../src/files/loop-turn.ts';

test('a value is used in the same call', () => {
  expect(whenReady(2, (value) => value + 1)).toBe(3);
  expect(whenReady(undefined, (value) => value ?? 'none')).toBe('none');
});

test('a promise is waited for, and its error is passed on', async () => {
  const calls: string[] = [];
  const later = whenReady(Promise.resolve('a'), (value) => {
    calls.push(value);
    return `${value}b`;
  });
  expect(calls).toEqual([]);
  expect(later).toBeInstanceOf(Promise);
  expect(await later).toBe('ab');
  const failing = whenReady(Promise.reject<string>(new Error('disk')), () => calls.push('never'));
  await expect(failing).rejects.toThrow('disk');
  expect(calls).toEqual(['a']);
});

test('an error of the next step is thrown where the value was there, and a rejection where it was not', async () => {
  const fail = (): never => {
    throw new RangeError('next');
  };
  expect(() => whenReady(1, fail)).toThrow('next');
  await expect(whenReady(Promise.resolve(1), fail)).rejects.toThrow('next');
});

test('the number of a turn is the same until the loop turns', async () => {
  const first = loopTurn();
  await Promise.resolve();
  process.nextTick(() => {});
  expect(loopTurn()).toBe(first);
  await turned();
  const second = loopTurn();
  expect(second).toBeGreaterThan(first);
  // Where nobody asks, no turn is counted.
  await turned();
  await turned();
  await turned();
  expect(loopTurn() - second).toBeLessThanOrEqual(1);
});
