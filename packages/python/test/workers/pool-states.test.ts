// The states of a pool, driven step by step: a shell script stands for Python, and a file says what the next worker does.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { SpoolBudget } from '@onezero/cgi-process';
import { noContent } from '../../src/content/request-content.ts';
import type { ResolvedLimits } from '../../src/options.ts';
import { WorkerPool } from '../../src/workers/worker-pool.ts';
import type { Worker, WorkerSettings } from '../../src/workers/worker.ts';
import { exchangeOf, type PromisedExchange, isRunning, request, until } from '../harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-states-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const python = join(folder, 'python');
writeFileSync(
  python,
  `#!/bin/sh
read -r configuration
read -r mode <"$MODE"
[ "$mode" = fail ] && echo '{"event":"failed","traceback":"ImportError: it is broken"}'
[ "$mode" = exit ] && exit 3
case "$mode $configuration" in half*'"watch":0'*) mode=fail; until [ -e "$MODE.gone" ]; do sleep 0.02; done; echo '{"event":"failed","traceback":"ImportError: it is half broken"}' ;; esac
[ "$mode" = never ] || [ "$mode" = fail ] || echo '{"event":"ready","interface":"wsgi","python":"3.99"}'
[ "$mode" = die ] && exit 4
while read -r order <&3; do
  [ "$order" = stop ] && [ "$mode" = ending ] && echo '{"event":"ending"}'
  [ "$order" = stop ] && [ "$mode" != deaf ] && [ "$mode" != ending ] && exit 0
done
`,
);
chmodSync(python, 0o755);

type Mode = 'good' | 'half' | 'fail' | 'exit' | 'never' | 'die' | 'deaf' | 'ending';

const limits: ResolvedLimits = {
  maxQueue: 10,
  queueTimeoutMs: 60_000,
  silenceTimeoutMs: 60_000,
  startTimeoutMs: 60_000,
  closeTimeoutMs: 60_000,
  maxRequests: Infinity,
  maxMemoryBytes: Infinity,
  readAheadBytes: 1000,
  maxSpooledBytes: 0,
} as unknown as ResolvedLimits;

const spool = { readAheadBytes: 1, fileBytes: 0, budget: new SpoolBudget(0), failed: () => {} };
let made = 0;

interface Driven {
  readonly pool: WorkerPool;
  readonly log: string[];
  readonly file: string;
  readonly next: (mode: Mode) => void;
  readonly ask: () => PromisedExchange;
}

function driven(
  processes: number,
  changes: Partial<ResolvedLimits> = {},
  settings: Partial<WorkerSettings> = {},
): Driven {
  const file = join(folder, `mode-${made++}`);
  const next = (mode: Mode): void => writeFileSync(file, `${mode}\n`);
  next('good');
  const log: string[] = [];
  const pool = new WorkerPool(
    {
      python,
      cwd: folder,
      environment: { PATH: process.env['PATH'], MODE: file },
      application: 'site:app',
      interface: 'wsgi',
      processes,
      threads: 1,
      concurrency: 1,
      path: [],
      environ: {},
      request: { passAuthorization: undefined, serverSoftware: undefined, serverName: undefined },
      watch: 0,
      startTimeoutMs: 60_000,
      ...settings,
    },
    { ...limits, ...changes },
    (_, line) => log.push(line),
  );
  onTestFinished(async () => pool.close(0));
  const ask = (): PromisedExchange => {
    const exchange = exchangeOf(request('/'), noContent, spool);
    pool.serve(exchange);
    return exchange;
  };
  return { pool, log, file, next, ask };
}

const pids = (pool: WorkerPool): readonly number[] => [...pool.alive].map(({ pid }) => pid);

/** Lets timers of some seconds take no longer than this, and notes what all should have taken. */
function shortTimers(mostMs: number): number[] {
  const later = globalThis.setTimeout;
  const delays: number[] = [];
  const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation((action: () => void, ms = 0) => {
    delays.push(ms);
    return later(action, ms > 5000 ? ms : Math.min(ms, mostMs));
  });
  onTestFinished(() => timers.mockRestore());
  return delays;
}

async function code(exchange: PromisedExchange): Promise<unknown> {
  return ((await exchange.answer).cause as { code?: string } | undefined)?.code;
}

