import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { serveStatic as serveFetch } from '../../src/fetch.ts';
import { serveStatic } from '../../src/index.ts';
import { serveStatic as serveNode } from '../../src/node.ts';
import { type Member, type Members, type Shape, staticTable } from '../../src/options.ts';

const root = mkdtempSync(join(tmpdir(), 'onezero-options-'));
afterAll(() => rmSync(root, { recursive: true }));

/** What a call threw, as plain JavaScript would make it. */
function thrownBy(make: (root: string, options: never) => unknown, options: unknown): unknown {
  try {
    make(root, options as never);
    return undefined;
  } catch (error) {
    return error;
  }
}

const WRONG: readonly [options: unknown, message: string][] = [
  [null, 'options: expected an object, not null'],
  ['public', 'options: expected an object, not "public"'],
  [[], 'options: expected an object, not an empty list'],
  [new Map([['listing', true]]), 'options: expected an object, not a Map'],
  [{ listings: true }, 'listings: is not an option; did you mean listing?'],
  [{ maxAge: 5, nothingLikeIt: 1 }, 'maxAge: is not an option; did you mean maxAgeSeconds?'],
  [{ index: true }, 'index: expected a list or false, not true'],
  [{ index: 'home.html' }, 'index: expected a list or false, not "home.html"; put it into [ ]'],
  [{ index: ['../x'] }, 'index.0: expected the name of a file, not "../x"'],
  [{ index: ['a.html', ''] }, 'index.1: expected the name of a file, not ""'],
  [{ index: [undefined] }, 'index.0: expected the name of a file, not undefined'],
  [{ listing: 'yes' }, 'listing: expected true or false or an object, not "yes"'],
  [{ listing: { pageEntrys: 5 } }, 'listing.pageEntrys: is not an option; did you mean listing.pageEntries?'],
  [{ listing: { pageEntries: 0 } }, 'listing.pageEntries: expected a whole number from 1 up, not 0'],
  // Names that these options had once.
  [{ compress: false }, 'compress: is not an option; did you mean compression?'],
  [{ errorPages: true }, 'errorPages: is not an option; did you mean statusPages?'],
  [{ maxCacheBytes: 0 }, 'maxCacheBytes: is not an option; did you mean cacheMemoryBytes?'],
  [{ mimeTypes: 'mime.types' }, 'mimeTypes: is not an option; did you mean typesFile?'],
  [{ single: true }, 'single: is not an option; did you mean fallback?'],
  [{ dotfiles: 'ignore' }, 'dotfiles: expected "deny" or "allow" or a list, not "ignore"'],
  [{ symlinks: false }, 'symlinks: expected "deny", "inside" or "all", not false'],
  [{ hide: '*.key' }, 'hide: expected a list, not "*.key"; put it into [ ]'],
  [{ hide: [5] }, 'hide.0: expected a glob, not 5'],
  [{ hide: ['/'] }, 'hide.0: expected a glob, not "/"'],
  [{ types: new Map() }, 'types: expected an object, not a Map'],
  [{ types: { md: 5 } }, 'types.md: expected a media type, not 5'],
  [{ types: { md: 'markdown' } }, 'types.md: expected a media type, not "markdown"'],
  [{ typesFile: '' }, 'typesFile: expected a path, not ""'],
  [{ defaultType: 'x/y\r\nSet-Cookie: a' }, 'defaultType: expected a media type, not "x/y\\r\\nSet-Cookie: a"'],
  [{ charset: true }, 'charset: expected the name of a charset or false, not true'],
  [{ etag: true }, 'etag: expected "strong", "weak", "content", "state" or false, not true'],
  [{ lastModified: 'no' }, 'lastModified: expected true or false, not "no"'],
  [{ ranges: null }, 'ranges: expected true or false, not null'],
  [{ maxAgeSeconds: -1 }, 'maxAgeSeconds: expected a whole number of seconds, not -1'],
  [{ maxAgeSeconds: '1d' }, 'maxAgeSeconds: expected a whole number of seconds, not "1d"'],
  [{ maxAgeSeconds: Number.NaN }, 'maxAgeSeconds: expected a whole number of seconds, not NaN'],
  [{ immutable: '*.js' }, 'immutable: expected true or false or a list, not "*.js"; put it into [ ]'],
  [{ cacheControl: false }, 'cacheControl: expected a list, not false'],
  [{ cacheControl: [{ glob: '*' }] }, 'cacheControl.0.value: is missing'],
  [
    { cacheControl: [{ glob: '*', value: 'a\nb' }] },
    'cacheControl.0.value: expected a text without control characters and characters above U+00FF, not "a\\nb"',
  ],
  [{ compression: { codings: ['lzma'] } }, 'compression.codings.0: expected "br", "zstd" or "gzip", not "lzma"'],
  [{ compression: { minBytes: 1.5 } }, 'compression.minBytes: expected a whole number of bytes, not 1.5'],
  [{ cleanUrls: true }, 'cleanUrls: expected "off", "lookup" or "redirect", not true'],
  [{ extensions: 'html' }, 'extensions: expected a list, not "html"; put it into [ ]'],
  [{ fallback: 'index.html' }, 'fallback: expected a path that begins with /, not "index.html"'],
  [{ fallback: '/a/../../b' }, 'fallback: expected a path that begins with /, not "/a/../../b"'],
  [{ redirects: [{}] }, 'redirects.0.from: is missing'],
  [
    { redirects: [{ from: '/a', too: '/b', to: '/b' }] },
    'redirects.0.too: is not an option; did you mean redirects.0.to?',
  ],
  [
    { redirects: [{ from: '/a*', to: '/b' }] },
    'redirects.0.from: expected a path that begins with /, with a * only for the rest after a slash, not "/a*"',
  ],
  [
    { redirects: [{ from: '/a', to: '/b', status: 200 }] },
    'redirects.0.status: expected 301, 302, 303, 307 or 308, not 200',
  ],
  [
    { fieldRules: [{ glob: '*', fields: { 'X A': 'b' } }] },
    'fieldRules.0.fields.X A: expected the name of a field for a name',
  ],
  [
    { fieldRules: [{ glob: '*', fields: { 'X-A': 'b\r\nX-I: 1' } }] },
    'fieldRules.0.fields.X-A: expected a text without control characters and characters above U+00FF, not "b\\r\\nX-I: 1"',
  ],
  [{ cors: { origin: ['https://a.test'] } }, 'cors.origin: is not an option; did you mean cors.origins?'],
  [
    { cors: { origins: 'https://a.test' } },
    'cors.origins: expected "*" or a list, not "https://a.test"; put it into [ ]',
  ],
  [
    { cors: { origins: ['not an origin'] } },
    'cors.origins.0: expected an origin such as https://example.org, not "not an origin"',
  ],
  [
    { cors: { origins: ['https://A.example/'] } },
    'cors.origins.0: expected an origin such as https://a.example, not "https://A.example/"',
  ],
  [
    { cors: { origins: ['https://a.example:443'] } },
    'cors.origins.0: expected an origin such as https://a.example, not "https://a.example:443"',
  ],
  [{ cors: { credentials: 1 } }, 'cors.credentials: expected true or false, not 1'],
  [{ writable: { quota: 5 } }, 'writable.quota: is not an option; did you mean writable.quotaBytes?'],
  [{ writable: { quotaByte: 5 } }, 'writable.quotaByte: is not an option; did you mean writable.quotaBytes?'],
  [{ writable: { maxFileBytes: -1 } }, 'writable.maxFileBytes: expected a whole number of bytes or Infinity, not -1'],
  [{ cacheMemoryBytes: Infinity }, 'cacheMemoryBytes: expected a whole number of bytes, not Infinity'],
  [{ maxCachedFileBytes: 10n }, 'maxCachedFileBytes: expected a whole number of bytes, not 10'],
];

