import { describe, expect, test } from 'vitest';
import { Deadlines, type Observed, type Verdict } from '../../src/connection/deadlines.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';

const limits = { ...DEFAULT_LIMITS, contentTimeoutMs: 5000, minBytesPerSecond: 240 };

interface Moment {
  readonly waitedMs?: number;
  readonly receivedBytes?: number;
  readonly pendingBytes?: number;
  readonly writtenBytes?: number;
}

/** The verdicts for one moment each half second, until one is not `wait`. */
function judge(moment: (tick: number) => Moment, ticks = 200): { verdict: Verdict; afterMs: number } {
  const deadlines = new Deadlines(0);
  deadlines.enter('answer', 0);
  const exchange = { over: false, answered: false, received: false, content: { takeWaitedMs: () => 0 } };
  for (let tick = 1; tick <= ticks; tick++) {
    const { waitedMs = 0, receivedBytes = 0, pendingBytes = 0, writtenBytes = 0 } = moment(tick);
    exchange.content.takeWaitedMs = () => waitedMs;
    const observed = { transport: { pendingBytes, writtenBytes }, limits, exchange, receivedBytes };
    const verdict = deadlines.judge(tick * 500, observed as unknown as Observed);
    if (verdict !== 'wait') return { verdict, afterMs: tick * 500 };
  }
  return { verdict: 'wait', afterMs: ticks * 500 };
}

describe('deadlines', () => {
  test('find a sender too slow in whatever rhythm it sends', () => {
    // 5 bytes behind each tick: the reader waited for nearly all of the half second, though not at the tick itself.
    const dripping = judge((tick) => ({ waitedMs: 499, receivedBytes: tick * 5 }));
    expect(dripping.verdict).toBe('late-content');
    expect(dripping.afterMs).toBeLessThanOrEqual(6000);
    // It waits in every other half second only: the window is full later, and full it gets.
    const pausing = judge((tick) => ({ waitedMs: tick % 2 === 0 ? 500 : 0, receivedBytes: tick * 5 }));
    expect(pausing.verdict).toBe('late-content');
  });

  test('let a sender be who brings enough, and one whose reader does not wait', () => {
    expect(judge((tick) => ({ waitedMs: 499, receivedBytes: tick * 130 })).verdict).toBe('wait');
    expect(judge(() => ({ waitedMs: 0, receivedBytes: 1 })).verdict).toBe('wait');
  });

  test('find a reader too slow also when now and then nothing waits for it', () => {
    const slow = judge((tick) => ({ pendingBytes: tick % 4 === 0 ? 0 : 1000, writtenBytes: 1000 + tick }));
    expect(slow.verdict).toBe('reset');
    const quick = judge((tick) => ({ pendingBytes: 1000, writtenBytes: 1000 + tick * 200 }));
    expect(quick.verdict).toBe('wait');
  });
});
