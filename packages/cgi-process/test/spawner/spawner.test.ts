import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Launched, LaunchPlan } from '../../src/process/launch.ts';
import { commandLine, isExpressible } from '../../src/spawner/command-line.ts';
import { ShellSpawner } from '../../src/spawner/spawner.ts';
import { startThrough } from '../../src/process/unix-process.ts';
import { hasFittingShell, openDescriptors, own, processesWith, Scripts, until, zombies } from '../mount.ts';

const scripts = new Scripts();
// Prints its arguments and environment, each ended by NUL, as the kernel has them.
const printAll = scripts.add('print-all', '#!/bin/cat /proc/self/cmdline /proc/self/environ\n');
const spawner = new ShellSpawner({ max: 12 });
afterAll(() => {
  spawner.close();
  scripts.remove();
});

function plan(changes: Partial<LaunchPlan>): LaunchPlan {
  const none = { uid: undefined, gid: undefined, umask: undefined };
  return { command: '/bin/true', args: [], environment: {}, cwd: scripts.path, stdin: 'ignore', ...none, ...changes };
}

/** Starts commands as streams, whatever they do. */
function launchBy(shells: ShellSpawner): (given: LaunchPlan) => Promise<Launched> {
  return async (given) => (await shells.run(given, 0)) as Launched;
}

async function run(changes: Partial<LaunchPlan>): Promise<{ output: string; status: object }> {
  const child = await startThrough(launchBy(spawner), plan(changes), {});
  child.stderr.resume();
  let output = '';
  for await (const bytes of child.stdout) output += (bytes as Buffer).toString('latin1');
  return { output, status: await child.exited };
}

const byteString = fc.uint8Array({ min: 1, maxLength: 60 }).map((bytes) => String.fromCharCode(...bytes));
const nasty = fc.constantFrom(
  "'",
  "''",
  "'\\''",
  '"',
  '\\',
  '\n',
  '\r\n',
  '$(touch evil)',
  '`touch evil`',
  ';touch evil;',
  '&',
  '|',
  '>evil',
  '<',
  '#',
  '!',
  '*',
  '~',
  ' ',
  '\t',
  '\x7f',
  '\x81',
  '\x88',
  '\xff',
  "';touch evil;'",
  '\nEOF\n',
  '=',
  '%s',
);
const value = fc.array(fc.oneof(byteString, nasty), { maxLength: 8 }).map((parts) => parts.join(''));