describe('a wrong option', () => {
  test.each(WRONG)('%o is one line that names it', (options, message) => {
    expect(thrownBy(serveStatic, options)).toEqual(new TypeError(message));
    expect(message).not.toContain('\n');
  });

  test.each(WRONG)('of the fetch adapter is as well: %o', (options, message) => {
    expect(thrownBy(serveFetch, options)).toEqual(new TypeError(message));
  });

  test.each([
    [null, 'options: expected an object, not null'],
    [{ maxage: '1d' }, 'maxage: is not an option; did you mean maxAge?'],
    [{ index: true }, 'index: expected a list, false or a text that is not empty, not true'],
    [{ index: [5] }, 'index.0: expected the name of a file, not 5'],
    [{ hide: [5] }, 'hide.0: expected a glob, not 5'],
    [{ redirects: [{}] }, 'redirects.0.from: is missing'],
    [{ cors: { origin: '*' } }, 'cors.origin: is not an option; did you mean cors.origins?'],
    [{ cacheControl: 'no-store' }, 'cacheControl: expected a list or true or false, not "no-store"'],
    [
      { cacheControl: [{ globs: '*', value: '' }] },
      'cacheControl.0.globs: is not an option; did you mean cacheControl.0.glob?',
    ],
    [{ dotfiles: 'hide' }, 'dotfiles: expected "deny", "allow" or "ignore", a list or true or false, not "hide"'],
    [{ setHeaders: {} }, 'setHeaders: expected a function (response, path, stats), not an object'],
    [{ onErr: 1 }, 'onErr: is not an option; did you mean onError?'],
    [{ redirect: 'no' }, 'redirect: expected true or false, not "no"'],
    [{ maxAge: {} }, 'maxAge: expected milliseconds or a time such as "1d", not an object'],
    [{ maxAge: -1 }, 'maxAge: expected milliseconds or a time such as "1d", not -1'],
    [{ maxAge: Number.NaN }, 'maxAge: expected milliseconds or a time such as "1d", not null'],
    [{ maxAge: 'soon' }, 'maxAge: expected milliseconds or a time such as "1d", not "soon"'],
    [{ extensions: true }, 'extensions: expected a list, a text that is not empty or false, not true'],
    [{ single: 5 }, 'single: expected a text that is not empty or true or false, not 5'],
  ])('of the node adapter is as well: %o', (options, message) => {
    expect(thrownBy(serveNode, options)).toEqual(new TypeError(message));
  });

  test.each([['files'], ['/a%zz'], ['/a/../..'], [5]])('of a mount is as well: %o', (mount) => {
    expect(thrownBy(serveFetch, { path: mount })).toMatchObject({ message: expect.stringMatching(/^path: /) });
  });

  test('of a mount is the path of other packages, by whatever name', () => {
    const problem = 'mount: is not an option; did you mean path?';
    expect(thrownBy(serveFetch, { mount: '/files' })).toEqual(new TypeError(problem));
  });

  test('is repeated in part only, however long', () => {
    const error = thrownBy(serveStatic, { symlinks: 'x'.repeat(1_000_000) });
    expect((error as Error).message.length).toBeLessThan(200);
    expect((thrownBy(serveStatic, { ['x'.repeat(100_000)]: 1 }) as Error).message).toMatch(/: is not an option$/);
  });
});

