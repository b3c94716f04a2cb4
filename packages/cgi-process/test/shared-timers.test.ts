import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { FifoDirectory, openForReading } from '../src/process/fifo-directory.ts';
import { afterSharedMs } from '../src/shared-timers.ts';

test('nobody is told of a time before what came meanwhile was read, where the process stood still', async () => {
  const fifos = new FifoDirectory();
  onTestFinished(() => fifos.remove());
  const { readEnd, writeEnd } = openForReading(await fifos.take());
  onTestFinished(() => closeSync(writeEnd));
  const stream = new Socket({ fd: readEnd, readable: true, writable: false });
  onTestFinished(() => void stream.destroy());
  const seen: string[] = [];
  stream.on('data', () => seen.push('what came'));
  await new Promise<void>((resolve) => {
    afterSharedMs(10, () => {
      seen.push('the time');
      resolve();
    });
    writeSync(writeEnd, 'in time');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  });
  expect(seen).toEqual(['what came', 'the time']);
});

describe('afterSharedMs', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => {
    vi.runAllTimers();
    vi.useRealTimers();
  });

  test('calls each back at its own time, with one timer for one delay', () => {
    const called: string[] = [];
    afterSharedMs(100, () => called.push('one'));
    vi.advanceTimersByTime(60);
    afterSharedMs(100, () => called.push('two'));
    afterSharedMs(99.5, () => called.push('three'));
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(41);
    expect(called).toEqual(['one']);
    vi.advanceTimersByTime(60);
    expect(called).toEqual(['one', 'two', 'three']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('calls none that was stopped, and lets others of the same delay be', () => {
    const called: string[] = [];
    const stop = afterSharedMs(50, () => called.push('stopped'));
    afterSharedMs(50, () => {
      called.push('kept');
      afterSharedMs(50, () => called.push('later'));
    });
    stop();
    stop();
    vi.advanceTimersByTime(51);
    expect(called).toEqual(['kept']);
    vi.advanceTimersByTime(51);
    expect(called).toEqual(['kept', 'later']);
  });

  test('calls the others of a delay although one throws', () => {
    const called: string[] = [];
    afterSharedMs(50, () => {
      throw new Error('a fault of the one');
    });
    afterSharedMs(50, () => called.push('at the same time'));
    vi.advanceTimersByTime(20);
    afterSharedMs(50, () => called.push('later'));
    expect(() => vi.advanceTimersByTime(31)).toThrow('a fault of the one');
    vi.advanceTimersByTime(5);
    expect(called).toEqual(['at the same time']);
    vi.advanceTimersByTime(20);
    expect(called).toEqual(['at the same time', 'later']);
    expect(vi.getTimerCount()).toBe(0);
    afterSharedMs(50, () => called.push('afterwards'));
    vi.advanceTimersByTime(51);
    expect(called.at(-1)).toBe('afterwards');
  });

  test('never calls back after an infinite time, and soon after none', () => {
    const called: string[] = [];
    afterSharedMs(Number.POSITIVE_INFINITY, () => called.push('never'));
    afterSharedMs(0, () => called.push('soon'));
    vi.advanceTimersByTime(2 ** 31);
    expect(called).toEqual(['soon']);
  });
});
