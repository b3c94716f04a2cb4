// A worker as its primary starts it, with the orders of this test.

import { fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readCommandLine } from '../../../src/command-line/configuration/arguments.ts';
import { resolveAll } from '../../../src/command-line/configuration/sources.ts';
import { Running } from '../../../src/command-line/running/running.ts';
import { type Notice, type Order, PRIMARY_VARIABLE } from '../../../src/operations/worker-messages.ts';
import { holdListener } from '../../../src/transport/held-listener.ts';
import { bin } from '../command.ts';

test('a worker that is starting while the configuration changes ends up with the new one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onezero-worker-'));
  for (const name of ['old', 'new']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'which.txt'), name);
  }
  const serving = (name: string): ReturnType<typeof resolveAll>['configuration'] =>
    resolveAll(readCommandLine([join(folder, name), '--silence-timeout=unlimited'])).configuration;
  const held = await holdListener({ host: '127.0.0.1', port: 0 });
  // What it was started with is its primary's to read.
  const worker = fork(bin, [join(folder, 'gone')], {
    env: { PATH: process.env['PATH'], [PRIMARY_VARIABLE]: String(process.pid) },
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', ...held.descriptors],
  });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  onTestFinished(async () => {
    worker.kill('SIGKILL');
    await ended;
    held.close();
    rmSync(folder, { recursive: true });
  });
  const kinds: string[] = [];
  const tell = (order: Order): void => void worker.send(order);
  worker.on('message', ({ kind }: Notice) => {
    kinds.push(kind);
    if (kind !== 'started') return;
    const listeners = [{ descriptors: held.descriptors.map((_, index) => 4 + index), secure: false }];
    tell({ kind: 'begin', listeners, configuration: serving('old') });
    tell({ kind: 'reload', configuration: serving('new') });
  });
  await expect.poll(() => kinds, { timeout: 20_000 }).toEqual(expect.arrayContaining(['listening', 'reloaded']));
  const answer = await fetch(`http://127.0.0.1:${held.address.port}/which.txt`);
  expect(await answer.text()).toBe('new');
});

test('a log that is moved away while the configuration is read again is not written to any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onezero-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'site'));
  const [first, second] = [join(folder, 'first.log'), join(folder, 'second.log')];
  const logging = (file: string): ReturnType<typeof resolveAll>['configuration'] =>
    resolveAll(readCommandLine([join(folder, 'site'), '--log-file', file, '-q'])).configuration;
  const running = await Running.prepare({
    configuration: logging(first),
    port: 0,
    mayMovePort: false,
    report: () => undefined,
  });
  await running.listen();
  const reloading = running.reload(logging(second));
  while (!existsSync(second)) await Promise.resolve();
  renameSync(second, `${second}.1`);
  running.reopenLog();
  await reloading;
  await fetch(`http://127.0.0.1:${running.addresses[0]?.port ?? 0}/asked`);
  await running.stop(0);
  expect(readFileSync(second, 'utf8')).toContain('GET /asked ');
  expect(readFileSync(`${second}.1`, 'utf8')).toBe('');
});