describe('the table', () => {
  /** Each member with its path, nested ones included. */
  function* members(table: Members, path = ''): Generator<readonly [path: string, member: Member]> {
    for (const [name, member] of Object.entries(table)) {
      yield [`${path}${name}`, member];
      yield* nested(member.shape, `${path}${name}.`);
    }
  }

  function* nested(shape: Shape, path: string): Generator<readonly [path: string, member: Member]> {
    if (shape.type === 'object') yield* members(shape.members, path);
    if (shape.type === 'list') yield* nested(shape.item, path);
    if (shape.type === 'either') for (const one of shape.shapes) yield* nested(one, path);
  }

  test('takes every default that it names', () => {
    for (const [name, member] of Object.entries(staticTable)) {
      if (member.default === undefined) continue;
      expect(thrownBy(serveStatic, { [name]: member.default })).toBe(undefined);
    }
  });

  test.each([...members(staticTable)])('refuses a symbol, and a near miss of the name, for %s', (path) => {
    const names = path.split('.');
    const valid: Readonly<Record<string, unknown>> = { glob: '*', value: '', fields: {}, from: '/a', to: '/b' };
    const isRule = ['cacheControl', 'redirects', 'fieldRules'].includes(names[0] ?? '') && names.length > 1;
    const inner = (name: string, value: unknown): unknown => {
      if (names.length === 1) return { [name]: value };
      return { [names[0] ?? '']: isRule ? [{ ...valid, [name]: value }] : { [name]: value } };
    };
    const last = names.at(-1) ?? '';
    expect(thrownBy(serveStatic, inner(last, Symbol('x')))).toBeInstanceOf(TypeError);
    expect(thrownBy(serveStatic, inner(`${last}x`, 1))).toBeInstanceOf(TypeError);
  });
});

test('members that are undefined are left out', () => {
  expect(thrownBy(serveStatic, { index: undefined, cors: { origins: undefined }, writable: undefined })).toBe(
    undefined,
  );
});
