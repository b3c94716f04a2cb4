// Every refusal says which rule it comes from.

import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, site } from './command.ts';

let made: ReturnType<typeof site>;

beforeAll(() => {
  made = site({
    'www/a.txt': 'a',
    'www/.env': 'secret',
    'www/key.pem': 'secret',
    'www/users': 'ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=',
    'www/folder/b.txt': 'b',
    'cgi/ok.cgi': '#!/bin/sh\n',
    'cgi/plain.txt': '#!/bin/sh\n',
    'cgi/lost.cgi': '#!/nonexistent/perl\n',
    'cgi/env.cgi': '#!/usr/bin/env nonexistent-program\n',
  });
  symlinkSync('/etc/passwd', join(made.path, 'www/out'));
  symlinkSync('nowhere', join(made.path, 'www/broken'));
});
afterAll(() => made.remove());

async function explained(question: string): Promise<string> {
  const flags = ['--cgi-bin', 'cgi', '--hide', '*.pem', '--no-listing', '--auth-file', 'www/users'];
  const { stdout } = await run(['explain', question, 'www', ...flags], { cwd: made.path });
  return stdout.replaceAll(/\s+/g, ' ');
}

describe('explain says why', () => {
  test.each([
    ['/none.txt', 'status 404 www/none.txt does not exist'],
    ['/folder/none/x', 'status 404 www/folder/none does not exist'],
    ['/.env', 'status 404 a name in it begins with a dot (dotfiles)'],
    ['/out', 'status 404 a link on its way leads out of the root'],
    ['/broken', 'status 404 www/broken is a link to nowhere'],
    ['/key.pem', 'status 404 it matches a glob of hide'],
    ['/users', 'status 404 it is a secret'],
    ['/folder/', 'status 404 it is a directory without an index file'],
    ['POST /a.txt', 'status 405 files accept GET, HEAD and OPTIONS'],
    ['FROB /a.txt', 'FROB is not a known method status 501'],
    ['/../x', 'status 400'],
    ['http://evil.example/a.txt', 'status 421'],
    ['/cgi-bin/none.cgi', 'none.cgi does not exist'],
    ['/cgi-bin/plain.txt', 'plain.txt is not executable (chmod +x)'],
    ['/a.txt', 'without them, the status is 401'],
  ])('%s', async (question, expected) => {
    expect(await explained(question)).toContain(expected);
  });
});

test('explain gives no status of a route that leaves the answer to the next one', async () => {
  const words = ['explain', '/none.txt', 'www', '--proxy', 'http://localhost:9'];
  const { stdout } = await run(words, { cwd: made.path });
  expect(stdout).toContain('www/none.txt does not exist');
  expect(stdout).toContain('the upstream http://localhost:9');
  expect(stdout).not.toContain('status');
});

test('check finds interpreters that are not there and logs that cannot be written', async () => {
  chmodSync(join(made.path, 'cgi/plain.txt'), 0o644);
  const { code, stderr } = await run(['check', 'www', '--cgi-bin', 'cgi'], { cwd: made.path });
  expect(code).toBe(0);
  expect(stderr).toContain('lost.cgi will not start: its interpreter /nonexistent/perl does not exist');
  expect(stderr).toContain('env.cgi will not start: its interpreter nonexistent-program is not in PATH');
  expect(stderr).toContain('plain.txt is not executable: chmod +x');
  expect(stderr).not.toContain('ok.cgi');
  writeFileSync(join(made.path, 'log'), '');
  const log = await run(['check', 'www', '--log-file', 'www'], { cwd: made.path });
  expect([log.code, log.stderr]).toEqual([2, expect.stringContaining('is a directory')]);
});
