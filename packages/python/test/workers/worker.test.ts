// The life of a worker without Python: a shell script in its place says what a test wants, on the same descriptors.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { Worker } from '../../src/workers/worker.ts';
import type { WorkerSettings } from '../../src/workers/worker.ts';
import { isRunning, until } from '../harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-worker-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
const READY = `echo '{"event":"ready","interface":"wsgi","python":"3.99"}'`;
/** Reads orders until it is told to stop, or its server is gone. */
const OBEY = 'while read -r order <&3; do [ "$order" = stop ] && exit 0; echo "order: $order" >&2; done';

interface Started {
  readonly worker: Worker;
  readonly log: string[];
  readonly told: string[];
}

/** A worker whose program is these lines of shell. Its first line of input is in `$configuration`. */
function start(program: string, changes: Partial<WorkerSettings> = {}): Started {
  const python = join(folder, String(made++));
  writeFileSync(python, `#!/bin/sh\nread -r configuration\n${program}\n`);
  chmodSync(python, 0o755);
  const log: string[] = [];
  const told: string[] = [];
  const settings: WorkerSettings = {
    python,
    cwd: folder,
    environment: { PATH: process.env['PATH'], GIVEN: 'yes' },
    application: 'site:app',
    interface: 'wsgi',
    processes: 1,
    threads: 2,
    concurrency: 10,
    path: ['/first'],
    environ: { 'onezero.x': 1 },
    request: { passAuthorization: undefined, serverSoftware: undefined, serverName: undefined },
    watch: 0,
    startTimeoutMs: 60_000,
    ...changes,
  };
  const worker = new Worker(settings, 1, {
    released: () => told.push('released'),
    changed: (_, file) => told.push(`changed ${file}`),
    recycle: () => told.push('recycle'),
    log: (_, line) => log.push(line),
  });
  onTestFinished(async () => {
    worker.kill();
    await worker.exited;
  });
  return { worker, log, told };
}

/** Why a worker did not become ready. */
async function failure({ worker }: Started): Promise<unknown> {
  return worker.ready.catch((error: unknown) => error);
}

