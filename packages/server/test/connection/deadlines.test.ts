import { describe, expect, test } from 'vitest';
import { Deadlines, type Observed, type Phase, type Verdict } from '../../src/connection/deadlines.ts';
import { DEFAULT_LIMITS, type ResolvedLimits } from '../../src/limits.ts';
import type { Transport } from '../../src/transport/transport.ts';

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

/** A connection whose clock and counters this test sets. */
class Timed {
  readonly deadlines = new Deadlines(0);
  readonly exchange = {
    over: false,
    answered: false,
    headSent: false,
    received: true,
    receivedAt: 0,
    probes: 0,
    content: undefined as { isAwaited: boolean; takeWaitedMs: () => number } | undefined,
  };
  writtenBytes = 0;
  pendingBytes = 0;
  receivedBytes = 0;
  finishedAt: number | undefined;
  now = 0;

  constructor(phase: Phase) {
    this.deadlines.enter(phase, 0);
  }

  /** The first verdict that is not `wait` within this time, and when it came. */
  until(ms: number, changes: Partial<ResolvedLimits> = {}): [Verdict, number] {
    for (const end = this.now + ms; this.now < end;) {
      this.now += 500;
      const { writtenBytes, pendingBytes, receivedBytes, finishedAt, exchange } = this;
      const observed = {
        transport: { writtenBytes, pendingBytes },
        limits: { ...timeouts, ...changes },
        exchange,
        receivedBytes,
        finishedAt,
      };
      const verdict = this.deadlines.judge(this.now, observed as unknown as Observed);
      if (verdict !== 'wait') return [verdict, this.now];
    }
    return ['wait', this.now];
  }
}

const timeouts: ResolvedLimits = {
  ...DEFAULT_LIMITS,
  headTimeoutMs: 3000,
  idleTimeoutMs: 5000,
  answerTimeoutMs: 7000,
  silenceTimeoutMs: 9000,
  drainTimeoutMs: 2000,
  contentTimeoutMs: 4000,
};

describe('each phase', () => {
  test.each([
    ['head', 'late-head', 3000, 'headTimeoutMs'],
    ['drain', 'destroy', 2000, 'drainTimeoutMs'],
    ['linger', 'destroy', 2000, 'drainTimeoutMs'],
    ['tunnel', 'destroy', 9000, 'silenceTimeoutMs'],
    ['answer', 'late-answer', 7000, 'answerTimeoutMs'],
    // A second more than announced, so that a request does not cross our FIN.
    ['idle', 'finish', 6000, 'idleTimeoutMs'],
  ] as const)('%s ends with %s after %d ms, or never without a limit', (phase, verdict, ms, limit) => {
    expect(new Timed(phase).until(60_000)).toEqual([verdict, ms]);
    expect(new Timed(phase).until(1_000_000, { [limit]: 0, silenceTimeoutMs: 0 })[0]).toBe('wait');
  });

  test('begins anew when another is entered, and a head not with every octet', () => {
    const timed = new Timed('head');
    expect(timed.until(2500)[0]).toBe('wait');
    expect(timed.deadlines.enter('head', timed.now)).toBe(false);
    expect(timed.until(5000)).toEqual(['late-head', 3000]);
    const idle = new Timed('idle');
    idle.until(4000);
    expect(idle.deadlines.enter('idle', idle.now)).toBe(true);
    expect(idle.until(60_000)).toEqual(['finish', 10_000]);
  });

  test('idle is over for new requests a while before it ends', () => {
    const timed = new Timed('idle');
    timed.until(4500);
    expect(timed.deadlines.isOverdue).toBe(false);
    timed.until(500);
    expect(timed.deadlines.isOverdue).toBe(true);
    timed.deadlines.enter('head', timed.now);
    timed.deadlines.enter('idle', timed.now);
    expect(timed.deadlines.isOverdue).toBe(false);
    // A short time-out has a short grace.
    expect(new Timed('idle').until(60_000, { idleTimeoutMs: 1000 })).toEqual(['finish', 2000]);
  });
});

describe('an answer', () => {
  test('that waits for content of its client is not late; its client may be', () => {
    const timed = new Timed('answer');
    timed.exchange.content = { isAwaited: true, takeWaitedMs: () => 500 };
    // The first look begins the count.
    expect(timed.until(60_000)).toEqual(['late-content', 4500]);
    const patient = new Timed('answer');
    patient.exchange.content = { isAwaited: true, takeWaitedMs: () => 500 };
    expect(patient.until(100_000, { contentTimeoutMs: 0 })[0]).toBe('wait');
  });

  test('that has begun may be silent for as long as that is allowed, counted from what moved last', () => {
    const timed = new Timed('answer');
    Object.assign(timed.exchange, { answered: true, headSent: true });
    timed.writtenBytes = 10;
    expect(timed.until(5000)[0]).toBe('wait');
    timed.writtenBytes = 20;
    expect(timed.until(60_000)).toEqual(['stalled', 14_500]);
    const uploading = new Timed('answer');
    Object.assign(uploading.exchange, { answered: true, headSent: true });
    for (let count = 0; count < 20; count++) {
      uploading.receivedBytes += 1;
      expect(uploading.until(5000)[0]).toBe('wait');
    }
  });

  test('that is over, or not there, has no deadline', () => {
    const timed = new Timed('answer');
    timed.exchange.over = true;
    expect(timed.until(1_000_000)[0]).toBe('wait');
  });

  test('whose bytes the client does not take is neither late nor silent, but the client slow', () => {
    const timed = new Timed('answer');
    timed.pendingBytes = 1000;
    timed.writtenBytes = 1000;
    expect(timed.until(60_000)).toEqual(['reset', 4500]);
    const slow = new Timed('tunnel');
    slow.pendingBytes = 1000;
    slow.writtenBytes = 1000;
    expect(slow.until(60_000, { contentTimeoutMs: 0 })[0]).toBe('wait');
  });
});

describe('a client that has finished sending', () => {
  function finished({ receivedAt, finishedAt }: { receivedAt: number; finishedAt: number }): Timed {
    const timed = new Timed('answer');
    Object.assign(timed.exchange, { answered: true, receivedAt });
    timed.finishedAt = finishedAt;
    return timed;
  }

  test('together with its request is probed every ten seconds', () => {
    const timed = finished({ receivedAt: 100, finishedAt: 150 });
    expect(timed.until(60_000)).toEqual(['probe', 10_500]);
    timed.deadlines.probed(timed.now, { writtenBytes: 5 } as Transport);
    timed.writtenBytes = 5;
    timed.exchange.probes = 1;
    expect(timed.until(60_000)).toEqual(['probe', 20_500]);
  });

  test('later is probed soon, once, while nothing moves', () => {
    const timed = finished({ receivedAt: 100, finishedAt: 500 });
    expect(timed.until(60_000)).toEqual(['probe', 1000]);
    timed.deadlines.probed(timed.now, { writtenBytes: 0 } as Transport);
    timed.exchange.probes = 1;
    expect(timed.until(60_000)).toEqual(['probe', 11_000]);
    const moving = finished({ receivedAt: 100, finishedAt: 500 });
    for (let count = 0; count < 50; count++) {
      moving.writtenBytes += 1;
      expect(moving.until(500)[0]).toBe('wait');
    }
  });

  test('before its request was whole is not probed', () => {
    const timed = finished({ receivedAt: 0, finishedAt: 500 });
    timed.exchange.received = false;
    expect(timed.until(60_000)[0]).toBe('wait');
  });
});
