// The primary with workers that do as a test says: small programs that speak its protocol and serve nothing.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { createMetrics } from '../../src/operations/metrics.ts';
import { inheritedBy, WorkerChild } from '../../src/operations/worker-child.ts';
import { Workers, WorkersFailed } from '../../src/operations/workers.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-primary-'));
afterAll(() => rmSync(folder, { recursive: true }));

const COUNTS = { ...createMetrics().snapshot({ connections: 1, requests: 2 }), requests: { 'GET 2xx': 5 } };

// What every program has: notices go out, orders are noted in a file, and each kind has its habit.
const PROGRAM = `
  import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
  const [folder] = process.argv.slice(2);
  const note = (text) => appendFileSync(folder + '/orders', text + '\\n');
  const isFirst = (name) => { const file = folder + '/' + name; const is = !existsSync(file); if (is) writeFileSync(file, ''); return is; };
  const tell = (notice) => new Promise((resolve) => process.send(notice, undefined, undefined, resolve));
  const address = { url: 'http://localhost:1', secure: false, address: '127.0.0.1', port: 1 };
  const habits = {
    begin: async () => { await tell({ kind: 'listening', addresses: [address] }); await tell({ kind: 'ready' }); },
    reload: () => tell({ kind: 'reloaded' }),
    'reopen-log': () => {},
    count: ({ id }) => tell({ kind: 'snapshot', id, snapshot: ${JSON.stringify(COUNTS)} }),
    stop: () => process.exit(0),
  };
`;
const END = `
  process.on('message', (order) => { note(order.kind); void habits[order.kind](order); });
  void tell({ kind: 'started' });
`;

let programs = 0;
let all: Workers[] = [];
afterEach(async () => {
  await Promise.all(all.map((workers) => workers.stop(0, 0)));
  all = [];
});

interface Primary {
  readonly workers: Workers;
  readonly reports: string[];
  readonly orders: () => readonly string[];
}

/** A primary whose workers have these habits instead. */
function primary(habits: string, count = 1): Primary {
  const place = join(folder, `program-${++programs}`);
  const module = `${place}.mjs`;
  const own = mkdtempSync(`${place}-`);
  writeFileSync(module, PROGRAM + habits + END);
  writeFileSync(join(own, 'orders'), '');
  const reports: string[] = [];
  const workers = new Workers({
    count,
    program: { module, words: [own], environment: { A_TEST: 'yes' } },
    listeners: [],
    report: (line) => reports.push(line),
  });
  all.push(workers);
  return { workers, reports, orders: () => readFileSync(join(own, 'orders'), 'utf8').split('\n').slice(0, -1) };
}

describe('starting', () => {
  test('is done when all listen; ready when all are', async () => {
    const { workers, orders } = primary(`note(String(process.env.A_TEST));`, 2);
    await workers.start();
    await workers.whenReady;
    expect(workers.addresses).toMatchObject([{ port: 1 }]);
    expect(orders().toSorted()).toEqual(['begin', 'begin', 'yes', 'yes']);
  });

  test('fails with the words and the code of the first worker', async () => {
    const { workers, reports } = primary(`
      habits.begin = async () => { await tell({ kind: 'failed', message: 'the port is taken' }); process.exit(3); };`);
    const error = await workers.start().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkersFailed);
    expect(error).toMatchObject({ exitCode: 3, message: 'a worker could not start: the port is taken' });
    expect(reports).toEqual([]);
  });

  test('tries again where the first was killed', async () => {
    const { workers, reports } = primary(`if (isFirst('killed')) process.kill(process.pid, 'SIGKILL');`);
    await workers.start();
    expect(reports).toEqual([]);
  });
});