describe('ShellSpawner', () => {
  test.skipIf(!hasFittingShell)('passes every byte a variable can have', async () => {
    const all = String.fromCharCode(...Array.from({ length: 255 }, (_, index) => index + 1));
    const { output } = await run({ command: '/bin/cat', args: ['/proc/self/environ'], environment: { ALL: all } });
    expect(output).toBe(`ALL=${all}\0`);
  });

  test.skipIf(!hasFittingShell)('passes any variables as they are, and evaluates nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 6 }), async (values) => {
        const environment = Object.fromEntries(values.map((text, index) => [`V${index}`, text]));
        const { output } = await run({ command: '/bin/cat', args: ['/proc/self/environ'], environment });
        expect(output).toBe(values.map((text, index) => `V${index}=${text}\0`).join(''));
        expect(scripts.has('evil')).toBe(false);
      }),
      { numRuns: 150 },
    );
  });

  test('passes any arguments as they are', async () => {
    const word = fc
      .array(fc.oneof(fc.string({ unit: 'binary' }), nasty), { maxLength: 5 })
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          word.filter((text) => !text.includes('\0')),
          { maxLength: 4 },
        ),
        async (args) => {
          const { output } = await run({ command: '/usr/bin/printf', args: ['%s\\0', ...args, 'end'] });
          const expected = [...args, 'end'].map((text) => `${Buffer.from(text).toString('latin1')}\0`).join('');
          expect(output).toBe(expected);
          expect(scripts.has('evil')).toBe(false);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('passes a long command line', async () => {
    const environment = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`V${index}`, "x'".repeat(50_000)]));
    const { output } = await run({ command: '/bin/cat', args: ['/proc/self/environ'], environment });
    expect(output.length).toBe(8 * 100_004);
  });

  test('starts in a directory with any name', async () => {
    const name = "it's $(odd)\n-P";
    scripts.add(`${name}/x`, '');
    expect((await run({ command: '/bin/pwd', args: ['-P'], cwd: `${scripts.path}/${name}` })).output).toBe(
      `${scripts.path}/${name}\n`,
    );
  });

  test.each([
    ['exit 0', { code: 0, signal: null }],
    ['exit 126', { code: 126, signal: null }],
    ['exit 127', { code: 127, signal: null }],
    ['exit 137', { code: 137, signal: null }],
    ['exit 143', { code: 143, signal: null }],
    ['exit 255', { code: 255, signal: null }],
    ['kill -KILL $$', { code: null, signal: 'SIGKILL' }],
    ['kill -TERM $$', { code: null, signal: 'SIGTERM' }],
    ['kill -SEGV $$', { code: null, signal: 'SIGSEGV' }],
    ['kill -PIPE $$', { code: null, signal: 'SIGPIPE' }],
    ['kill -INT $$', { code: null, signal: 'SIGINT' }],
    ['kill -USR1 $$', { code: null, signal: 'SIGUSR1' }],
  ])('tells how `%s` ended', async (command, expected) => {
    const { status } = await run({ command: '/bin/sh', args: ['-c', command] });
    expect(status).toEqual({ ...expected, reason: 'exited' });
  });

  test('gives default signal dispositions and only three descriptors', async () => {
    // Not asked of a shell: some ignore signals of their own accord.
    const signals = await run({ command: '/bin/grep', args: ['-E', '^Sig(Ign|Blk)', '/proc/self/status'] });
    expect(signals.output).toMatch(/^SigBlk:\s0+\nSigIgn:\s0+\n$/);
    const { output } = await run({
      command: '/bin/sh',
      args: ['-c', 'for fd in /proc/$$/fd/*; do readlink $fd; done'],
    });
    // The standard streams are our own FIFOs; anything else of ours would be one more of them, or a socket.
    expect(output.match(/onezero-pipes/g)).toHaveLength(2);
    expect(output).not.toContain('socket');
  });

  test('names a command that cannot be started', async () => {
    const failure = async (changes: Partial<LaunchPlan>): Promise<unknown> =>
      run(changes).catch((error: unknown) => error);
    scripts.add('bad', '#!/no/such/interpreter\n');
    expect(await failure({ command: '/no/such' })).toMatchObject({ code: 'not-found' });
    expect(await failure({ command: '/etc/passwd' })).toMatchObject({ code: 'not-executable' });
    expect(await failure({ command: `${scripts.path}/bad` })).toMatchObject({ code: 'bad-interpreter' });
    expect(await failure({ cwd: '/no/such' })).toMatchObject({ code: 'bad-directory' });
    expect(await failure({ environment: { A: '\0' } })).toMatchObject({ code: 'bad-argument' });
    expect(await failure({ environment: { A: 'x'.repeat(140_000) } })).toMatchObject({
      code: 'argument-list-too-long',
    });
  });

  test('ends a running command with its own leftovers, and nobody else’s', async () => {
    const alone = new ShellSpawner();
    const start = async (text: string) =>
      startThrough(launchBy(alone), plan({ command: '/bin/sh', args: ['-c', own(text)] }), { killGraceMs: 100 });
    const first = await start('sleep 1000.61 >/dev/null 2>&1 & exit');
    first.stdout.resume();
    first.stderr.resume();
    await first.finished;
    // Start times are told apart by the hundredth of a second.
    await (
      await start('sleep 0.03')
    ).exited;
    const second = await start('(sleep 1000.62 & sleep 1000.62) & trap "" TERM; while :; do sleep 0.01; done');
    await until(() => processesWith('1000.62').length >= 2);
    expect(await second.kill()).toMatchObject({ reason: 'killed' });
    await until(() => processesWith('1000.62').length === 0);
    const left = processesWith('1000.61');
    expect(left).toHaveLength(1);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    alone.close();
  });

  test('streams to a command that reads at its own pace', async () => {
    const child = await startThrough(
      launchBy(spawner),
      plan({ command: '/usr/bin/wc', args: ['-c'], stdin: 'pipe' }),
      {},
    );
    for (let round = 0; round < 40; round++) await child.stdin.write(Buffer.alloc(65_536));
    await child.stdin.end();
    let output = '';
    for await (const bytes of child.stdout) output += String(bytes);
    expect(output.trim()).toBe(String(40 * 65_536));
  });

  test('runs many at once and leaves nothing behind', async () => {
    const batch = async (): Promise<void> => {
      const all = Array.from({ length: 12 }, async (_, index) => run({ command: '/bin/echo', args: [String(index)] }));
      expect((await Promise.all(all)).map(({ output }) => output)).toEqual(all.map((_, index) => `${index}\n`));
    };
    await batch();
    const before = openDescriptors();
    for (let round = 0; round < 5; round++) await batch();
    await until(() => openDescriptors() <= before);
    await until(() => zombies() === 0);
  });

  test.skipIf(!hasFittingShell)('ends its shells when it is closed', async () => {
    const closing = new ShellSpawner();
    const child = await startThrough(launchBy(closing), plan({ command: printAll }), {});
    child.stdout.resume();
    child.stderr.resume();
    await child.finished;
    const shells = processesWith('onezero-pipes').length;
    closing.close();
    await until(() => processesWith('onezero-pipes').length < shells);
    expect((await startThrough(launchBy(closing), plan({}), {})).pid).toBeDefined();
  });
});

