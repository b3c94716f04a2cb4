// Options become settings: each in the form that the rest of the package uses, and what does not go together is refused.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StaticOptions } from '../../src/index.ts';
import { settingsOf } from '../../src/options/settings.ts';

let top: string;

beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-settings-'));
  mkdirSync(join(top, 'folder'));
  writeFileSync(join(top, 'folder/file.txt'), '');
  symlinkSync('folder/file.txt', join(top, 'link'));
  writeFileSync(join(top, 'mime.types'), 'text/one one\ntext/two two\n');
});
afterAll(() => rmSync(top, { recursive: true }));

const settings = (options: StaticOptions = {}) => settingsOf(top, options);

describe('the root', () => {
  test('is a directory, or the one file of a site', () => {
    expect(settingsOf(join(top, 'folder/..'), {})).toMatchObject({ root: top, onlyFile: undefined });
    expect(settingsOf(join(top, 'folder/file.txt'), {})).toMatchObject({
      root: join(top, 'folder'),
      onlyFile: 'file.txt',
    });
    expect(settingsOf(join(top, 'link'), {})).toMatchObject({ root: join(top, 'folder'), onlyFile: 'file.txt' });
  });

  test.each([
    ['', 'root: expected the path of a directory or file'],
    [undefined, 'root: expected the path of a directory or file'],
    ['/dev/null', 'root: /dev/null is neither a directory nor a file'],
    ['/absent/place', 'root: /absent/place does not exist'],
  ])('%s is none', (root, message) => {
    expect(() => settingsOf(root as string, {})).toThrow(message);
  });

  test('that is a file cannot be written to', () => {
    const link = join(top, 'link');
    expect(() => settingsOf(link, { writable: true })).toThrow(`root: ${link} is a file; writing needs a directory`);
    expect(settings({ writable: true }).write).toBeDefined();
  });
});

describe('without options', () => {
  test('all is as the documents say', () => {
    expect(settings()).toMatchObject({
      index: ['index.html'],
      listing: undefined,
      deny: [],
      isSource: undefined,
      extensions: ['html'],
      fallback: undefined,
      redirects: [],
      cors: undefined,
      write: undefined,
      ranges: true,
      lastModified: true,
      etag: 'strong',
      symlinks: 'inside',
      cleanUrls: 'off',
      charset: 'utf-8',
      defaultType: 'application/octet-stream',
    });
    expect(settings().compression.minBytes).toBe(1024);
    expect(settings().compression.codings).toEqual(
      'createZstdCompress' in zlib ? ['br', 'zstd', 'gzip'] : ['br', 'gzip'],
    );
  });
});

describe('dotfiles', () => {
  test.each<readonly [StaticOptions['dotfiles'], readonly boolean[]]>([
    [undefined, [false, false]],
    ['deny', [false, false]],
    ['allow', [true, true]],
    [['.env'], [true, false]],
    [
      ['.e*', '.git'],
      [true, true],
    ],
    [['.ENV'], [false, false]],
    [[], [false, false]],
  ])('%j', (dotfiles, expected) => {
    const { allowsDotfile } = settings({ dotfiles });
    expect(['.env', '.git'].map(allowsDotfile)).toEqual(expected);
  });
});

describe('Cache-Control', () => {
  const IMMUTABLE = 'public, max-age=31536000, immutable';
  const valueOf = (options: StaticOptions, path: string): string => settings(options).cacheControlOf(path);

  test.each<readonly [StaticOptions, string, string]>([
    [{}, 'a.html', 'no-cache'],
    [{ maxAgeSeconds: 60 }, 'a.html', 'public, max-age=60'],
    [{ immutable: true }, 'a.html', 'no-cache'],
    [{ immutable: true }, 'app-BsQk3x9Z.js', IMMUTABLE],
    [{ immutable: false }, 'app-BsQk3x9Z.js', 'no-cache'],
    [{ immutable: ['/assets/**'] }, 'assets/deep/a.css', IMMUTABLE],
    [{ immutable: ['/assets/**'] }, 'other/assets/a.css', 'no-cache'],
    [{ immutable: [] }, 'app-BsQk3x9Z.js', 'no-cache'],
    [{ immutable: true, cacheControl: [{ glob: '*.js', value: 'private' }] }, 'app-BsQk3x9Z.js', 'private'],
    [{ maxAgeSeconds: 5, cacheControl: [{ glob: '*.js', value: '' }] }, 'a.js', ''],
    [{ maxAgeSeconds: 5, cacheControl: [{ glob: '*.js', value: '' }] }, 'a.css', 'public, max-age=5'],
  ])('%j gives %s %j', (options, path, value) => {
    expect(valueOf(options, path)).toBe(value);
  });

  test('is that of the first rule that matches', () => {
    const cacheControl = [
      { glob: 'docs/**', value: 'first' },
      { glob: '*.html', value: 'second' },
      { glob: '**', value: 'third' },
    ];
    expect(['docs/a.html', 'a.html', 'a.css', 'x/docs/a.css'].map((path) => valueOf({ cacheControl }, path))).toEqual([
      'first',
      'second',
      'third',
      'third',
    ]);
  });
});