describe('a worker that ends', () => {
  test('is replaced at once when it was killed, with a line about it', async () => {
    const { workers, reports, orders } = primary(`
      habits['reopen-log'] = () => { if (isFirst('died')) process.kill(process.pid, 'SIGKILL'); };`);
    await workers.start();
    workers.reopenLog();
    await expect.poll(() => orders().filter((order) => order === 'begin')).toHaveLength(2);
    expect(reports).toEqual(['Warning: worker 1 ended SIGKILL; another starts']);
  });

  test('is replaced later and later when it cannot listen again', async () => {
    const { workers, reports } = primary(`
      if (!isFirst('first')) process.exit(7);
      habits['reopen-log'] = () => process.exit(9);`);
    await workers.start();
    workers.reopenLog();
    await expect.poll(() => reports.length).toBeGreaterThanOrEqual(3);
    expect(reports.slice(0, 3)).toEqual([
      'Warning: worker 1 ended with code 9; another starts',
      'Warning: worker 2 ended with code 7; another starts in 200 ms',
      'Warning: worker 3 ended with code 7; another starts in 400 ms',
    ]);
  });

  test('is replaced later where the system has no room for a process, and the primary goes on', async () => {
    const { workers, reports, orders } = primary(`habits.reload = () => process.exit(1);`);
    await workers.start();
    const { execPath } = process;
    // What no descriptor or no process is left for ends in the same event as what is not there.
    process.execPath = join(folder, 'none');
    try {
      await workers.reload();
      await expect
        .poll(() => reports)
        .toContainEqual(expect.stringMatching(/^Warning: worker 3 could not be started: .*ENOENT; another starts in/));
    } finally {
      process.execPath = execPath;
    }
    await expect.poll(() => orders().filter((order) => order === 'begin')).toHaveLength(2);
  });

  test('leaves behind what it had counted, and nothing of what there was', async () => {
    const { workers, orders } = primary(`
      habits.reload = () => { if (isFirst('died')) process.exit(1); };`);
    await workers.start();
    expect(await workers.collect()).toEqual([COUNTS]);
    await workers.reload();
    await expect.poll(() => orders().filter((order) => order === 'begin')).toHaveLength(2);
    const [now, before] = await workers.collect();
    expect(now).toEqual(COUNTS);
    expect(before).toEqual({ ...COUNTS, connections: 0, underWay: 0, workers: 0 });
  });

  test('that waits to be started again does not keep the process once all shall stop', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const ended = vi.spyOn(globalThis, 'clearTimeout');
    const { workers, reports } = primary(`
      if (!isFirst('first')) process.exit(7);
      habits['reopen-log'] = () => process.exit(9);`);
    await workers.start();
    workers.reopenLog();
    await expect.poll(() => reports.at(-1)).toMatch(/another starts in 400 ms$/);
    const set = timers.mock.calls.findLastIndex(([, ms]) => ms === 400);
    await workers.stop(0, 0);
    expect(ended).toHaveBeenCalledWith(timers.mock.results[set]?.value);
    vi.restoreAllMocks();
  });

  test('is not replaced once all shall stop', async () => {
    const { workers, reports, orders } = primary('', 2);
    await workers.start();
    await workers.stop(0, 0);
    expect(reports).toEqual([]);
    expect(orders().toSorted()).toEqual(['begin', 'begin', 'stop', 'stop']);
  });
});

describe('a reload', () => {
  test('goes from worker to worker; at the first that refuses, those before it go back', async () => {
    const { workers, orders, reports } = primary(
      `let runs;
      habits.reload = async ({ configuration }) => {
        const error = configuration === 'new' && !isFirst('first') && !isFirst('second') ? 'the file is broken' : undefined;
        if (error === undefined) runs = configuration;
        await tell({ kind: 'reloaded', error });
      };
      habits['reopen-log'] = () => note('runs ' + runs);`,
      4,
    );
    await workers.start();
    await workers.reload('old');
    await expect(workers.reload('new')).rejects.toThrow('the file is broken');
    // Four, three that were asked, two that went back.
    expect(orders().filter((order) => order === 'reload')).toHaveLength(9);
    workers.reopenLog();
    await expect.poll(() => orders().filter((order) => order.startsWith('runs'))).toHaveLength(4);
    expect(new Set(orders().filter((order) => order.startsWith('runs')))).toEqual(new Set(['runs old']));
    expect(reports).toEqual([]);
  });

  test('says so where one cannot go back', async () => {
    const { workers, reports } = primary(
      `const error = isFirst('first') ? undefined : 'the file is broken';
      habits.reload = ({ configuration }) => tell({ kind: 'reloaded', error: error ?? (configuration === 'new' ? undefined : 'no memory') });`,
      2,
    );
    await workers.start();
    await workers.reload('new').catch(() => undefined);
    expect(reports.filter((line) => line !== 'Error: a worker keeps the new configuration: no memory')).toEqual([]);
  });
});