describe('isExpressible', () => {
  test.each([
    ['an absolute command', { command: '/bin/true' }, true],
    ['a bare command', { command: 'true' }, false],
    ['a name with a dot', { environment: { 'a.b': '' } }, false],
    ['an empty name', { environment: { '': '' } }, false],
    ['a name with a command in it', { environment: { 'A;touch evil;B': '' } }, false],
    ['a name of the shell', { environment: { OPTIND: 'x' } }, false],
    ['a megabyte', { environment: { A: 'x'.repeat(1_100_000) } }, false],
  ])('%s', (_, changes, expected) => {
    expect(isExpressible(plan(changes))).toBe(expected);
  });
});

describe('commandLine', () => {
  const streams = { input: '/i', output: '/o', errors: '/e' };
  const nasty = plan({ command: "/it's", args: ['$x'], environment: { A: "'\n" } });
  const call = "A=''\\''\n' '/it'\\''s' '$x'";

  test('names pipes by their bytes', () => {
    const pipes = { input: '/tmp/ü/0', output: '/tmp/日/1', errors: '/tmp/ü/2' };
    const line = Buffer.from(commandLine(plan({}), pipes), 'latin1').toString();
    for (const name of Object.values(pipes)) expect(line).toContain(`'${name}'`);
  });

  test('quotes every word from outside', () => {
    expect(commandLine(nasty, streams)).toBe(
      `if cd '${scripts.path}';then unset PWD OLDPWD;${call} <'/i' >'/o' 2>'/e';else (exit 126);fi`,
    );
  });

  test('leaves an empty input as the shell has it', () => {
    expect(commandLine(plan({ cwd: '/' }), { ...streams, input: undefined })).toBe(
      `if cd '/';then unset PWD OLDPWD;'/bin/true' >'/o' 2>'/e';else (exit 126);fi`,
    );
  });

  test('keeps what would stay behind in a subshell', () => {
    expect(commandLine({ ...nasty, umask: 0o27 }, streams, 'WORD')).toBe(
      `(exec <'/i';echo WORD;cd '${scripts.path}'||exit 126;umask 27;unset PWD OLDPWD;${call} >'/o' 2>'/e')`,
    );
  });
});
