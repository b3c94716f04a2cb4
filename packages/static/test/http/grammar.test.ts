// The pure files: every function here answers from its arguments alone.

import * as fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { canonicalPath } from '../../src/canonical-target.ts';
import { acceptedCodings, CODINGS } from '../../src/http/content-coding.ts';
import { contentTypeOf, isCompressible, parseMimeTypes } from '../../src/http/content-type.ts';
import { anyGlob, anyGlobAbove, globProblem, isHashedName } from '../../src/options/globs.ts';
import { formatHttpDate, parseHttpDate } from '../../src/http/http-date.ts';
import { siteLocation } from '../../src/site/location.ts';
import { multipartRanges } from '../../src/http/multipart-ranges.ts';
import { isWindowsName, sitePath } from '../../src/files/path.ts';
import { parseRange, resolveRanges } from '../../src/http/range.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { hasRested } from '../../src/http/validators.ts';

describe('canonicalPath', () => {
  test.each([
    ['/a/b?c=%2F&d#e', '/a/b', 'c=%2F&d'],
    ['/a//b///c/', '/a/b/c/', undefined],
    ['/a/./b/../c/.', '/a/c/', undefined],
    ['/a/b/..', '/a/', undefined],
    ['/..a/...', '/..a/...', undefined],
    ['/%25%32%65', '/%2e', undefined],
    ['/caf\u00c3\u00a9', '/café', undefined],
    ['HTTP://Host:80/x?y', '/x', 'y'],
    ['https://host', '/', undefined],
    ['https://host?y', '/', 'y'],
    ['/?', '/', ''],
  ])('%s is %s', (target, path, query) => {
    expect(canonicalPath(target)).toEqual({ path, query });
  });

  test.each([
    '',
    'a',
    '*',
    'ftp://h/a',
    'http:///a',
    '/..',
    '/a/../..',
    '/a/%2e%2e%2f..',
    '/%',
    '/%0',
    '/%g0',
    '/%00',
    '/\ud800',
    '/\u0100',
    '/%ed%a0%80',
    '/\u00ff',
  ])('%j has none', (target) => {
    expect(canonicalPath(target)).toBeUndefined();
  });

  test('of anything has no dot or empty segments, no NUL, no lone surrogate, and is its own canonical form', () => {
    const signs = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2F',
      '%5c',
      '\\',
      '%',
      '%00',
      'a',
      '?',
      '#',
      ' ',
      '%c3%a9',
      '\u00c3\u00a9',
    );
    const targets = fc.oneof(
      fc.array(signs).map((parts) => `/${parts.join('')}`),
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
    );
    fc.assert(
      fc.property(targets, (target) => {
        const canonical = canonicalPath(target);
        if (canonical === undefined) return;
        const { path } = canonical;
        expect(path).toMatch(/^\/(?:[^/\0]+(?:\/[^/\0]+)*\/?)?$/);
        expect(path.split('/').filter((segment) => segment === '.' || segment === '..')).toEqual([]);
        expect(path).not.toMatch(/\p{Surrogate}/u);
        expect(canonicalPath(encodeURI(path).replace(/[?#]/g, encodeURIComponent))?.path).toBe(path);
      }),
    );
  });
});

describe('sitePath', () => {
  const settings = settingsOf(import.meta.dirname, {});

  test('of anything names only what is below the root', () => {
    const parts = fc.constantFrom('/', '..', '.', '\\', '\0', 'a', '.well-known', ':', ' ', '\ud800');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts).map((all) => all.join('')),
        ),
        (pathInfo) => {
          const path = sitePath(pathInfo, settings);
          if (typeof path === 'number') return;
          for (const segment of path.segments) expect(segment).not.toMatch(/^(?:\.\.?)?$|[/\0]|^\.(?!well-known$)/);
        },
      ),
    );
  });

  test('on Windows refuses backslashes', () => {
    expect(sitePath('/a\\..\\b', { ...settings, platform: 'win32', windowsNames: 'deny' })).toBe(400);
  });
});

describe('isWindowsName', () => {
  test.each([
    'CON',
    'con',
    'nul.txt',
    'aux.tar.gz',
    'com1 .txt',
    'COM1',
    'lpt9.x',
    'com\u00b9',
    'conin$',
    'a.txt.',
    'a.txt ',
    'a.txt::$DATA',
    'C:',
    'PROGRA~1',
    'A~1.TXT',
    'a\\b',
    'a|b',
    'a"b',
    'tab\t',
  ])('%j is one', (name) => {
    expect(isWindowsName(name)).toBe(true);
  });

  test.each(['console', 'nullify.txt', 'com10', 'a.txt', 'auxiliary', 'x.con', 'a~b', '.well-known', 'é ü.txt'])(
    '%j is none',
    (name) => {
      expect(isWindowsName(name)).toBe(false);
    },
  );
});

