// What a file that nobody named may do: whatever the table of options has, no path in it leads out of its folder.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reasonsToAsk } from '../../../src/command-line/configuration/found-file.ts';
import type { Shape } from '../../../src/command-line/options/option.ts';
import { optionEntries } from '../../../src/command-line/options/table.ts';

let top: string;
let folder: string;

beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-found-'));
  folder = join(top, 'download');
  mkdirSync(join(folder, 'inside'), { recursive: true });
  mkdirSync(join(top, 'outside'));
  writeFileSync(join(top, 'outside/file'), '');
  symlinkSync('../outside', join(folder, 'link'));
  symlinkSync('inside', join(folder, 'inner'));
  symlinkSync('../outside/absent', join(folder, 'dangling'));
  symlinkSync('loop', join(folder, 'loop'));
});
afterAll(() => rmSync(top, { recursive: true }));

const reasons = (value: unknown): readonly string[] =>
  reasonsToAsk({
    value,
    path: join(folder, 'onezero.config.json'),
    shownPath: 'onezero.config.json',
    places: new Map(),
  });

/** Values of a shape in which each of its paths, one at a time, is the given one. */
function withPath(shape: Shape, path: string): readonly unknown[] {
  switch (shape.type) {
    case 'path':
      return [path];
    case 'list':
      return withPath(shape.item, path).map((item) => [item]);
    case 'map':
      return withPath(shape.value, path).map((value) => ({ '/key': value }));
    case 'object':
      return Object.entries(shape.members).flatMap(([name, member]) =>
        withPath(member.shape, path).map((value) => ({ [name]: value })),
      );
    case 'either':
      return shape.shapes.flatMap((one) => withPath(one, path));
    default:
      return [];
  }
}

const withPaths = optionEntries
  .filter(([, { only, shape }]) => only !== 'command' && withPath(shape, '').length > 0)
  .map(([key, { shape }]) => [key, shape] as const);

describe('a path', () => {
  test('is in many options', () => {
    const names = withPaths.map(([key]) => key);
    expect(names).toEqual(
      expect.arrayContaining(['root', 'mount', 'internal', 'errorPages', 'auth', 'sites', 'live', 'logFile']),
    );
  });

  test.each(withPaths)('outside has to be asked for in %s, however it is written', (key, shape) => {
    for (const path of [
      '..',
      '../outside',
      '/etc',
      'inside/../../x',
      'link',
      'link/new',
      './link/../link',
      'dangling',
      'loop',
    ]) {
      for (const value of withPath(shape, path)) {
        expect([value, reasons({ [key]: value }).join(' ')]).toEqual([
          value,
          expect.stringContaining('reaches outside its folder ('),
        ]);
      }
    }
  });

  test.each(withPaths)('inside need not be asked for in %s', (key, shape) => {
    for (const path of [
      '.',
      'inside',
      './inside/absent',
      'inner',
      'inner/absent/deep',
      'inside/..',
      '..inside',
      join(folder, 'inside'),
    ]) {
      for (const value of withPath(shape, path)) {
        expect([value, reasons({ [key]: value }).join(' ')]).toEqual([
          value,
          expect.not.stringContaining('reaches outside'),
        ]);
      }
    }
  });
});

describe('a reason', () => {
  test.each<readonly [unknown, readonly string[]]>([
    [{}, []],
    [[], []],
    ['text', []],
    [null, []],
    [{ root: 'inside', port: 80, cors: true, writable: true, webdav: true }, []],
    [{ root: '/etc', mount: { '/x': '/etc' } }, ['reaches outside its folder (root, mount)']],
    [
      {
        sites: [
          { path: '/a', root: '..' },
          { path: '/b', root: '/' },
        ],
      },
      ['reaches outside its folder (root)'],
    ],
    [{ certificates: [{ cert: '/a', key: 'inside' }] }, ['reaches outside its folder (cert)']],
    [{ symlinks: 'all' }, ['reaches outside its folder (symlinks)']],
    [{ symlinks: 'inside' }, []],
    [{ sites: [{ host: 'a', symlinks: 'all' }] }, ['reaches outside its folder (symlinks)']],
    [{ php: true }, ['would start programs (php)']],
    [{ php: false, cgi: [], wsgi: null }, []],
    [{ asgi: [{ application: 'a:b' }], app: [{ application: 'c:d' }] }, ['would start programs (asgi, app)']],
    [
      { proxy: [{ path: '/api', target: 'http://localhost:3000' }] },
      ['would pass requests on to other servers (proxy)'],
    ],
    [{ sites: [{ path: '/a', proxy: 'http://10.0.0.1' }] }, ['would pass requests on to other servers (proxy)']],
    [{ proxy: [] }, []],
    [{ host: '0.0.0.0' }, ['would let other machines connect']],
    [{ host: 'localhost' }, []],
    [{ host: false }, []],
    [{ listen: '127.0.0.1:80' }, []],
    [{ listen: ['127.0.0.1:80', ':81', '0.0.0.0:82'] }, ['would let other machines connect']],
    [
      { python: 'python3', host: true, root: '..' },
      ['would start programs (python)', 'would let other machines connect', 'reaches outside its folder (root)'],
    ],
  ])('%j has %j', (value, expected) => {
    expect(reasons(value)).toEqual(expected);
  });

  test('is not looked for in what is no value of the option', () => {
    for (const value of [5, true, null, [[5]], { a: { b: 5 } }, 'text\0']) {
      for (const [key] of withPaths) expect(() => reasons({ [key]: value })).not.toThrow();
    }
  });
});
