// What a server that is killed leaves behind: nothing but what its scripts meant to leave.

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { hasFittingShell, plain, processesWith, Scripts, until } from '../mount.ts';

const scripts = new Scripts({
  // The words that tell its processes from others are arguments of what they run.
  sleep: "#!/bin/sh\ntrap '' TERM\n(trap '' TERM; sleep 1000.71) & sleep 1000.71\n",
  'leave-child': plain('sleep 1000.72 </dev/null >/dev/null 2>&1 & echo out'),
});
const temporary = join(scripts.path, 'tmp');
mkdirSync(temporary);
afterAll(() => scripts.remove());

/** A server that runs the scripts, and its guard, which has the directory of FIFOs as its argument. */
async function started(): Promise<ChildProcessByStdio<null, Readable, null>> {
  const runner = join(import.meta.dirname, '../fixtures/killed.mjs');
  const server = spawn(process.execPath, [runner, scripts.path], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout, 'data');
  await until(() => processesWith('1000.71').length >= 2);
  return server;
}

function guards(): number[] {
  return processesWith('while read -r sign pid').filter((pid) => processesWith(temporary).includes(pid));
}

function wordsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
}

/** The shell that started a command leads its session. */
function sessionOf(pid: number): string | undefined {
  return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[3];
}

async function expectNothingLeft(): Promise<void> {
  await until(() => processesWith('1000.71').length === 0);
  await until(() => readdirSync(temporary).length === 0);
  await until(() => processesWith(temporary).every((pid) => processesWith('1000.72').includes(pid)));
  // What a script leaves may begin later than the script ends.
  await until(() => processesWith('1000.72').length === 1);
  for (const pid of processesWith('1000.72')) process.kill(pid, 'SIGKILL');
}

describe.skipIf(!hasFittingShell)('ShellGuard', () => {
  test('ends what a killed server was running, and removes its pipes', async () => {
    const server = await started();
    expect(readdirSync(temporary)).toHaveLength(1);
    server.kill('SIGKILL');
    await expectNothingLeft();
  });

  test('is replaced when it dies', async () => {
    const server = await started();
    // The second one has lived for a moment only, so the third takes its time.
    for (let round = 0; round < 2; round++) {
      await until(() => guards().length === 1);
      const [guard] = guards() as [number];
      process.kill(guard, 'SIGKILL');
      await until(() => guards().some((pid) => pid !== guard));
      // It has no need to be told of shells by a server that may be killed now.
      const known = wordsOf(guards()[0] as number);
      for (const pid of processesWith('1000.71')) expect(known).toContain(sessionOf(pid));
    }
    server.kill('SIGKILL');
    await expectNothingLeft();
  });
});