describe('ranges', () => {
  /** Which bytes a set asks for, by its definition in RFC 9110 §14.1.2. */
  function bytesAsked(value: string, length: number): Set<number> {
    const asked = new Set<number>();
    for (const member of value.split(',')) {
      const [first = '', last = ''] = member.split('-');
      for (let at = 0; at < length; at++) {
        const isIn =
          first === '' ? at >= length - Number(last) : at >= Number(first) && (last === '' || at <= Number(last));
        if (isIn) asked.add(at);
      }
    }
    return asked;
  }

  test('cover exactly the bytes that were asked for, ascending and apart', () => {
    const member = fc.oneof(
      fc.nat(30).map((first) => `${first}-`),
      fc.nat(30).map((suffix) => `-${suffix}`),
      fc.tuple(fc.nat(30), fc.nat(30)).map(([first, more]) => `${first}-${first + more}`),
    );
    fc.assert(
      fc.property(
        fc.array(member, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 25 }),
        (members, length) => {
          const ranges = resolveRanges(parseRange(`bytes=${members.join(',')}`) ?? [], length);
          const asked = bytesAsked(members.join(','), length);
          if (ranges === undefined) return;
          const given = new Set<number>();
          let previousEnd = -1;
          for (const { start, end } of ranges === 'unsatisfiable' ? [] : ranges) {
            expect(start).toBeGreaterThan(previousEnd);
            expect(end).toBeGreaterThan(start);
            for (let at = start; at < end; at++) given.add(at);
            previousEnd = end;
          }
          expect(given).toEqual(asked);
          expect(ranges === 'unsatisfiable').toBe(asked.size === 0);
        },
      ),
    );
  });

  test('as multipart have the length that was announced', () => {
    const { parts, length } = multipartRanges(
      [
        { start: 0, end: 5 },
        { start: 9, end: 10 },
      ],
      10,
      'text/plain',
    );
    const sum = parts.reduce((total, part) => total + ('start' in part ? part.end - part.start : part.length), 0);
    expect(length).toBe(sum);
  });
});

describe('HTTP dates', () => {
  test('come back from their preferred form', () => {
    const dates = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
    fc.assert(
      fc.property(dates, (date) => {
        expect(parseHttpDate(formatHttpDate(date.getTime()))).toBe(Math.floor(date.getTime() / 1000) * 1000);
      }),
    );
  });

  test('with two-digit years are at most 50 years ahead', () => {
    const year = (new Date().getUTCFullYear() + 51) % 100;
    const date = parseHttpDate(`Monday, 01-Jan-${String(year).padStart(2, '0')} 00:00:00 GMT`) ?? 0;
    expect(new Date(date).getUTCFullYear()).toBe(new Date().getUTCFullYear() + 51 - 100);
  });
});

describe('acceptedCodings', () => {
  test.each([
    ['gzip;q=0.8, zstd;q=0.9, br;q=0.1', ['zstd', 'gzip', 'br']],
    ['*;q=0.5, gzip', ['gzip', 'br', 'zstd']],
    ['*, br;q=0', ['zstd', 'gzip']],
    ['identity, gzip;q=0.9', []],
    ['gzip;q=1.5', []],
    ['gzip;q=0.0001', []],
    ['gzip ; q=0.5', ['gzip']],
    [',,gzip,', ['gzip']],
  ])('%s takes %j', (value, codings) => {
    expect(acceptedCodings(value, CODINGS)).toEqual(codings);
  });
});

