// The one reading of a path, against a second one that works segment by segment and an octet at a time.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalPath } from '../src/canonical-path.ts';

/** The octets of a raw path; undefined where one is no octet or an escape is none. */
function octets(path: string): readonly number[] | undefined {
  const found: number[] = [];
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    if (code > 0xff) return undefined;
    if (code !== 0x25) found.push(code);
    else {
      const digits = path.slice(at + 1, at + 3);
      if (!/^[0-9a-f]{2}$/i.test(digits)) return undefined;
      found.push(Number.parseInt(digits, 16));
      at += 2;
    }
  }
  return found;
}

/** Text of octets; undefined where they are not UTF-8 or have a NUL. */
function textOf(bytes: readonly number[]): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

/** Dot segments taken out; empty segments before `..` go with the one that it removes. */
function resolve(path: string): string | undefined {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '..') {
      let at = kept.length - 1;
      while (kept[at] === '') at--;
      if (at < 0) return undefined;
      kept.length = at;
    }
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (isLast) kept.push('');
  }
  return `/${kept.join('/')}`;
}

function reading(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  const bytes = octets(path);
  const text = bytes === undefined ? undefined : textOf(bytes);
  const first = text === undefined ? undefined : resolve(text);
  if (!/%2f/i.test(path)) return first;
  // The other order: dots first, and then the escapes.
  const dots = resolve(path.replaceAll(/%2e/gi, '.'));
  const second = dots === undefined ? undefined : octets(dots);
  return second === undefined || textOf(second) !== first ? undefined : first;
}

const parts = fc.constantFrom(
  '/',
  '/',
  '/',
  '.',
  '..',
  '%2e',
  '%2E',
  '%2f',
  '%2F',
  '%5c',
  '\\',
  '%00',
  '%',
  '%4',
  '%25',
  '%252e',
  'a',
  'bc',
  ' ',
  '%c3%a9',
  '\u00c3\u00a9',
  '%c3',
  '\u00a9',
  '%ed%a0%80',
  '%f0%9f%98%80',
  '%ef%bb%bf',
  '\u0100',
  ';',
  '+',
  '?',
);

describe('canonicalPath', () => {
  test('is what the second reading is', () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), fc.boolean(), (all, isRooted) => {
        const path = (isRooted ? '/' : '') + all.join('');
        expect([path, canonicalPath(path)]).toEqual([path, reading(path)]);
      }),
      { numRuns: 5000 },
    );
  });

  test('of a plain path is the path, unchanged', () => {
    const plain = fc.string({
      unit: fc.constantFrom('a', 'Z', '0', '-', '_', '~', '!', '/', '=', ' ', '&'),
      maxLength: 30,
    });
    fc.assert(
      fc.property(plain, (text) => {
        expect(canonicalPath(`/${text}`)).toBe(`/${text}`);
      }),
    );
  });

  test.each([
    ['/a//../b', '/b'],
    ['/a///../../b', undefined],
    ['/a/b//../c', '/a/c'],
    ['/a/./', '/a/'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/./', '/'],
    ['/.', '/'],
    ['/..', undefined],
    ['//..', undefined],
    ['/%2e%2e', undefined],
    ['/a/%2e%2e/b', '/b'],
    ['/...', '/...'],
    ['/.a/..b', '/.a/..b'],
    ['/a%2fb', '/a/b'],
    ['/a%2fb/../c', undefined],
    ['/admin%2Fx/../secret', undefined],
    ['/a/b%2f..', undefined],
    ['/%2f', '//'],
    ['/%252e%252e/', '/%2e%2e/'],
    ['/a\\..\\b', '/a\\..\\b'],
    ['/a;x=1/b', '/a;x=1/b'],
    ['/a+b', '/a+b'],
    ['', undefined],
    ['a', undefined],
    ['/%EF%BF%BE', '/\ufffe'],
  ])('%j is %j', (path, expected) => {
    expect(canonicalPath(path)).toBe(expected);
  });

  test('is not read a second time: what stays encoded is meant so', () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 10 }), (all) => {
        const once = canonicalPath(`/${all.join('')}`);
        if (once === undefined) return;
        const encoded = once.split('/').map(encodeURIComponent).join('/');
        expect(canonicalPath(encoded)).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });
});
