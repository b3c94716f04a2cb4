import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SpoolBudget } from '@onezero/cgi-process';
import { noContent } from '../../src/content/request-content.ts';
import type { Channel, Interface } from '../../src/exchange/channel.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import { RequestQueue } from '../../src/exchange/request-queue.ts';
import type { ResolvedLimits } from '../../src/options.ts';
import { Health } from '../../src/workers/health.ts';
import type { Worker } from '../../src/workers/worker.ts';
import { exchangeOf, type PromisedExchange, request } from '../harness.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const spool = { readAheadBytes: 1, fileBytes: 0, budget: new SpoolBudget(0), failed: () => {} };
const limits = { silenceTimeoutMs: 4000, queueTimeoutMs: 8000, maxMemoryBytes: Infinity } as ResolvedLimits;

/** A channel whose loop is as silent as the test says. */
class FakeChannel implements Channel {
  readonly interface: Interface;
  readonly free = 1;
  readonly underWay: PromisedExchange[] = [];
  readonly abandoned: Exchange[] = [];
  silentMs = 0;

  constructor(called: Interface) {
    this.interface = called;
  }

  add(): PromisedExchange {
    const exchange = exchangeOf(request('/', { id: `r${this.underWay.length}` }), noContent, spool);
    exchange.begin({ hold: () => {}, abandon: () => {} });
    this.underWay.push(exchange);
    return exchange;
  }

  send(): void {}
  drain(): void {}
  close(): void {}

  abandon(exchange: Exchange): void {
    exchange.isAbandoned = true;
    this.abandoned.push(exchange);
  }

  silence(): number {
    return this.silentMs;
  }
}

interface Watched {
  readonly health: Health;
  readonly channel: FakeChannel;
  readonly queue: RequestQueue;
  readonly told: string[];
}

function watched(called: Interface = 'wsgi', changes: Partial<ResolvedLimits> = {}, pid = process.pid): Watched {
  const channel = new FakeChannel(called);
  const worker = { channel, pid, isReady: true, isRetiring: false, hasExited: false } as unknown as Worker;
  const told: string[] = [];
  const queue = new RequestQueue(10, limits.queueTimeoutMs);
  const health = new Health(
    { ...limits, ...changes },
    {
      queue,
      alive: new Set([worker]),
      log: (_, line, id) => told.push(`${id ?? '-'}: ${line}`),
      hung: () => told.push('hung'),
      recycle: (_worker, reason) => told.push(reason),
    },
  );
  return { health, channel, queue, told };
}