describe('names', () => {
  test.each([
    ['app-BsQk3x9Z.js', true],
    ['main.8f3a9c1d.css', true],
    ['chunk-4GQ7ZLSA.mjs.map', true],
    ['index.html', false],
    ['jquery-migrate.js', false],
    ['my-document.txt', false],
    ['bootstrap.min.js', false],
    ['report-2024.pdf', false],
    ['photo-20240101.jpg', false],
    ['report-final2024.pdf', false],
    ['my-MyDocument.txt', false],
  ])('%s with a content hash: %s', (name, isHashed) => {
    expect(isHashedName(`deep/er/${name}`)).toBe(isHashed);
  });

  test('without a slash in their glob are found anywhere, with a leading one at the root only', () => {
    const anywhere = anyGlob(['*.key', 'docs/*.md', '/top.txt'], { ignoreCase: false });
    const found = ['a.key', 'x/y/.key', 'x/a.key', 'docs/a.md', 'x/docs/a.md', 'top.txt', 'x/top.txt', 'a.KEY'].filter(
      anywhere,
    );
    expect(found).toEqual(['a.key', 'x/y/.key', 'x/a.key', 'docs/a.md', 'top.txt']);
  });

  test('are read as picomatch reads the same globs', () => {
    const signs = fc.constantFrom(
      'a',
      'b',
      'B',
      '.',
      '-',
      '*',
      '?',
      '/',
      '**',
      '[ab]',
      '[^a]',
      '[a-b]',
      '{a,b}',
      '{a,b/c,}',
      String.raw`\*`,
    );
    const globs = fc.array(signs, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));
    const names = fc.array(fc.constantFrom('a', 'b', 'B', '.', '-', '*', 'c'), { minLength: 1, maxLength: 5 });
    const paths = fc
      .array(
        names.map((parts) => parts.join('')),
        { minLength: 1, maxLength: 4 },
      )
      .map((all) => all.join('/'));
    // Where picomatch is of two minds: `a/**` includes `a`, and `*/**` does not; `*.*` wants something after the dot.
    const isOdd = (glob: string): boolean =>
      /[*?]\/\*\*|^\*+\.\*+$/.test(glob) ||
      /\*{3}|[^/{,]\*\*|\*\*[^/},]|\/\/|^\/|\/$|[@!+?*]\(|\{[^}]*\*\*|\.\//.test(glob) ||
      /(?:^|\/)\.{1,2}(?:\/|$)|\*\{|\}\*|\{[^}]*\/[^}]*\}/.test(glob);
    fc.assert(
      fc.property(globs, paths, fc.boolean(), (glob, path, ignoreCase) => {
        fc.pre(!isOdd(glob) && globProblem(glob) === undefined && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path));
        const theirs = picomatch(glob, { dot: true, nocase: ignoreCase, basename: !glob.includes('/') });
        expect([glob, path, anyGlob([glob], { ignoreCase })(path)]).toEqual([glob, path, theirs(path)]);
      }),
      { numRuns: 5000 },
    );
  });

  test('take a time in proportion to the path, whatever the globs', () => {
    const hide = [
      '**/*a*a*a*a*b/**',
      '**/tmp/**/cache/**',
      '**/a/**/a/**/a/**/b',
      '*.bak',
      '{*a*,*b*}{*a*,*b*}x',
      '**/?*?*?*b',
    ];
    const test = anyGlobAbove(hide, { ignoreCase: true });
    const settings = settingsOf('.', { hide });
    const worst = [
      'a/'.repeat(2_047),
      `${'a'.repeat(250)}/`.repeat(16),
      'a'.repeat(4_000),
      'tmp/'.repeat(1_000),
      'tmp/cach/'.repeat(400),
    ];
    for (const path of worst) {
      const names = path.split('/').filter((name) => name !== '');
      expect(test(names)).toBe(false);
      // A hundred of them in the time that one took with backtracking.
      for (let count = 0; count < 100; count++) sitePath(`/${path}`, settings);
    }
  });

  test.each(['!(a)', '+(a|b)', '@(a)', '{a', 'a}', '[a', '{1..9}', '{a,b}'.repeat(9), 'a/'.repeat(31)])(
    'that may backtrack or multiply are refused: %s',
    (glob) => {
      expect(globProblem(glob)).toBeDefined();
      expect(() => settingsOf('.', { hide: [glob] })).toThrow(/^hide\.0: expected a glob/);
    },
  );

  test('have types, by overrides first, and text has a charset', () => {
    const options = {
      types: new Map([['x', 'text/x-x']]),
      defaultType: 'application/octet-stream',
      charset: 'utf-8',
    } as const;
    const types = ['a.x', 'a.X', 'Makefile', '.html', 'a.tar.gz', 'a.cts', 'a.css'].map((name) =>
      contentTypeOf(name, options),
    );
    const [text, octets] = ['text/x-x; charset=utf-8', 'application/octet-stream'];
    expect(types).toEqual([
      text,
      text,
      octets,
      octets,
      'application/gzip',
      'text/typescript; charset=utf-8',
      'text/css; charset=utf-8',
    ]);
  });

  test('of types that pay to compress', () => {
    const types = ['text/html; charset=utf-8', 'application/ld+json', 'application/wasm', 'image/svg+xml', 'font/ttf'];
    expect(types.filter(isCompressible)).toEqual(types);
    expect(
      ['image/png', 'font/woff2', 'application/gzip', 'application/octet-stream', 'video/mp4'].filter(isCompressible),
    ).toEqual([]);
  });

  test('are read from a mime.types file', () => {
    expect(parseMimeTypes('# c\n\ntext/a\ta B # x\r\ntext/none\n')).toEqual([
      ['a', 'text/a'],
      ['b', 'text/a'],
    ]);
  });
});

describe('siteLocation', () => {
  test('never names another host', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string({ minLength: 1 })), (scriptName, segments) => {
        const location = siteLocation(scriptName, segments, { isDirectory: true, query: undefined });
        if (location !== undefined) expect(new URL(location, 'http://site.example/').host).toBe('site.example');
      }),
    );
  });
});

describe('hasRested', () => {
  test('is false within a clock tick of the change, and knows coarse clocks', () => {
    expect(hasRested(1_000_000.5, 1_000_010)).toBe(false);
    expect(hasRested(1_000_000.5, 1_000_030)).toBe(true);
    expect(hasRested(1_000_000, 1_001_000)).toBe(false);
    expect(hasRested(1_000_000, 1_003_000)).toBe(true);
  });
});
