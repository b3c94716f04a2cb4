// What others do to the shells and their pipes while commands run.

import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LaunchPlan } from '../../src/process/launch.ts';
import { ShellSpawner } from '../../src/spawner/spawner.ts';
import { startThrough } from '../../src/process/unix-process.ts';
import type { UnixProcess } from '../../src/process/process-options.ts';
import { hasFittingShell, openDescriptors, until } from '../mount.ts';

let folder: string;
let spawner: ShellSpawner;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onezero-harm-'));
  vi.stubEnv('TMPDIR', folder);
  spawner = new ShellSpawner({ max: 12 });
});
afterEach(() => {
  spawner.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function start(commands: string, stdin: LaunchPlan['stdin'] = 'ignore'): Promise<UnixProcess> {
  const none = { uid: undefined, gid: undefined, umask: undefined };
  const plan = {
    command: '/bin/sh',
    args: ['-c', commands],
    environment: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    ...none,
  };
  const launch = async (given: LaunchPlan): ReturnType<Parameters<typeof startThrough>[0]> => {
    const launched = await spawner.run(given, 0);
    if (!('stdout' in launched)) throw new Error('it has streams');
    return launched;
  };
  const child = await startThrough(launch, { ...plan, stdin }, {});
  child.stderr.resume();
  return child;
}

async function output(child: UnixProcess): Promise<string> {
  let text = '';
  for await (const bytes of child.stdout) text += (bytes as Buffer).toString('latin1');
  await child.finished;
  return text;
}

/** What a command wrote, or `unknown` where its shell ended without a word about it. */
async function outcome(child: UnixProcess): Promise<string> {
  const text = await output(child);
  const { code } = await child.finished;
  return code === null ? 'unknown' : text;
}

/** Removes the pipes as a program does that tidies up. */
function removePipes(): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** The shells of this process that read their commands from a pipe of the folder. */
function shells(): number[] {
  const { pid } = process;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number);
  return children.filter((child) => {
    const words = readFileSync(`/proc/${child}/cmdline`, 'latin1').split('\0');
    return words[1]?.startsWith(folder) === true;
  });
}

describe.skipIf(!hasFittingShell)('ShellSpawner', () => {
  test('passes all output of a command that runs on when its pipes are removed', async () => {
    const child = await start('echo first; read line; sleep 0.4; echo last', 'pipe');
    // A shell that has not opened its pipes yet finds none.
    await once(child.stdout, 'readable');
    removePipes();
    await child.stdin.write(Buffer.from('go\n'));
    await child.stdin.end();
    expect(await output(child)).toBe('first\nlast\n');
  });

  test('starts a command in another shell where the first is killed while its pipes are made', async () => {
    expect(await output(await start('echo one'))).toBe('one\n');
    const before = openDescriptors();
    for (let round = 0; round < 5; round++) {
      removePipes();
      for (const shell of shells()) process.kill(shell, 'SIGKILL');
      const all = await Promise.all(['two', 'three'].map(async (word) => outcome(await start(`echo ${word}`))));
      // Where it was told before its end was seen, it is not known what it has done.
      for (const [index, word] of ['two\n', 'three\n'].entries()) expect([word, 'unknown']).toContain(all[index]);
    }
    await until(() => openDescriptors() <= before + 6);
  });
});
