// The reading of a path beside what file systems and other libraries make of it.

import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalPath } from '../../src/request/canonical-path.ts';

describe('canonicalPath', () => {
  test.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['//a///b//', '//a///b//'],
    ['/a%20b', '/a b'],
    ['/%C3%BC', '/ü'],
    ['/\xc3\xbc', '/ü'],
    ['/a%2Fb', '/a/b'],
    ['/a/./b', '/a/b'],
    ['/a/.', '/a/'],
    ['/a/b/..', '/a/'],
    ['/a/b/../c', '/a/c'],
    ['/a/%2e%2E/c', '/c'],
    ['/a//../b', '/b'],
    ['/a/b//..//c', '/a//c'],
    ['/...', '/...'],
    ['/a..', '/a..'],
    ['/..a', '/..a'],
    ['/%25', '/%'],
    ['/%252e%252e/', '/%2e%2e/'],
    ['/a;b=c', '/a;b=c'],
    ['/a+b', '/a+b'],
  ])('reads %s as %s', (path, canonical) => {
    expect(canonicalPath(path)).toBe(canonical);
  });

  test.each([
    ['climbs above the root', '/..'],
    ['climbs above it after a descent', '/a/../..'],
    ['climbs above it past empty segments', '//..'],
    ['climbs above it in code', '/%2e%2e/a'],
    ['has NUL', '/a%00b'],
    ['has NUL as it is', '/a\0b'],
    ['ends within an escape', '/a%2'],
    ['has an escape without digits', '/a%zz'],
    ['is no UTF-8', '/%ff'],
    ['is no UTF-8 on the wire', '/\xff'],
    ['has half a character', '/%C3'],
    ['has a slash in a way too long', '/a%c0%afb'],
    ['has characters that are no octets', '/ü\u0100'],
    ['does not begin with a slash', 'a/b'],
    ['is empty', ''],
    ['is a URL', 'http://a/b'],
    ['reads differently to a guard that resolves dots first', '/admin%2Fx/../secret'],
    ['does so with an encoded dot', '/admin%2fx/%2e./secret'],
  ])('has no reading of a path that %s', (_, path) => {
    expect(canonicalPath(path)).toBeUndefined();
  });

  const segments = fc.array(fc.constantFrom('', '.', '..', 'a', 'b.c', '...', 'ü', 'a b'), { maxLength: 8 });
  const merged = (path: string): string => path.replaceAll(/\/+/g, '/');

  test('leads to the file that the path leads to', () => {
    fc.assert(
      fc.property(segments, (parts) => {
        const path = `/${parts.map(encodeURI).join('/')}`;
        const canonical = canonicalPath(path);
        // Climbing above the root is no error to a file system, so a name above it tells.
        const file = posix.resolve(`/top${decodeURI(path)}`);
        if (file !== '/top' && !file.startsWith('/top/')) expect(canonical).toBeUndefined();
        if (canonical !== undefined) expect(posix.resolve(`/top${canonical}`)).toBe(file);
      }),
      { numRuns: 500 },
    );
  });

  test('agrees with a URL where there are no empty segments', () => {
    fc.assert(
      fc.property(segments, (parts) => {
        const path = `/${parts
          .filter((part) => part !== '')
          .map(encodeURI)
          .join('/')}`;
        const canonical = canonicalPath(path);
        const { pathname } = new URL(path, 'http://host');
        if (canonical !== undefined) expect(canonical).toBe(decodeURI(pathname));
      }),
      { numRuns: 500 },
    );
  });

  test('means the same however much of it is encoded', () => {
    fc.assert(
      fc.property(segments, fc.array(fc.boolean(), { minLength: 1 }), (parts, choices) => {
        const plain = `/${parts.join('/')}`;
        let index = 0;
        const encoded = Array.from(Buffer.from(plain), (byte) => {
          const isEncoded = byte > 0x7f || (byte !== 0x2f && choices[index++ % choices.length] === true);
          return isEncoded ? `%${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte);
        }).join('');
        expect(canonicalPath(encoded)).toBe(canonicalPath(`/${parts.map(encodeURI).join('/')}`));
      }),
      { numRuns: 300 },
    );
  });

  test('has no dot segment left, and is its own reading', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('/', '.', '%2e', '%2f', 'a', '%25'), maxLength: 14 }), (text) => {
        const canonical = canonicalPath(`/${text}`);
        if (canonical === undefined) return;
        expect(canonical).not.toMatch(/\/\.{1,2}(?:\/|$)/);
        expect(merged(canonicalPath(canonical.replaceAll('%', '%25')) ?? '')).toBe(merged(canonical));
      }),
      { numRuns: 500 },
    );
  });
});