describe('a worker', () => {
  test('is told what it needs to know, and nothing that it need not', async () => {
    const started = start('echo "$configuration" >&2; exit 0', { watch: 3 });
    await failure(started);
    expect(JSON.parse(started.log[0] ?? '')).toEqual({
      application: 'site:app',
      interface: 'wsgi',
      processes: 1,
      threads: 2,
      path: ['/first'],
      environ: { 'onezero.x': 1 },
      watch: 3,
    });
  });

  test('has its environment and the descriptors that it was promised', async () => {
    const started = start('env >&2; ls /proc/$$/fd >&2; exit 0');
    await failure(started);
    expect(started.log).toContain('GIVEN=yes');
    expect(started.log.filter((line) => /^\d+$/.test(line)).map(Number)).toEqual(
      expect.arrayContaining([0, 1, 2, 3, 4, 5]),
    );
    expect(started.log.filter((line) => line === '6')).toEqual([]);
  });

  test('is ready when it says so, and stops when it is told to', async () => {
    const { worker, log } = start(`${READY}\n${OBEY}`);
    expect(worker.isReady).toBe(false);
    await worker.ready;
    expect([worker.isReady, worker.loaded?.python]).toEqual([true, '3.99']);
    expect([worker.channel?.interface, worker.channel?.free]).toEqual(['wsgi', 2]);
    worker.retire(60_000);
    expect(worker.isReady).toBe(false);
    await worker.exited;
    expect([worker.hasExited, isRunning(worker.pid), log]).toEqual([true, false, []]);
  });

  test('leads to one event loop where it says that it has one', async () => {
    const { worker } = start(`echo '{"event":"ready","interface":"asgi"}'\n${OBEY}`, { interface: 'auto' });
    await worker.ready;
    expect([worker.channel?.interface, worker.channel?.free]).toEqual(['asgi', 10]);
  });

  test('tells why its application does not load', async () => {
    const started = start(
      `echo '{"event":"failed","traceback":"Traceback\\\\n  x\\\\nImportError: no shop\\\\n"}'\n${OBEY}`,
    );
    expect(await failure(started)).toMatchObject({
      code: 'start-failed',
      message: expect.stringMatching(/^site:app does not load in .*: ImportError: no shop$/),
      detail: 'Traceback\n  x\nImportError: no shop\n',
    });
    expect([started.worker.hasFailed, started.worker.isReady]).toEqual([true, false]);
  });

  test.each([
    ['exits', 'echo "the last words" >&2; exit 3', 'the worker ended with code 3 before it was ready'],
    ['is killed', 'echo "the last words" >&2; kill -SEGV $$', 'the worker was ended by SIGSEGV before it was ready'],
  ])('that %s before it was ready is explained with what it wrote', async (_, program, message) => {
    expect(await failure(start(program))).toMatchObject({ code: 'start-failed', message, detail: 'the last words\n' });
  });

  test('that cannot be started at all says so', async () => {
    const started = start('', { python: join(folder, 'no-such-python') });
    expect(await failure(started)).toMatchObject({
      code: 'start-failed',
      message: expect.stringContaining('cannot run'),
    });
    await started.worker.exited;
    expect([started.worker.pid, started.worker.hasFailed]).toEqual([0, true]);
  });

  test('that is not ready in time is given up, with what it wrote', async () => {
    const started = start('echo "loading" >&2; sleep 600', { startTimeoutMs: 300 });
    expect(await failure(started)).toMatchObject({
      code: 'start-timed-out',
      message: 'site:app was not ready after 300 ms',
    });
    await started.worker.exited;
  });

  test('may say what is no report', async () => {
    const { worker, told } = start(
      `echo nonsense; echo '"text"'; echo '[1]'; echo '{"event":"unknown"}'; ${READY}\n${OBEY}`,
    );
    await worker.ready;
    expect([worker.isReady, told]).toEqual([true, []]);
  });

  test.each(['null', '1', 'true', '""', '{}', '{"event":null}', '{"event":"failed"}x'])(
    'outlives a report of %s, which the application may have written',
    async (report) => {
      const { worker } = start(`echo '${report}'; ${READY}\n${OBEY}`);
      await worker.ready;
      expect(worker.isReady).toBe(true);
    },
  );

  test('is ready once: its sockets keep their one reader', async () => {
    const { worker, told } = start(
      `${READY}; read -r order <&3; ${READY}; echo '{"event":"changed","file":"x"}'\n${OBEY}`,
    );
    await worker.ready;
    const { channel } = worker;
    worker.abort(0, 1);
    await until(() => told.length > 0);
    expect(worker.channel).toBe(channel);
  });

  test('reports files that have changed', async () => {
    const { worker, told } = start(`${READY}; echo '{"event":"changed","file":"/srv/app.py"}'\n${OBEY}`);
    await worker.ready;
    await until(() => told.length > 0);
    expect(told).toEqual(['changed /srv/app.py']);
  });

  test('that ends after it was ready says how in the log', async () => {
    const { worker, log } = start(`${READY}; exit 7`);
    await worker.exited;
    expect(log).toContain('ended with code 7');
  });

  test('gets orders, and what it writes is logged by lines', async () => {
    const { worker, log } = start(`${READY}\n${OBEY}`);
    await worker.ready;
    worker.abort(1, 77);
    worker.errors('one\ntwo\n', undefined);
    await until(() => log.includes('order: abort 1 77'));
    expect(log.slice(0, 2)).toEqual(['one', 'two']);
  });

  test('that does not stop is ended after its grace, with what it started', async () => {
    const { worker, log } = start(
      `${READY}; sleep 700.5 & echo "child $!" >&2; trap '' TERM; while :; do sleep 1; done`,
    );
    await worker.ready;
    await until(() => log.some((line) => line.startsWith('child ')));
    const child = Number(log.find((line) => line.startsWith('child '))?.slice(6));
    worker.retire(0);
    await worker.exited;
    await until(() => !isRunning(child));
    expect(isRunning(worker.pid)).toBe(false);
  });

  test('asks for stacks with a signal that hurts nobody who does not know it', async () => {
    const { worker, log } = start(`trap 'echo "stacks" >&2' URG; ${READY}; while :; do sleep 0.05; done`);
    await worker.ready;
    worker.hang(60_000);
    await until(() => log.includes('stacks'));
    expect(worker.isRetiring).toBe(true);
  });

  test('may be killed again and again, also when it is gone', async () => {
    const { worker } = start(`${READY}\n${OBEY}`);
    await worker.ready;
    worker.kill();
    worker.kill();
    await worker.exited;
    worker.kill();
    worker.retire(0);
    expect(worker.hasExited).toBe(true);
  });
});