describe('fields by glob', () => {
  test('are those of every rule that matches, names in lower case, in the order of the rules', () => {
    const { fieldsOf } = settings({
      fieldRules: [
        { glob: '*.html', fields: { 'X-One': '1', 'x-two': '2' } },
        { glob: '/a.*', fields: { 'X-ONE': 'again' } },
        { glob: 'never', fields: { x: 'y' } },
      ],
    });
    expect(fieldsOf('a.html')).toEqual([
      ['x-one', '1'],
      ['x-two', '2'],
      ['x-one', 'again'],
    ]);
    expect(fieldsOf('b/a.css')).toEqual([]);
  });
});

describe('a listing', () => {
  test('has the members that are not given from the defaults', () => {
    expect(settings({ listing: true }).listing).toEqual({ pageEntries: 1000, archives: false });
    expect(settings({ listing: { archives: true } }).listing).toEqual({ pageEntries: 1000, archives: true });
    expect(settings({ listing: false }).listing).toBeUndefined();
  });

  test('is not there where a page answers for everything', () => {
    expect(settings({ listing: true, fallback: '/index.html' }).listing).toBeUndefined();
  });
});

describe('coding on the way', () => {
  test('is off, or with the members that are given', () => {
    expect(settings({ compression: false }).compression.codings).toEqual([]);
    expect(settings({ compression: { codings: ['gzip'], minBytes: 0 } }).compression).toMatchObject({
      codings: ['gzip'],
      minBytes: 0,
      maxBytes: 16 * 1024 * 1024,
    });
  });
});

describe('CORS', () => {
  test('allows all, or those that are named', () => {
    expect(settings({ cors: true }).cors).toMatchObject({ origins: '*', credentials: false, maxAgeSeconds: 600 });
    expect(settings({ cors: { origins: ['https://a.example'] } }).cors?.origins).toEqual(['https://a.example']);
    expect(settings({ cors: { origins: ['https://a.example', '*'] } }).cors?.origins).toBe('*');
    expect(settings({ cors: { allowFields: ['X-A'], exposeFields: ['ETag'] } }).cors).toMatchObject({
      allowFields: ['x-a'],
      exposeFields: ['etag'],
    });
  });

  test('never allows credentials to all', () => {
    const message = 'cors.credentials: needs a list of origins, not *';
    expect(() => settings({ cors: { credentials: true } })).toThrow(message);
    expect(() => settings({ cors: { credentials: true, origins: ['*', 'https://a.example'] } })).toThrow(message);
    expect(settings({ cors: { credentials: true, origins: ['https://a.example'] } }).cors?.credentials).toBe(true);
  });
});

test('extensions may be written with a dot', () => {
  expect(settings({ extensions: ['.html', 'htm', '.tar.gz'] }).extensions).toEqual(['html', 'htm', 'tar.gz']);
});

test('redirects are permanent unless they say otherwise', () => {
  const redirects = [
    { from: '/a', to: '/b' },
    { from: '/c', to: '/d', status: 307 as const },
  ];
  expect(settings({ redirects }).redirects.map(({ status }) => status)).toEqual([301, 307]);
});

test('types come from a file, and from the table over it', () => {
  const typesFile = join(top, 'mime.types');
  expect(Object.fromEntries(settings({ typesFile, types: { two: 'a/b' } }).types)).toEqual({
    one: 'text/one',
    two: 'a/b',
  });
  expect(() => settings({ typesFile: join(top, 'absent') })).toThrow(
    `typesFile: ${join(top, 'absent')} cannot be read`,
  );
});

test('paths that nobody may have are absolute', () => {
  expect(settings({ deny: ['relative', '/a/../b'] }).deny).toEqual([join(process.cwd(), 'relative'), '/b']);
});
