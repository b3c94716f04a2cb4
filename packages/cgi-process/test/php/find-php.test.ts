import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { findPhp } from '../../src/php/find-php.ts';
import type { Php } from '../../src/php/find-php.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'onezero-find-php-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { PATH } = process.env;
afterEach(() => {
  process.env['PATH'] = PATH;
});

let made = 0;

/** A folder of programs, by name, which becomes the only one in PATH. */
function programs(...names: readonly string[]): string {
  const path = join(folder, String(made++));
  mkdirSync(path);
  for (const name of names) {
    writeFileSync(join(path, name), '#!/bin/sh\n');
    chmodSync(join(path, name), 0o755);
  }
  process.env['PATH'] = path;
  return path;
}

/** Where no user but root and this one can come, so that no php-fpm that listens here is taken. */
const unreachable = '/no/such/root';

describe('findPhp', () => {
  test.each([
    ['127.0.0.1:9000', '127.0.0.1:9000'],
    ['unix:/run/php.sock', 'unix:/run/php.sock'],
    ['/no/such/file.sock', '/no/such/file.sock'],
  ])('takes %s for an address', (wanted, address) => {
    expect(findPhp(wanted, folder)).toEqual({ kind: 'listens', address });
  });

  test('takes a program by its path, and says which it is by its name', () => {
    const path = programs('php-fpm8.3', 'php-cgi', 'my-php-cgi-8');
    const by = (name: string): Php => findPhp(join(path, name), folder);
    expect(by('php-fpm8.3')).toEqual({ kind: 'program', program: join(path, 'php-fpm8.3'), dialect: 'fpm' });
    expect(by('php-cgi')).toMatchObject({ dialect: 'cgi' });
    expect(by('my-php-cgi-8')).toMatchObject({ dialect: 'cgi' });
  });

  test('takes a program by its name in PATH', () => {
    const path = programs('php-cgi8.4');
    expect(findPhp('php-cgi8.4', folder)).toEqual({
      kind: 'program',
      program: join(path, 'php-cgi8.4'),
      dialect: 'cgi',
    });
  });

  test('knows a link by what it leads to', () => {
    const path = programs('php-fpm9.9');
    symlinkSync(join(path, 'php-fpm9.9'), join(path, 'server'));
    expect(findPhp(join(path, 'server'), folder)).toMatchObject({ dialect: 'fpm', program: join(path, 'server') });
  });

  test.each([
    ['the command line', 'php8.3', 'does not speak FastCGI'],
    ['another program', 'other', 'does not speak FastCGI'],
  ])('refuses %s', (_, name, message) => {
    const path = programs(name);
    expect(() => findPhp(join(path, name), folder)).toThrow(message);
  });

  test.each(['no-such-php', 'php-fpm99', './no/such'])('refuses %s, which is nothing', (wanted) => {
    programs();
    expect(() => findPhp(wanted, folder)).toThrow(`php: ${wanted} is neither an address nor a program`);
  });

  test.each<[string, readonly string[], string]>([
    ['the newest', ['php-fpm98.1', 'php-fpm98.3', 'php-fpm98.2'], 'php-fpm98.3'],
    ['the newest also beyond its ninth', ['php-fpm98.9', 'php-fpm98.10', 'php-fpm98.2'], 'php-fpm98.10'],
    ['the newest also of three numbers', ['php-fpm98.1.2', 'php-fpm98.1.10'], 'php-fpm98.1.10'],
    ['the one without a version, which somebody chose', ['php-fpm98.3', 'php-fpm'], 'php-fpm'],
    ['php-fpm before php-cgi', ['php-cgi99.9', 'php-fpm98.1'], 'php-fpm98.1'],
    ['none that is only named alike', ['php-fpm98.1', 'php-fpm98.1-debug', 'php-fpm-config'], 'php-fpm98.1'],
  ])('finds by itself %s', (_, names, expected) => {
    const path = programs(...names);
    expect(findPhp(undefined, unreachable)).toMatchObject({ program: join(path, expected) });
  });

  test('passes over what is there and no program', () => {
    const path = programs('php-fpm98.1', 'php-fpm98.2');
    chmodSync(join(path, 'php-fpm98.2'), 0o644);
    mkdirSync(join(path, 'php-fpm98.3'));
    expect(findPhp(undefined, unreachable)).toMatchObject({ program: join(path, 'php-fpm98.1') });
  });
});