describe('Health', () => {
  test('looks four times within the shortest limit, and stops where there is nothing to look at', () => {
    const { health, channel } = watched('wsgi', { silenceTimeoutMs: 400, queueTimeoutMs: 2000 });
    const looks = vi.spyOn(channel, 'underWay', 'get').mockReturnValue([]);
    health.watch();
    health.watch();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(99);
    expect(looks).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(looks).toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    [1, 25],
    [Infinity, 250],
  ])('looks with a limit of %i ms each %i ms', (limitMs, tickMs) => {
    const { health, channel } = watched('wsgi', { silenceTimeoutMs: limitMs, queueTimeoutMs: Infinity });
    channel.add().isHung = true;
    health.watch();
    const looks = vi.spyOn(channel, 'silence');
    vi.advanceTimersByTime(tickMs * 3);
    expect(looks).toHaveBeenCalledTimes(3);
    health.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('gives up a request that is silent for too long, and the worker of its thread', async () => {
    const { health, channel, told } = watched();
    const exchange = channel.add();
    health.watch();
    vi.advanceTimersByTime(3999);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(251);
    expect(told).toEqual(['r0: silent for 4000 ms: replacing the worker', 'hung']);
    expect((await exchange.answer).cause).toMatchObject({ code: 'timed-out', status: 504 });
    vi.advanceTimersByTime(8000);
    expect(told).toHaveLength(2);
  });

  test('takes nobody for silent whose answer came while this process was held up', async () => {
    const { health, channel, queue, told } = watched();
    const exchange = channel.add();
    const waiting = exchangeOf(request('/'), noContent, spool);
    queue.add(waiting);
    health.watch();
    vi.advanceTimersByTime(250);
    // A timer that is late runs before what came meanwhile is read.
    vi.spyOn(performance, 'now').mockReturnValueOnce(performance.now() + 60_000);
    vi.advanceTimersByTime(250);
    expect([told, waiting.hasAnswered]).toEqual([[], false]);
    vi.spyOn(performance, 'now').mockImplementation(() => 120_000);
    exchange.lastProgress = 120_000;
    vi.advanceTimersByTime(250);
    expect(told).toEqual([]);
    // One that is late each time sees silence all the same.
    vi.spyOn(performance, 'now').mockImplementation(() => 180_000);
    vi.advanceTimersByTime(500);
    expect(told).toEqual(['r0: silent for 60000 ms: replacing the worker', 'hung']);
    vi.restoreAllMocks();
  });

  test('counts from the last sign of life', () => {
    const { health, channel, told } = watched();
    const exchange = channel.add();
    health.watch();
    vi.advanceTimersByTime(3000);
    exchange.lastProgress = performance.now();
    vi.advanceTimersByTime(3999);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(251);
    expect(told).toHaveLength(2);
  });

  test.each(['isHeld', 'isFed', 'isHung'] as const)('leaves a request alone that %s', (member) => {
    const { health, channel, told } = watched();
    channel.add()[member] = true;
    health.watch();
    vi.advanceTimersByTime(60_000);
    expect(told).toEqual([]);
  });

  test('gives up only the request of an event loop, and one that has begun not at all', async () => {
    const { health, channel, told } = watched('asgi');
    const [silent, begun, left] = [channel.add(), channel.add(), channel.add()];
    begun.hasAnswered = true;
    left.isAbandoned = true;
    health.watch();
    vi.advanceTimersByTime(4250);
    expect(told).toEqual(['r0: silent for 4000 ms: giving up the request']);
    expect(channel.abandoned).toEqual([silent]);
    expect((await silent.answer).status).toBe(504);
  });

  test('replaces a worker whose event loop does not turn, and fails all that it has', async () => {
    const { health, channel, told } = watched('asgi');
    const exchanges = [channel.add(), channel.add()];
    channel.silentMs = 3999;
    health.watch();
    vi.advanceTimersByTime(250);
    expect(told).toEqual([]);
    channel.silentMs = 4000;
    vi.advanceTimersByTime(250);
    expect(told).toEqual(['-: its event loop was blocked for 4000 ms: replacing the worker', 'hung']);
    for (const { answer } of exchanges) expect((await answer).cause).toMatchObject({ code: 'timed-out' });
  });

  test('asks for no sign of life where nothing is under way', () => {
    const { health, channel } = watched('asgi');
    const asked = vi.spyOn(channel, 'silence');
    health.watch();
    vi.advanceTimersByTime(1000);
    expect(asked).not.toHaveBeenCalled();
  });

  test('sends those away who wait for a place for too long', async () => {
    const { health, queue } = watched();
    const waiting = exchangeOf(request('/'), noContent, spool);
    queue.add(waiting);
    health.watch();
    vi.advanceTimersByTime(7999);
    expect(waiting.hasAnswered).toBe(false);
    vi.advanceTimersByTime(251);
    expect((await waiting.answer).cause).toMatchObject({ code: 'queue-timed-out' });
    vi.advanceTimersByTime(250);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    ['too large', 2 ** 20, [expect.stringMatching(/^has \d+ MiB, beyond maxMemory: it is replaced$/)]],
    ['small enough', 2 ** 50, []],
  ])('has a worker replaced that is %s', async (_, maxMemoryBytes, expected) => {
    const { health, channel, told } = watched('wsgi', { maxMemoryBytes });
    channel.add();
    health.watch();
    vi.advanceTimersByTime(250);
    vi.useRealTimers();
    await expect.poll(() => told).toEqual(expected);
    health.stop();
  });

  test('says once that it cannot see how large a worker is', async () => {
    const { health, channel, told } = watched('wsgi', { maxMemoryBytes: 1 }, 2 ** 30);
    channel.add();
    health.watch();
    vi.advanceTimersByTime(250);
    vi.useRealTimers();
    await expect.poll(() => told).toEqual([expect.stringMatching(/^-: cannot see how much memory it has: ENOENT/)]);
    health.stop();
    health.watch();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(told).toHaveLength(1);
    health.stop();
  });
});
