import { mkdirSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { scriptSources } from '../../src/request/script-sources.ts';
import { Scripts } from '../mount.ts';

const real = new Scripts({ 'a.cgi': '#!/bin/sh\n', 'sub/b.pl': '', 'page.html': '' });
const other = new Scripts();
const link = join(other.path, 'link');
symlinkSync(real.path, link);
mkdirSync(`${real.path}-beside`);
afterAll(() => {
  real.remove();
  rmdirSync(`${real.path}-beside`);
  other.remove();
  new Scripts().remove();
});

describe('scriptSources', () => {
  test.each([
    ['a directory', { directory: real.path }],
    ['a directory with a slash', { directory: `${real.path}/` }],
  ])('takes all of %s for sources, and names it', (_, options) => {
    const { isSource, sources } = scriptSources(options);
    expect(sources).toEqual([real.path]);
    for (const name of ['', '/a.cgi', '/sub', '/sub/b.pl', '/page.html', '/not/there']) {
      expect(isSource(real.path + name)).toBe(true);
    }
    for (const name of ['-beside', '-beside/a.cgi', '.cgi']) expect(isSource(real.path + name)).toBe(false);
    expect(isSource(other.path)).toBe(false);
    expect(isSource('/')).toBe(false);
  });

  test('knows a directory by its link and by its real path', () => {
    const { isSource, sources } = scriptSources({ directory: link });
    expect(sources).toEqual([link]);
    expect(isSource(join(link, 'a.cgi'))).toBe(true);
    expect(isSource(join(real.path, 'a.cgi'))).toBe(true);
  });

  test('knows a directory by the real path that its link has now', async () => {
    const moved = join(other.path, 'moved');
    const before = new Scripts();
    symlinkSync(before.path, moved);
    const { isSource } = scriptSources({ directory: moved });
    expect(isSource(join(real.path, 'a.cgi'))).toBe(false);
    rmSync(moved);
    symlinkSync(real.path, moved);
    await turn();
    expect(isSource(join(real.path, 'a.cgi'))).toBe(true);
    before.remove();
  });

  test('takes one script for its only source', () => {
    const file = join(real.path, 'a.cgi');
    const { isSource, sources } = scriptSources({ script: join(link, 'a.cgi') });
    expect(sources).toEqual([join(link, 'a.cgi')]);
    expect(isSource(file)).toBe(true);
    expect(isSource(join(link, 'a.cgi'))).toBe(true);
    expect(isSource(join(real.path, 'sub/b.pl'))).toBe(false);
    expect(isSource(`${file}.bak`)).toBe(false);
  });

  test.each([
    ['a.cgi', true],
    ['A.CGI', true],
    ['deep/below/x.Pl', true],
    ['page.html', false],
    ['cgi', false],
    ['.cgi', true],
    ['a.cgi.html', false],
    ['a.html.cgi', true],
    ['a.cgi~', true],
    ['folder.cgi/page.html', false],
  ])('of a root takes %s for a source: %s', (name, expected) => {
    for (const root of [real.path, link]) {
      const { isSource, sources } = scriptSources({ root, extensions: { '.cgi': null, '.pl': '/usr/bin/perl' } });
      expect(sources).toEqual([]);
      expect(isSource(join(real.path, name))).toBe(expected);
      expect(isSource(join('/elsewhere', name))).toBe(false);
    }
  });

  test('takes the root of the file system as one', () => {
    const { isSource } = scriptSources({ root: '/', extensions: { '.cgi': null } });
    expect(isSource('/a.cgi')).toBe(true);
    expect(isSource('/sub/a.cgi')).toBe(true);
    expect(isSource('/sub/a.html')).toBe(false);
  });
});
