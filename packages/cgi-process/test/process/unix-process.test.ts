import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text as wholeText } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import { ProcessError, startProcess } from '../../src/index.ts';
import type { UnixProcess } from '../../src/index.ts';
import { openDescriptors, own, processesWith, Scripts, until, zombies } from '../mount.ts';

const scripts = new Scripts({
  'no-interpreter': '#!/no/such/interpreter\n',
  'carriage-return': '#!/bin/sh\r\necho hi\r\n',
  'not-executable.txt': '#!/bin/sh\n',
});
afterAll(() => scripts.remove());

async function sh(command: string, options = {}): Promise<UnixProcess> {
  return startProcess('/bin/sh', ['-c', own(command)], options);
}

async function outputOf(command: string, options = {}): Promise<string> {
  const child = await sh(command, { stdin: 'ignore', ...options });
  return wholeText(child.stdout);
}

async function codeOf(start: Promise<unknown>): Promise<string> {
  try {
    await start;
  } catch (error) {
    if (error instanceof ProcessError) return error.code;
    throw error;
  }
  return 'started';
}

describe('startProcess', () => {
  test('passes 5 MB through cat unchanged', async () => {
    const bytes = randomBytes(5_000_000);
    const child = await startProcess('cat');
    const hash = createHash('sha256');
    const reading = (async () => {
      for await (const chunk of child.stdout) hash.update(chunk as Buffer);
    })();
    for (let at = 0; at < bytes.length; at += 65_536) await child.stdin.write(bytes.subarray(at, at + 65_536));
    await child.stdin.end();
    await reading;
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(await child.exited).toEqual({ code: 0, signal: null, reason: 'exited' });
  });

  test('loses nothing when the process ends at once', async () => {
    for (let round = 0; round < 50; round++) expect(await outputOf('printf ok')).toBe('ok');
  });

  test('keeps standard error apart', async () => {
    const child = await sh('echo out; echo err >&2', { stdin: 'ignore' });
    expect(await Promise.all([wholeText(child.stdout), wholeText(child.stderr)])).toEqual(['out\n', 'err\n']);
  });

  test.each([
    ['exit 0', { code: 0, signal: null }],
    ['exit 3', { code: 3, signal: null }],
    ['exit 255', { code: 255, signal: null }],
    ['kill -TERM $$', { code: null, signal: 'SIGTERM' }],
    ['kill -SEGV $$', { code: null, signal: 'SIGSEGV' }],
    ['kill -KILL $$', { code: null, signal: 'SIGKILL' }],
  ])('tells how `%s` ended', async (command, expected) => {
    const child = await sh(command, { stdin: 'ignore' });
    expect(await child.exited).toMatchObject({ ...expected, reason: 'exited' });
  });

  test('never involves a shell', async () => {
    const child = await startProcess('printf', ['%s|', '; touch x', '$HOME', '`id`', "'", '"', '\n', ''], {
      cwd: scripts.path,
    });
    expect(await wholeText(child.stdout)).toBe('; touch x|$HOME|`id`|\'|"|\n||');
    expect(scripts.has('x')).toBe(false);
  });

  test('gives exactly the environment it was told', async () => {
    process.env['ONEZERO_SECRET'] = 'x';
    process.env['ONEZERO_LISTED'] = 'y';
    const child = await startProcess('/usr/bin/env', [], {
      environment: { A: 'ü', 'odd.name': '2' },
      inherit: ['ONEZERO_LISTED', 'ONEZERO_UNSET'],
    });
    expect((await wholeText(child.stdout)).split('\n').sort()).toEqual(['', 'A=ü', 'ONEZERO_LISTED=y', 'odd.name=2']);
  });

  test('starts in the directory and with the umask it was told', async () => {
    expect(await outputOf('pwd; umask', { cwd: scripts.path, umask: 0o027 })).toBe(`${scripts.path}\n0027\n`);
    expect(process.umask()).not.toBe(0o027);
  });

  test.each([
    ['cat /dev/stdin', 'in', 'in'],
    ['echo out >/dev/stdout', '', 'out\n'],
    ['head -c 1; cat /dev/stdin', 'input', 'input'],
    ['echo err >/dev/stderr; echo a | tee /dev/stderr', '', 'a\n'],
  ])('has pipes that `%s` can open again', async (command, input, output) => {
    const child = await sh(command);
    child.stderr.resume();
    const read = wholeText(child.stdout);
    await child.stdin.write(Buffer.from(input));
    await child.stdin.end();
    expect(await read).toBe(output);
  });

  test('refuses content for the end of the input, which would be lost', async () => {
    const child = await startProcess('cat');
    const end = child.stdin.end.bind(child.stdin) as (content: unknown) => Promise<void>;
    await expect(end(Buffer.from('x'))).rejects.toThrow('end: takes no content; write(bytes) before it');
    await child.stdin.end();
    expect(await child.exited).toMatchObject({ code: 0 });
  });

  test('lets a process open its input when it was ended before', async () => {
    const child = await sh('read line; read line; cat /dev/stdin; echo done');
    await child.stdin.write(Buffer.from('go\n'));
    await child.stdin.end();
    expect(await wholeText(child.stdout)).toBe('done\n');
  });

  test('passes no descriptor but the three', async () => {
    const child = await startProcess('/bin/ls', ['-l', '/proc/self/fd'], { stdin: 'ignore' });
    const listing = await wholeText(child.stdout);
    // What this process itself was given at its start is not closed on exec; nothing of that is ours.
    const ours = listing
      .split('\n')
      .filter((line) => /socket|onezero|eventpoll|eventfd/.test(line) && !/ [12] ->/.test(line));
    expect(ours).toEqual([]);
  });

  test('starts with default signal dispositions and nothing blocked', async () => {
    // Not asked of a shell: some ignore signals of their own accord.
    const child = await startProcess('/bin/grep', ['-E', '^Sig(Ign|Blk)', '/proc/self/status']);
    expect(await wholeText(child.stdout)).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
  });

  test('holds a writer back while the process does not read', async () => {
    const child = await startProcess('sleep', ['1000']);
    let taken = 0;
    const writing = (async () => {
      while (await child.stdin.write(Buffer.alloc(65_536))) taken += 65_536;
    })();
    let before = -1;
    while (taken !== before && taken < 1_000_000) {
      before = taken;
      await outputOf('true');
    }
    expect(taken).toBe(before);
    expect(taken).toBeLessThan(1_000_000);
    await child.kill();
    await writing;
  });

  test('holds a process back while nobody reads', async () => {
    const child = await startProcess('cat', ['/dev/zero'], { stdin: 'ignore' });
    child.stdout.pause();
    const before = process.memoryUsage.rss();
    await until(() => child.stdout.readableLength > 0);
    const timer = await startProcess('sleep', ['0.2']);
    await timer.exited;
    expect(process.memoryUsage.rss() - before).toBeLessThan(32_000_000);
    expect(await child.kill()).toMatchObject({ reason: 'killed' });
  });

  test('reports a departed reader as false, not as an error', async () => {
    const child = await sh('exec 0<&-; echo ok');
    let isTaken = true;
    for (let round = 0; round < 80 && isTaken; round++) isTaken = await child.stdin.write(Buffer.alloc(65_536));
    expect(isTaken).toBe(false);
    await child.stdin.end();
    expect(await wholeText(child.stdout)).toBe('ok\n');
  });

  test('delivers output as it comes', async () => {
    const child = await sh('echo a; read go; echo b');
    const iterator = child.stdout[Symbol.asyncIterator]();
    expect(String((await iterator.next()).value)).toBe('a\n');
    await child.stdin.write(Buffer.from('go\n'));
    expect(String((await iterator.next()).value)).toBe('b\n');
    expect((await iterator.next()).done).toBe(true);
  });

  test('is a web stream one call away', async () => {
    const child = await startProcess('echo', ['hi'], { stdin: 'ignore' });
    expect(await new Response(Readable.toWeb(child.stdout) as ReadableStream).text()).toBe('hi\n');
  });

  test('kills the process and what it started', async () => {
    const child = await sh('sleep 1000.17 & sleep 1000.17', { stdin: 'ignore' });
    await until(() => processesWith('1000.17').length >= 2);
    expect(await child.kill()).toMatchObject({ reason: 'killed' });
    await until(() => processesWith('1000.17').length === 0);
  });

  test('kills what it started in process groups of their own', async () => {
    const child = await sh('timeout 1000.31 sleep 1000.31 & echo started; wait');
    for await (const bytes of child.stdout) if (String(bytes).includes('started')) break;
    await child.kill();
    expect(processesWith('1000.31')).toEqual([]);
  });

  test('is killed when nothing of it is left, SIGKILL included', async () => {
    const child = await sh(`(trap '' TERM; echo started; sleep 1000.32; sleep 1000.32) & wait`, { killGraceMs: 50 });
    const reading = wholeText(child.stdout).catch(() => '');
    await until(() => processesWith('1000.32').length > 2);
    await child.kill();
    expect(processesWith('1000.32')).toEqual([]);
    await reading;
  });

  test.each([
    ['kill', {}, async (child: UnixProcess) => child.kill()],
    ['abort', { signal: AbortSignal.timeout(20) }, async (child: UnixProcess) => child.exited],
    ['its deadline', { timeoutMs: 20 }, async (child: UnixProcess) => child.exited],
    ['too much output', { maxStdoutBytes: 10 }, async (child: UnixProcess) => child.exited],
    ['its own end', {}, async (child: UnixProcess) => (await child.stdin.end(), child.exited)],
  ])('leaves no descriptor after %s', async (_, options, end) => {
    const rest = async (): Promise<number> => {
      const runs = Array.from({ length: 10 }, async () => {
        const given = 'signal' in options ? { signal: AbortSignal.timeout(20) } : options;
        const child = await startProcess('cat', [], given);
        child.stdout.on('error', () => {}).resume();
        child.stderr.resume();
        await child.stdin.write(Buffer.alloc(1000));
        await end(child);
        await child.finished;
      });
      await Promise.all(runs);
      return openDescriptors();
    };
    const early = await rest();
    await until(async () => (await rest()) <= early);
  });

  test.each([
    ['killed', {}, async (child: UnixProcess) => child.kill()],
    ['stopped by their deadline', { timeoutMs: 30 }, async (child: UnixProcess) => child.exited],
    ['ended by themselves', {}, async (child: UnixProcess) => (await child.stdin.end(), child.exited)],
  ])('costs no descriptor for output that is never read: processes that are %s', async (_, options, end) => {
    const children: UnixProcess[] = [];
    const round = async (): Promise<void> => {
      const child = await startProcess('cat', [], { killGraceMs: 50, ...options });
      children.push(child);
      await child.stdin.write(Buffer.alloc(1000, 'x'));
      await once(child.stdout, 'readable');
      await end(child);
    };
    await round();
    await until(() => zombies() === 0);
    const before = openDescriptors();
    await Promise.all(Array.from({ length: 12 }, round));
    await until(() => openDescriptors() <= before);
    // A deadline may come before the output does.
    const whole = 'timeoutMs' in options ? ['', 'x'.repeat(1000)] : ['x'.repeat(1000)];
    for (const { stdout } of children) expect(whole).toContain(await wholeText(stdout));
  });

  test('is not held up by a deadline of a month or a year', async () => {
    for (const days of [30, 365]) {
      const child = await sh('echo whole', { stdin: 'ignore', timeoutMs: days * 86_400_000 });
      expect(await wholeText(child.stdout)).toBe('whole\n');
      expect(await child.exited).toMatchObject({ code: 0, reason: 'exited' });
    }
  });

  test('runs the handler of SIGTERM once', async () => {
    const child = await sh(`trap 'echo term' TERM; echo up; sleep 0.2; sleep 0.2; sleep 0.2`, { stdin: 'ignore' });
    await once(child.stdout, 'readable');
    const output = wholeText(child.stdout);
    await child.kill();
    expect((await output).split('term').length).toBeLessThanOrEqual(2);
  });

  test('kills with SIGKILL what traps SIGTERM', async () => {
    const child = await sh("trap '' TERM; echo ready; while :; do sleep 0.05; done", {
      stdin: 'ignore',
      killGraceMs: 50,
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    expect(await child.kill()).toMatchObject({ signal: 'SIGKILL', reason: 'killed' });
  });

  test('ends a process whose reader leaves', async () => {
    const child = await sh('echo 1; exec sleep 1000.18', { stdin: 'ignore' });
    for await (const _ of child.stdout) break;
    expect(await child.exited).toMatchObject({ signal: 'SIGTERM', reason: 'killed' });
  });

  test('leaves alone what a process leaves running', async () => {
    const child = await sh('sleep 1000.19 >/dev/null 2>&1 &', { stdin: 'ignore' });
    await child.finished;
    const [left] = processesWith('1000.19');
    expect(left).toBeDefined();
    process.kill(left as number, 'SIGKILL');
  });

  test('ends at an abort, before or after the start', async () => {
    expect(await codeOf(sh('true', { signal: AbortSignal.abort() }))).toBe('aborted');
    const gone = new AbortController();
    const child = await sh('sleep 1000', { signal: gone.signal });
    gone.abort();
    expect(await child.exited).toMatchObject({ reason: 'aborted', signal: 'SIGTERM' });
  });

  test('ends at its deadline', async () => {
    const child = await sh('sleep 1000', { timeoutMs: 30 });
    expect(await child.exited).toMatchObject({ reason: 'timed-out' });
  });

  test('ends at too much output', async () => {
    const child = await startProcess('cat', ['/dev/zero'], { stdin: 'ignore', maxStdoutBytes: 100_000 });
    expect(await codeOf(wholeText(child.stdout))).toBe('output-too-long');
    expect(await child.exited).toMatchObject({ reason: 'output-too-long' });
  });

  test.each([
    ['a missing file', '/no/such/file', {}, 'not-found'],
    ['a missing command', 'no-such-command-here', {}, 'not-found'],
    ['a directory', '/usr', {}, 'not-executable'],
    ['a file without the right', `${scripts.path}/not-executable.txt`, {}, 'not-executable'],
    ['a missing interpreter', `${scripts.path}/no-interpreter`, {}, 'bad-interpreter'],
    ['an interpreter with a carriage return', `${scripts.path}/carriage-return`, {}, 'bad-interpreter'],
    ['a missing directory', '/bin/true', { cwd: '/no/such/directory' }, 'bad-directory'],
    ['NUL in a variable', '/bin/true', { environment: { A: '\0' } }, 'bad-argument'],
    ['a name with =', '/bin/true', { environment: { 'A=B': '' } }, 'bad-argument'],
    ['a variable of 140 kB', '/bin/true', { environment: { A: 'x'.repeat(140_000) } }, 'argument-list-too-long'],
  ])('names %s', async (_, command, options, code) => {
    expect(await codeOf(startProcess(command, [], options))).toBe(code);
  });

  test('names an environment that is too long in all', async () => {
    const environment = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`A${index}`, 'x'.repeat(100_000)]),
    );
    expect(await codeOf(startProcess('/bin/true', [], { environment }))).toBe('argument-list-too-long');
  });

  test('leaves no descriptor and no zombie behind', async () => {
    const run = async (): Promise<void> => {
      const child = await sh('cat; exit 1');
      await child.stdin.end();
      child.stdout.resume();
      child.stderr.resume();
      await child.finished;
      await codeOf(startProcess('/no/such/file'));
    };
    for (let round = 0; round < 5; round++) await run();
    const before = openDescriptors();
    for (let round = 0; round < 30; round++) await run();
    await until(() => openDescriptors() <= before);
    await until(() => zombies() === 0);
  });
});