describe('a pool', () => {
  test('starts nothing by itself, and every place once it is asked', async () => {
    const { pool } = driven(3);
    expect([pool.alive.size, pool.state]).toEqual([
      0,
      { interface: undefined, python: undefined, processes: 3, ready: 0, busy: 0, free: 0, queued: 0, restarts: 0 },
    ]);
    await Promise.all([pool.start(), pool.start(), pool.ready()]);
    expect(pool.state).toMatchObject({ interface: 'wsgi', processes: 3, ready: 3, busy: 0, free: 3 });
    expect(pool.alive.size).toBe(3);
  });

  test('gives each request to a place of its own, and lets what is beyond wait', async () => {
    const { pool, ask } = driven(2);
    await pool.start();
    const all = [ask(), ask(), ask()];
    expect(pool.state).toMatchObject({ busy: 2, free: 0, queued: 1 });
    await pool.close(0);
    expect(await Promise.all(all.map(code))).toEqual(['worker-died', 'worker-died', 'closing']);
  });

  test('keeps a request waiting while its first worker starts', async () => {
    const { pool, ask } = driven(1);
    const exchange = ask();
    expect(pool.state).toMatchObject({ queued: 1, ready: 0 });
    await pool.ready();
    expect([pool.state.busy, pool.state.queued, exchange.hasAnswered]).toEqual([1, 0, false]);
  });

  test('refuses those who wait when no worker can be had, and those who come then', async () => {
    const { pool, next, ask } = driven(1);
    next('fail');
    const waiting = ask();
    expect(await code(waiting)).toBe('no-worker');
    expect(await waiting.answer).toMatchObject({
      status: 503,
      cause: { message: expect.stringContaining('it is broken') },
    });
    await expect(pool.ready()).rejects.toMatchObject({ code: 'start-failed' });
  });

  test('fills the place of one that has died', async () => {
    const { pool } = driven(2);
    await pool.start();
    const [first = 0] = pids(pool);
    process.kill(first, 'SIGKILL');
    await until(() => pool.state.restarts === 1 && pool.state.ready === 2);
    expect(pids(pool)).not.toContain(first);
    expect(pool.alive.size).toBe(2);
  });

  test('puts others in the place of those that are too large from the start, later each time', async () => {
    const { pool, log } = driven(1);
    const delays = shortTimers(1);
    await pool.start();
    for (let count = 1; count <= 4; count++) {
      const [old] = [...pool.alive] as [Worker];
      pool.recycle(old, `is too large (${count})`, true);
      pool.recycle(old, 'is still too large', true);
      await until(() => pool.state.ready === 1 && pool.alive.size === 1 && !pool.alive.has(old));
    }
    expect(delays.filter((delayMs) => [1000, 2000, 4000].includes(delayMs))).toEqual([1000, 2000, 4000]);
    expect(log).toEqual([1, 2, 3, 4].map((count) => `is too large (${count})`));
  });

  test('puts another in the place of one that is recycled before that one ends', async () => {
    const { pool, ask } = driven(1);
    await pool.start();
    const [old] = [...pool.alive] as [Worker];
    ask();
    pool.recycle(old);
    pool.recycle(old);
    await until(() => pool.state.free === 1);
    expect([pool.alive.size, old.isRetiring, old.hasExited, pool.state.restarts]).toEqual([2, true, false, 0]);
    old.kill();
    await until(() => pool.alive.size === 1);
    expect(pool.state).toMatchObject({ ready: 1, restarts: 0 });
  });

  test('replaces one that hangs at once', async () => {
    const { pool } = driven(1, { closeTimeoutMs: 0 });
    await pool.start();
    const [old] = [...pool.alive] as [Worker];
    pool.hung(old);
    await until(() => pool.state.ready === 1 && old.hasExited);
    expect(pool.state.restarts).toBe(1);
  });

  test('replaces one that hangs at once, however often, when it has answered before', async () => {
    const { pool } = driven(1, { closeTimeoutMs: 0 });
    await pool.start();
    const delays = shortTimers(10);
    for (let count = 1; count <= 4; count++) {
      const worker = [...pool.alive].find(({ isReady }) => isReady)!;
      worker.released();
      pool.hung(worker);
      await until(() => pool.state.ready === 1 && pool.state.restarts === count);
    }
    expect(delays.filter((ms) => [1000, 2000, 4000].includes(ms))).toEqual([]);
  });

  test('lets requests wait for the next attempt where somebody has killed the worker that was loading', async () => {
    const { pool, next, ask } = driven(1);
    next('never');
    const waiting = ask();
    await until(() => pids(pool).length === 1);
    process.kill(pids(pool)[0]!, 'SIGKILL');
    next('good');
    await until(() => pool.state.busy === 1);
    expect([waiting.hasAnswered, pool.state.queued]).toEqual([false, 0]);
  });

  test('lets nobody wait where that happens again and again', async () => {
    const { pool, next, ask } = driven(1);
    const delays = shortTimers(10);
    next('never');
    const waiting = ask();
    while (!waiting.hasAnswered) {
      const [pid] = pids(pool);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      await until(() => pids(pool)[0] !== pid || waiting.hasAnswered);
    }
    expect(await code(waiting)).toBe('no-worker');
    expect(delays.filter((ms) => ms >= 1000 && ms <= 4000)).toEqual([1000, 2000, 4000]);
  });

  test.each(['exit', 'fail'] as const)(
    'with an eye on the source starts again when nobody is left to look: %s',
    async (mode) => {
      const { pool, next } = driven(1, {}, { watch: 1 });
      next(mode);
      await expect(pool.start()).rejects.toMatchObject({ code: 'start-failed' });
      next('good');
      if (mode === 'fail') {
        expect(pool.alive.size).toBe(1);
        process.kill(pids(pool)[0]!, 'SIGKILL');
      }
      await until(() => pool.state.ready === 1);
    },
  );

  test('with an eye on the source tries once to recycle, until the source has changed', async () => {
    const { pool, next } = driven(2, {}, { watch: 1 });
    await pool.start();
    const before = [...pool.alive];
    next('fail');
    for (let count = 0; count < 5; count++) {
      for (const worker of before) pool.recycle(worker);
      await until(() => pool.alive.size > 2 && [...pool.alive].every(({ isReady, hasFailed }) => isReady || hasFailed));
    }
    // The first has stayed to look at the source.
    await until(() => pool.alive.size === 3);
    next('good');
    await pool.reload();
    await until(() => pool.alive.size === 2);
    expect([...pool.alive].filter((worker) => before.includes(worker))).toEqual([]);
    for (const worker of pool.alive) pool.recycle(worker);
    await until(() => pool.alive.size === 2 && pool.state.ready === 2);
  });

  test('with an eye on the source has somebody who looks, also where one dies in a reload that fails', async () => {
    const { pool, file, next } = driven(2, {}, { watch: 1 });
    await pool.start();
    const [first] = [...pool.alive] as [Worker];
    next('half');
    const reload = pool.reload().catch((error: unknown) => error);
    await until(() => [...pool.alive].filter(({ isReady }) => isReady).length === 3);
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    writeFileSync(`${file}.gone`, '');
    expect(await reload).toMatchObject({ code: 'start-failed' });
    await until(() => [...pool.alive].some(({ isReady, watches }) => isReady && watches));
    expect(pool.state).toMatchObject({ ready: 2 });
  });

  test('with an eye on the source fills every place, also where who looked at it died before it changed', async () => {
    const { pool, log, next } = driven(2, {}, { watch: 1 });
    await pool.start();
    const [first, second] = [...pool.alive] as [Worker, Worker];
    next('fail');
    process.kill(second.pid, 'SIGKILL');
    await until(() => log.includes('ImportError: it is broken') && pool.alive.size === 1);
    next('good');
    process.kill(first.pid, 'SIGKILL');
    await until(() => pool.state.ready === 2);
  });

  test.each([
    ['deaf', 60_000],
    ['ending', 5000],
  ] as const)(
    'gives one that is to stop all its time for what follows a response: %s, %i ms',
    async (mode, graceMs) => {
      const { pool, next } = driven(1);
      next(mode);
      await pool.start();
      const [worker] = [...pool.alive] as [Worker];
      const delays = shortTimers(Infinity);
      worker.retire(60_000);
      await until(() => delays.includes(graceMs));
      expect(delays.includes(5000)).toBe(mode === 'ending');
    },
  );

  test('loads all anew, or nothing', async () => {
    const { pool, next } = driven(2);
    await pool.start();
    const before = pids(pool);
    next('fail');
    await expect(pool.reload()).rejects.toMatchObject({ code: 'start-failed' });
    await until(() => pool.alive.size === 2);
    expect(pids(pool)).toEqual(before);
    expect(pool.state).toMatchObject({ ready: 2, restarts: 0 });
    next('good');
    await pool.reload();
    await until(() => pool.alive.size === 2);
    expect(pids(pool).filter((pid) => before.includes(pid))).toEqual([]);
  });

  test('loads once more for all who ask meanwhile', async () => {
    const { pool } = driven(1);
    await pool.start();
    const [first] = pids(pool);
    await Promise.all([pool.reload(), pool.reload(), pool.reload()]);
    await until(() => pool.alive.size === 1);
    expect(pids(pool)).not.toContain(first);
  });

  test('comes to life by a reload where it did not start', async () => {
    const { pool, next } = driven(1);
    next('exit');
    await expect(pool.start()).rejects.toMatchObject({ code: 'start-failed' });
    next('good');
    await pool.reload();
    expect(pool.state).toMatchObject({ ready: 1 });
  });

  test('tries again soon where there was no process at all', async () => {
    const { pool } = driven(1, {}, { python: join(folder, 'none') });
    const delays = shortTimers(10);
    await expect(pool.start()).rejects.toMatchObject({ code: 'start-failed' });
    await until(() => delays.filter((ms) => ms === 1000).length > 3 || delays.includes(4000));
    expect(delays).not.toContain(2000);
    expect(delays).not.toContain(4000);
  });

  test('is closed by every call, and starts nothing afterwards', async () => {
    const { pool, ask } = driven(2);
    await pool.start();
    const all = pids(pool);
    await Promise.all([pool.close(60_000), pool.close(0)]);
    expect(all.filter(isRunning)).toEqual([]);
    expect(pool.alive.size).toBe(0);
    expect(await code(ask())).toBe('closing');
    await expect(pool.start()).rejects.toMatchObject({ code: 'closing' });
    await expect(pool.reload()).rejects.toMatchObject({ code: 'closing' });
    await expect(pool.ready()).rejects.toMatchObject({ code: 'closing' });
  });

  test('is closed while it starts, while it loads anew, and with workers that do not obey', async () => {
    const starting = driven(2);
    starting.next('never');
    const start = starting.pool.start().catch((error: unknown) => error);
    await starting.pool.close(0);
    expect(await start).toMatchObject({ code: 'start-failed' });
    const loading = driven(1);
    await loading.pool.start();
    loading.next('never');
    const reload = loading.pool.reload().catch((error: unknown) => error);
    await loading.pool.close(0);
    expect(await reload).toMatchObject({ code: 'start-failed' });
    const deaf = driven(1);
    deaf.next('deaf');
    await deaf.pool.start();
    const [pid = 0] = pids(deaf.pool);
    await deaf.pool.close(0);
    expect(isRunning(pid)).toBe(false);
  });

  test('has as many workers as places after whatever happens, and none after its end', async () => {
    const step = fc.constantFrom('reload', 'kill', 'recycle', 'hang', 'ask', 'good', 'fail', 'exit', 'die');
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 3, maxLength: 10 }),
        fc.integer({ min: 1, max: 2 }),
        async (steps, count) => {
          const { pool, next, ask } = driven(count, { closeTimeoutMs: 0 });
          await pool.start();
          const everybody = new Set<number>();
          const exchanges: PromisedExchange[] = [];
          for (const action of steps) {
            const worker = [...pool.alive].find(({ isReady }) => isReady);
            if (action === 'reload') await pool.reload().catch(() => {});
            else if (action === 'kill') worker?.kill();
            else if (action === 'recycle') {
              if (worker !== undefined) pool.recycle(worker);
            } else if (action === 'hang') {
              if (worker !== undefined) pool.hung(worker);
            } else if (action === 'ask') exchanges.push(ask());
            else next(action);
            for (const pid of pids(pool)) everybody.add(pid);
            const { ready, processes, free, busy } = pool.state;
            expect(ready).toBeLessThanOrEqual(processes);
            expect(free).toBeLessThanOrEqual(ready);
            expect(busy).toBeLessThanOrEqual(exchanges.length);
          }
          next('good');
          await pool.reload();
          await until(() => pool.state.ready === count);
          await pool.close(0);
          expect([...everybody].filter(isRunning)).toEqual([]);
          expect(pool.alive.size).toBe(0);
          for (const exchange of exchanges) expect(await code(exchange)).toBeDefined();
        },
      ),
      { numRuns: 15 },
    );
  });
});
