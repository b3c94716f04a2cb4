import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkStrings, diagnose, ProcessError, startFailure } from '../../src/process/process-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-process-error-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`spawn ${code}`), { code });
}

describe('startFailure', () => {
  test.each([
    ['E2BIG', 'argument-list-too-long'],
    ['EMFILE', 'too-many-files'],
    ['ENFILE', 'too-many-files'],
    ['EAGAIN', 'too-many-processes'],
    ['ETXTBSY', 'file-busy'],
    ['ENOMEM', 'out-of-memory'],
  ])('names %s %s, and keeps the cause', (code, name) => {
    const cause = failure(code);
    const error = startFailure(cause, '/bin/true', undefined);
    expect(error).toBeInstanceOf(ProcessError);
    expect(error).toMatchObject({ code: name, cause, message: expect.stringMatching(/^\/bin\/true: /) });
  });

  test('looks at the file where the kernel says the same of several mistakes', () => {
    const missing = join(folder, 'missing');
    expect(startFailure(failure('ENOENT'), missing, undefined)).toMatchObject({ code: 'not-found' });
    const script = file('carriage', '#!/bin/sh\r\necho\n');
    expect(startFailure(failure('ENOENT'), script, undefined)).toMatchObject({ code: 'bad-interpreter' });
  });

  test.each(['EPERM', 'EBADF'])('does not look for a command when the user or a descriptor is at fault: %s', (code) => {
    const error = startFailure(failure(code), 'true', undefined);
    expect(error).toMatchObject({ code: 'spawn-failed', message: `true: spawn ${code}` });
  });

  test('says what the system said where nothing is found', () => {
    const error = startFailure(failure('EIO'), '/bin/sh', undefined);
    expect(error).toMatchObject({ code: 'spawn-failed', message: '/bin/sh: spawn EIO' });
  });
});

describe('diagnose', () => {
  const missing = join(folder, 'nowhere');
  test.each([
    ['a directory that is not there', '/bin/sh', missing, 'bad-directory'],
    ['a bare name', 'no-such-command', undefined, 'not-found'],
    ['a file that is not there', missing, undefined, 'not-found'],
    ['a directory', folder, undefined, 'not-executable'],
    ['a file without x', file('plain', 'echo\n', 0o644), undefined, 'not-executable'],
    ['an interpreter that is not there', file('lost', '#!/no/such/sh\n'), undefined, 'bad-interpreter'],
    ['an interpreter with an argument', file('lost-e', '#!/no/such/sh -e\n'), undefined, 'bad-interpreter'],
    ['a carriage return', file('dos', '#!/bin/sh\r\n'), undefined, 'bad-interpreter'],
    ['a relative path, below the directory', './dos', folder, 'bad-interpreter'],
  ])('names %s', (_, command, cwd, code) => {
    expect(diagnose(command, cwd)).toMatchObject({ code });
  });

  test.each([
    ['a program', '/bin/sh'],
    ['a script', file('good', '#! /bin/sh -e\necho\n')],
    ['an empty file', file('empty', '')],
  ])('finds nothing wrong with %s', (_, command) => {
    expect(diagnose(command, undefined)).toBe(undefined);
  });
});

describe('checkStrings', () => {
  test.each([
    [['a\0b'], {}, 'bad-argument'],
    [[], { A: 'x\0' }, 'bad-argument'],
    [[], { '': 'x' }, 'bad-argument'],
    [[], { 'A=B': 'x' }, 'bad-argument'],
    [['x'.repeat(131_072)], {}, 'argument-list-too-long'],
    [['ü'.repeat(65_536)], {}, 'argument-list-too-long'],
    [[], { A: 'x'.repeat(131_070) }, 'argument-list-too-long'],
  ])('refuses what no process can get', (args, environment: Record<string, string>, code) => {
    expect(() => checkStrings(args, environment)).toThrow(expect.objectContaining({ code }));
  });

  test('takes what fits by one byte', () => {
    checkStrings(['x'.repeat(131_071), 'ü'.repeat(65_535)], { A: 'x'.repeat(131_069), 'a b': '' });
  });
});
