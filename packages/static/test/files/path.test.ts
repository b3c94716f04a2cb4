// Which names may be asked for, from names alone, policy by policy.

import { describe, expect, test } from 'vitest';
import { isVisible, sitePath } from '../../src/files/path.ts';
import type { StaticOptions } from '../../src/index.ts';
import { settingsOf } from '../../src/options/settings.ts';

const settings = (options: StaticOptions = {}) => settingsOf(import.meta.dirname, options);
const at = (path: string, options: StaticOptions = {}) => sitePath(path, settings(options));

describe('a path', () => {
  test.each<readonly [string, readonly string[], boolean]>([
    ['', [], false],
    ['/', [], true],
    ['/a', ['a'], false],
    ['/a/', ['a'], true],
    ['//a///b//', ['a', 'b'], true],
    ['/.well-known', ['.well-known'], false],
    ['/.well-known/x', ['.well-known', 'x'], false],
    ['/...', ['...'], false],
    ['/a\\b', ['a\\b'], false],
    ['/é/日/😀', ['é', '日', '😀'], false],
  ])('%j is names', (path, segments, isDirectory) => {
    const options: StaticOptions = path === '/...' ? { dotfiles: 'allow' } : {};
    expect(at(path, options)).toEqual({ segments, isDirectory });
  });

  test.each(['a', 'a/b', './a', '/.', '/..', '/a/../b', '/a/./b', '/a\0', '\0', '/\ud800', '/a\udc00b'])(
    '%j is no path',
    (path) => {
      expect(at(path)).toBe(400);
      expect(at(path, { dotfiles: 'allow' })).toBe(400);
    },
  );

  test('is as long and as deep as a path can be', () => {
    const deep = (count: number): string => '/a'.repeat(count);
    expect(at(deep(256))).toMatchObject({ isDirectory: false });
    expect(at(deep(257))).toBe(404);
    const long = (count: number): string => `/${'aaaaaaa/'.repeat(600)}`.slice(0, count);
    expect(at('/'.repeat(4096))).toEqual({ segments: [], isDirectory: true });
    expect(at('/'.repeat(4097))).toBe(404);
    expect(at(long(1500))).toMatchObject({ isDirectory: false });
    const wide = (count: number): string => `/${'é'.repeat(100)}`.repeat(count);
    expect(at(wide(18))).toMatchObject({ isDirectory: false });
    expect(at(wide(21))).toBe(404);
  });

  test('has names as long as any file system stores, counted in UTF-16 units as those of Windows do', () => {
    for (const unit of ['a', 'é', '語']) {
      expect(at(`/${unit.repeat(255)}`)).toMatchObject({ isDirectory: false });
      expect(at(`/${unit.repeat(256)}`)).toBe(404);
    }
    expect(at(`/${'😀'.repeat(127)}`)).toMatchObject({ isDirectory: false });
    expect(at(`/${'😀'.repeat(128)}`)).toBe(404);
  });
});

describe('a policy', () => {
  test.each<readonly [StaticOptions, string, boolean]>([
    [{}, '.env', false],
    [{}, 'a/.env', false],
    [{}, '.git/config', false],
    [{}, 'a/.well-known', false],
    [{}, '.well-known/.secret', false],
    [{}, '.well-knowns', false],
    [{ dotfiles: 'allow' }, '.git/config', true],
    [{ dotfiles: ['.git'] }, '.git/config', true],
    [{ dotfiles: ['.git'] }, '.git/.config', false],
    [{ dotfiles: ['.[ab]*'] }, '.abc', true],
    // What is ours is nobody's, whatever is allowed.
    [{ dotfiles: 'allow' }, '.onezero-partial-x', false],
    [{ dotfiles: 'allow' }, 'a/.onezero-', false],
    [{ dotfiles: ['.onezero-*'] }, '.onezero-x', false],
    [{ hide: ['*.key'] }, 'a.key', false],
    [{ hide: ['*.key'] }, 'A.KEY', false],
    [{ hide: ['*.key'] }, 'a.key/below', false],
    [{ hide: ['*.key'] }, 'a.key.gz', false],
    [{ hide: ['*.key'] }, 'a.key.BR', false],
    [{ hide: ['*.key'] }, 'a.key.gz.gz', true],
    [{ hide: ['*.key'] }, 'a.keys', true],
    [{ hide: ['/private'] }, 'private/deep/er', false],
    [{ hide: ['/private'] }, 'deep/private', true],
    [{ hide: ['private/**'] }, 'private', false],
    [{ hide: ['*.gz'] }, 'a.gz', false],
    [{ hide: ['*.gz'] }, 'a', true],
    [{ windowsNames: 'deny' }, 'CON', false],
    [{ windowsNames: 'deny' }, 'a/nul.txt/b', false],
    [{ windowsNames: 'deny' }, 'a. ', false],
    [{ windowsNames: 'allow' }, 'CON', true],
    [{ windowsNames: 'deny' }, 'console', true],
  ])('of %j lets %s through: %s', (options, path, isIt) => {
    expect(isVisible(path.split('/'), settings(options))).toBe(isIt);
    expect(typeof at(`/${path}`, options) === 'object').toBe(isIt);
  });

  test('never hides the root', () => {
    expect(isVisible([], settings({ hide: ['**'] }))).toBe(false);
    expect(isVisible([], settings({ hide: ['*'] }))).toBe(true);
    expect(isVisible([], settings())).toBe(true);
  });
});
