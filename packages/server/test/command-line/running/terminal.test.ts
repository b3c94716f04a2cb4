// On a terminal: a pseudo-terminal, held by a few lines of Python.

import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bin, site } from '../command.ts';

const place = site({ 'www/a.txt': 'a' });
afterAll(() => place.remove());

// Reads what the command prints until it is asked to stop, then either closes the terminal or types; prints all of it.
const holder = `
import os, pty, sys
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
seen = b''
while sys.argv[2].encode() not in seen:
    seen += os.read(master, 4096)
if sys.argv[1] == 'close':
    os.close(master)
else:
    os.write(master, b'\\x03')
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
sys.stdout.write('\\nended with %d' % os.waitstatus_to_exitcode(status))
`;

// The same for a command that writes to a file and reads nothing: what it does when its terminal is closed, and then at SIGTERM.
const leaver = `
import os, pty, signal, sys, time
pid, master = pty.fork()
if pid == 0:
    os.dup2(os.open('/dev/null', os.O_RDONLY), 0)
    os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 1)
    os.dup2(1, 2)
    os.execvp(sys.argv[2], sys.argv[2:])
def until(text):
    while not os.path.exists(sys.argv[1]) or text not in open(sys.argv[1]).read():
        if os.waitpid(pid, os.WNOHANG)[0] != 0:
            sys.exit('it has ended')
        time.sleep(0.02)
until('onezero serves')
os.close(master)
until('Reloaded')
os.kill(pid, signal.SIGTERM)
_, status = os.waitpid(pid, 0)
print('ended with %d' % os.waitstatus_to_exitcode(status))
`;

const hasPython = spawnSync('/usr/bin/python3', ['--version']).status === 0;

async function onTerminal(
  what: 'close' | 'interrupt',
  env: Record<string, string>,
  { until = 'Ctrl+C to stop', flags = [] }: { readonly until?: string; readonly flags?: readonly string[] } = {},
): Promise<string> {
  const root = flags.includes('-d') ? [] : ['www'];
  const words = ['-c', holder, what, until, process.execPath, bin, ...root, '-p', '0', ...flags];
  const child = spawn('/usr/bin/python3', words, {
    cwd: place.path,
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm', ...env },
  });
  let text = '';
  for await (const chunk of child.stdout) text += String(chunk);
  return text.replaceAll('\r\n', '\n');
}

describe.skipIf(!hasPython && process.env['CI'] === undefined)('on a terminal', () => {
  test('shows a banner without colour when asked to, and ends at Ctrl+C', async () => {
    const text = await onTerminal('interrupt', { NO_COLOR: '1' });
    expect(text).toMatch(
      /^\nonezero \d\S* serves www\n\n {2}Local {4}http:\/\/localhost:\d+\/\n {2}Network {2}use --host to let other machines connect\n/,
    );
    expect(text).not.toContain('\u001b[');
    expect(text).toMatch(/ended with 0$/);
  });

  test('shows names of folders without their control characters', async () => {
    const odd = site({ 'a\u001b[31mred\n\u202e/serve.json': '{}' });
    const folder = join(odd.path, 'a\u001b[31mred\n\u202e');
    const text = await onTerminal('interrupt', { NO_COLOR: '1' }, { flags: ['-d', folder] });
    odd.remove();
    expect(text).toContain(String.raw`a\u001b[31mred\n\u202e/serve.json is not read`);
    expect(text).toMatch(/ serves \S+red\\n\\u202e\n/);
    expect(text).not.toMatch(/\u001b|\u202e/);
  });

  test.each([
    ['with --json', {}, ['--json'], '"ready"'],
    ['where CI is set', { CI: '1' }, [], 'onezero serves'],
  ] as const)('warns without a banner, too: %s', async (_, env, flags, until) => {
    const text = await onTerminal('interrupt', env, { until, flags: [...flags, '--auth', 'ada:engine'] });
    expect(text).toContain('Warning: the password in --auth can be seen');
    expect(text).toMatch(/ended with 0$/);
  });

  test('outlives it where it was started to, as by nohup', () => {
    const words = ['-c', leaver, join(place.path, 'output'), process.execPath, bin, 'www', '-p', '0'];
    const env = { PATH: process.env['PATH'] ?? '' };
    expect(spawnSync('/usr/bin/python3', words, { cwd: place.path, env, encoding: 'utf8' })).toMatchObject({
      stdout: 'ended with 0\n',
      stderr: '',
    });
  });

  test('is in colour otherwise, and ends when the terminal is closed', async () => {
    const text = await onTerminal('close', {});
    expect(text).toContain('\u001b[36mhttp://localhost:');
    expect(text).toMatch(/ended with -1$/);
  });
});
