// What `$?` means, checked with those shells of this machine that commands are started through.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { statusOf } from '../../src/spawner/exit-status.ts';

const SHELLS = ['/bin/dash', '/bin/busybox'].filter((shell) => existsSync(shell));

/** What the shell says of a command: `$?`, and the end of standard error. */
function run(shell: string, command: string): { code: number; errors: string } {
  const words = shell.endsWith('busybox') ? ['sh', '-c'] : ['-c'];
  const { stdout, stderr } = spawnSync(shell, [...words, `${command}\necho $?`], {
    encoding: 'utf8',
    env: { LC_ALL: 'C' },
  });
  return { code: Number(stdout.trim().split('\n').at(-1)), errors: stderr };
}

/** Those that end a process, and that no debugger or terminal needs. */
const SIGNALS = (
  ['SIGHUP', 'SIGINT', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM'] as const
).filter((name) => constants.signals[name] !== undefined);

describe.skipIf(SHELLS.length === 0).each(SHELLS)('%s', (shell) => {
  test.each(SIGNALS)('says that a command was ended by %s', (signal) => {
    const { code, errors } = run(shell, `(kill -${signal.slice(3)} $(exec sh -c 'echo $PPID'); sleep 5)`);
    // A shell that says nothing of a signal leaves its code, which is not taken for the signal.
    const status = statusOf(code, errors);
    if (errors !== '' || signal === 'SIGINT' || signal === 'SIGPIPE') expect(status).toEqual({ code: null, signal });
    else expect(status).toEqual({ code: 128 + constants.signals[signal], signal: null });
  });

  test.each([0, 1, 2, 127, 128, 143, 137, 255])('says that a command ended with %i', (code) => {
    const seen = run(shell, `(exit ${code})`);
    expect(statusOf(seen.code, seen.errors)).toEqual({ code, signal: null });
  });
});

describe('statusOf', () => {
  test('takes the word of a shell for a signal only where it is the last line', () => {
    expect(statusOf(143, 'Terminated\n')).toEqual({ code: null, signal: 'SIGTERM' });
    expect(statusOf(143, 'Terminated\nand more\n')).toEqual({ code: 143, signal: null });
    expect(statusOf(143, 'Terminated')).toEqual({ code: 143, signal: null });
    expect(statusOf(143, 'I was not Terminated\n')).toEqual({ code: 143, signal: null });
    expect(statusOf(143, '')).toEqual({ code: 143, signal: null });
    expect(statusOf(139, 'Segmentation fault (core dumped)\n')).toEqual({ code: null, signal: 'SIGSEGV' });
  });

  test('knows signals that have two names by the usual one', () => {
    expect(statusOf(134, 'Aborted\n')).toEqual({ code: null, signal: 'SIGABRT' });
    expect(statusOf(128 + constants.signals.SIGIO, 'I/O possible\n')).toEqual({ code: null, signal: 'SIGIO' });
  });

  test('leaves codes alone that stand for no signal', () => {
    expect(statusOf(200, 'Killed\n')).toEqual({ code: 200, signal: null });
    expect(statusOf(128, 'Killed\n')).toEqual({ code: 128, signal: null });
  });

  test.skipIf(SHELLS.length === 0)('knows what this system calls a killed process', () => {
    const { code, errors } = run(SHELLS[0] ?? '', `sh -c 'kill -9 $$'`);
    expect(statusOf(code, errors)).toEqual({ code: null, signal: 'SIGKILL' });
  });
});
