import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Line, type Lined } from '../../src/fastcgi/line.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.runAllTimers();
  vi.useRealTimers();
});

function lined(count: number): { line: Line; waiting: Lined[]; opened: number[] } {
  const line = new Line();
  const opened: number[] = [];
  const waiting = Array.from({ length: count }, (_, index): Lined => ({
    mayUseKept: true,
    linedAt: 0,
    take: () => void opened.push(index),
  }));
  for (const one of waiting) line.add(one);
  return { line, waiting, opened };
}

describe('Line', () => {
  test('gives who has waited for longest first, and nobody twice', () => {
    const { line, waiting, opened } = lined(2);
    expect([line.next(), line.next(), line.next(), line.length]).toEqual([waiting[0], waiting[1], undefined, 0]);
    vi.advanceTimersByTime(1000);
    expect(opened).toEqual([]);
  });

  test('lets one open a connection at a time while others get theirs', () => {
    const { line, opened } = lined(4);
    line.moves();
    vi.advanceTimersByTime(30);
    expect(opened).toEqual([0]);
    line.moves();
    vi.advanceTimersByTime(30);
    expect(opened).toEqual([0, 1]);
  });

  test('lets all open connections within a quarter of a second, in order, also where others get theirs', () => {
    const { line, opened } = lined(50);
    for (let passed = 0; passed < 300; passed += 10) {
      line.moves();
      vi.advanceTimersByTime(10);
    }
    expect(opened).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('lets all open connections soon where nobody gets one', () => {
    const { line, opened } = lined(50);
    vi.advanceTimersByTime(80);
    expect([opened.length, line.length]).toEqual([50, 0]);
  });
});
