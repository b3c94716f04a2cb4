// A worker's side of the channel: real processes that obey, and a primary that is this test.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/operations/metrics.ts';
import type { Notice, Order } from '../../src/operations/worker-messages.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-worker-'));
afterAll(() => rmSync(folder, { recursive: true }));

const COUNTS = createMetrics().snapshot({ connections: 1, requests: 0 });

/** Duties of which each says that it was called, as a notice of its own kind. */
const PROGRAM = `
  import { Primary } from '${new URL('../../build/operations/primary.js', import.meta.url).href}';
  const primary = new Primary();
  const did = (what) => process.connected && process.send({ kind: 'did', what });
  let settleStop;
  const duties = {
    begin: async (listeners, isStopping) => {
      did('begin ' + JSON.stringify(listeners) + ' ' + isStopping());
      return { addresses: [{ url: 'x', secure: false, address: '', port: 0 }], ready: Promise.resolve() };
    },
    reload: async () => { did('reload'); throw new Error('the file is broken'); },
    reopenLog: () => did('reopen'),
    stop: (graceMs) => { did('stop ' + graceMs); return Promise.resolve(); },
    snapshot: () => (${JSON.stringify(COUNTS)}),
    failed: (error) => { did('failed ' + error.message); return 5; },
  };
`;

interface Worker {
  readonly child: ChildProcess;
  readonly notices: readonly (Notice | { readonly kind: 'did'; readonly what: string })[];
  readonly did: () => readonly string[];
  readonly tell: (order: Order) => void;
  readonly ended: Promise<number | null>;
}

let children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
});

let programs = 0;

async function worker(changes = ''): Promise<Worker> {
  const module = join(folder, `${++programs}.mjs`);
  writeFileSync(module, `${PROGRAM}${changes}\nprocess.exit(await primary.obey(duties));\n`);
  const child = fork(module, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(child);
  const notices: Notice[] = [];
  child.on('message', (notice: Notice) => notices.push(notice));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  await expect.poll(() => notices).toContainEqual({ kind: 'started' });
  return {
    child,
    notices,
    did: () => (notices as Worker['notices']).flatMap((one) => (one.kind === 'did' ? [one.what] : [])),
    tell: (order) => void child.send(order),
    ended,
  };
}

describe('a worker', () => {
  test('does what it is ordered to, and says what came of it', async () => {
    const { tell, notices, did, ended } = await worker();
    tell({ kind: 'begin', listeners: [{ descriptors: [4], secure: true }] });
    await expect.poll(() => notices.map(({ kind }) => kind)).toEqual(['started', 'did', 'listening', 'ready']);
    tell({ kind: 'reload' });
    await expect.poll(() => notices).toContainEqual({ kind: 'reloaded', error: 'the file is broken' });
    tell({ kind: 'reopen-log' });
    tell({ kind: 'count', id: 7 });
    await expect.poll(() => notices).toContainEqual({ kind: 'snapshot', id: 7, snapshot: COUNTS });
    tell({ kind: 'stop', graceMs: 30 });
    expect(await ended).toBe(0);
    expect(did()).toEqual(['begin [{"descriptors":[4],"secure":true}] false', 'reload', 'reopen', 'stop 30']);
    // What it had counted at the end, for the sum.
    expect(notices.at(-1)).toEqual({ kind: 'snapshot', id: 0, snapshot: COUNTS });
  });

  test('asks what all have counted, any number of times at once', async () => {
    const { tell, notices, did } = await worker(`
      duties.reopenLog = () => {
        for (const name of ['a', 'b']) void primary.collect().then(({ contentBytes }) => did(name + ' ' + contentBytes));
      };`);
    tell({ kind: 'reopen-log' });
    const asked = (): readonly number[] => notices.flatMap((one) => (one.kind === 'collect' ? [one.id] : []));
    await expect.poll(() => asked().length).toBe(2);
    const [first = 0, second = 0] = asked();
    expect(first).not.toBe(second);
    tell({ kind: 'collected', id: second, snapshots: [COUNTS, { ...COUNTS, contentBytes: 40 }] });
    tell({ kind: 'collected', id: 999, snapshots: [] });
    tell({ kind: 'collected', id: first, snapshots: [{ ...COUNTS, contentBytes: 2 }] });
    await expect.poll(() => did()).toEqual(['b 40', 'a 2']);
  });

  test('that cannot begin says why and ends with its code', async () => {
    const { tell, notices, did, ended } = await worker(
      `duties.begin = async () => { throw new Error('the port is taken'); };`,
    );
    tell({ kind: 'begin', listeners: [] });
    expect(await ended).toBe(5);
    expect(notices).toContainEqual({ kind: 'failed', message: 'the port is taken' });
    expect(did()).toEqual(['failed the port is taken']);
  });

  test('leaves signals of its terminal to the primary, and heeds the end of it once', async () => {
    const { child, did, ended } = await worker(`
      let calls = 0;
      duties.stop = (graceMs) => { did('stop ' + graceMs); return ++calls === 1 ? new Promise(() => {}) : undefined; };`);
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1'] as const) child.kill(signal);
    child.kill('SIGTERM');
    await expect.poll(() => did()).toEqual(['stop undefined']);
    // The same request again, from whoever signals every process, is none; a shorter grace is.
    child.kill('SIGTERM');
    child.send({ kind: 'stop', graceMs: undefined } satisfies Order);
    child.send({ kind: 'stop', graceMs: 1 } satisfies Order);
    expect(await ended).toBe(0);
    expect(did()).toEqual(['stop undefined', 'stop 1']);
  });

  test('stops when its primary is gone', async () => {
    const { child, ended } = await worker();
    child.disconnect();
    expect(await ended).toBe(0);
  });

  test('whose start a stop breaks off has not failed', async () => {
    const { tell, notices, ended } = await worker(`
      let breakOff;
      duties.begin = async () => { did('begin'); await new Promise((_, reject) => (breakOff = reject)); };
      duties.stop = async () => { breakOff(new Error('broken off')); await new Promise((resolve) => setImmediate(resolve)); };
      duties.snapshot = () => undefined;`);
    tell({ kind: 'begin', listeners: [] });
    await expect.poll(() => notices).toContainEqual({ kind: 'did', what: 'begin' });
    tell({ kind: 'stop', graceMs: 0 });
    expect(await ended).toBe(0);
    expect(notices.map(({ kind }) => kind)).toEqual(['started', 'did']);
  });
});