describe('replacing', () => {
  test('ends an old worker when its successor is ready, one after the other', async () => {
    const { workers, orders, reports } = primary('', 2);
    await workers.start();
    await workers.replaceAll(0);
    expect(orders()).toEqual(['begin', 'begin', 'begin', 'stop', 'begin', 'stop']);
    expect(reports).toEqual([]);
  });

  test('leaves as many as there were when an old one dies while its successor starts', async () => {
    const { workers, orders } = primary(`
      const { readFileSync } = await import('node:fs');
      const isOld = isFirst('old');
      const isSuccessor = !isOld && isFirst('successor');
      if (isOld) writeFileSync(folder + '/pid', String(process.pid));
      habits.begin = async () => {
        if (isSuccessor) process.kill(Number(readFileSync(folder + '/pid')), 'SIGKILL');
        while (isSuccessor && !existsSync(folder + '/third')) await new Promise((resolve) => setTimeout(resolve, 5));
        await tell({ kind: 'listening', addresses: [address] });
        await tell({ kind: 'ready' });
        if (!isOld && !isSuccessor) writeFileSync(folder + '/third', '');
      };`);
    await workers.start();
    await workers.replaceAll(0);
    expect(orders().toSorted()).toEqual(['begin', 'begin', 'begin', 'stop']);
  });

  test('keeps the old ones where a new one cannot start', async () => {
    const { workers, orders, reports } = primary(`
      const isOld = isFirst('old');
      habits.begin = async () => {
        await tell({ kind: 'listening', addresses: [address] });
        if (!isOld) { await tell({ kind: 'failed', message: 'no database' }); process.exit(2); }
        await tell({ kind: 'ready' });
      };`);
    await workers.start();
    await expect(workers.replaceAll(0)).rejects.toMatchObject({ exitCode: 2, message: /no database/ });
    expect(orders()).toEqual(['begin', 'begin']);
    // The old one still answers.
    await workers.reload();
    expect(reports).toEqual([]);
  });
});

describe('collecting', () => {
  test('a worker may ask for what all have counted', async () => {
    const { workers, orders } = primary(
      `habits.collected = ({ id, snapshots }) => note(id + ':' + snapshots.length);
      habits['reopen-log'] = () => { if (isFirst('asked')) void tell({ kind: 'collect', id: 41 }); };`,
      2,
    );
    await workers.start();
    workers.reopenLog();
    await expect.poll(() => orders()).toContain('41:2');
  });

  test('of many at once is no trouble', async () => {
    const { workers } = primary('');
    await workers.start();
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', note);
    const collected = await Promise.all(Array.from({ length: 30 }, () => workers.collect()));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(collected).toEqual(Array.from({ length: 30 }, () => [COUNTS]));
    expect(warnings).toEqual([]);
  });

  test('keeps nothing of an answer for as long as the worker runs', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const module = join(folder, 'answers.mjs');
    const own = mkdtempSync(`${module}-`);
    writeFileSync(module, PROGRAM + END);
    const worker = new WorkerChild({ module, words: [own], environment: {} }, [], false);
    const ask = async (): Promise<WeakRef<object>> => {
      const answer = worker.next('snapshot');
      worker.tell({ kind: 'count', id: 1 });
      await answer;
      return new WeakRef(answer);
    };
    const answer = await ask();
    await expect
      .poll(() => {
        collect();
        return answer.deref();
      })
      .toBeUndefined();
    await worker.end(0, 0);
  });

  test('does without those that have never answered', async () => {
    const { workers } = primary(
      `const isMute = isFirst('mute'); habits.count = ({ id }) => isMute ? process.exit(0) : tell({ kind: 'snapshot', id, snapshot: ${JSON.stringify(COUNTS)} });`,
      2,
    );
    await workers.start();
    expect(await workers.collect()).toEqual([COUNTS]);
  });
});

describe('stopping', () => {
  test('reaches a worker that was just starting', async () => {
    const { workers, orders } = primary('');
    const started = workers.start().catch((error: unknown) => error);
    await workers.stop(0, 0);
    await started;
    expect(orders().at(-1)).toBe('stop');
  });

  test('tells the grace, and again a shorter one', async () => {
    const { workers, orders } = primary(`
      let stops = 0;
      habits.stop = ({ graceMs }) => { note('grace ' + graceMs); if (++stops === 2) process.exit(0); };`);
    await workers.start();
    const first = workers.stop(60_000, 60_000);
    await expect.poll(() => orders()).toContain('grace 60000');
    await workers.stop(5, 60_000);
    await first;
    expect(orders().slice(-4)).toEqual(['stop', 'grace 60000', 'stop', 'grace 5']);
  });
});

test('sockets are numbered as a worker has them: behind its streams and its channel', () => {
  const listeners = [
    { descriptors: [17, 19], secure: false },
    { descriptors: [], secure: true },
    { descriptors: [3], secure: true },
  ];
  expect(inheritedBy(listeners).map(({ descriptors }) => descriptors)).toEqual([[4, 5], [], [6]]);
  expect(inheritedBy(listeners).map(({ secure }) => secure)).toEqual([false, true, true]);
});
