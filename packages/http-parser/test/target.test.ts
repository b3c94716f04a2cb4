// Forms of a request-target by method, and http URIs against URL.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTarget } from '../src/target.ts';

const read = (method: string, target: string): readonly unknown[] | undefined => {
  const found = readTarget(method, target);
  return found === undefined ? undefined : [found.form, found.pathAndQuery, found.authority];
};

const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND', 'get', 'connect'];

describe('a target', () => {
  test.each(METHODS)('in origin form is any path, with %s', (method) => {
    for (const target of ['/', '//', '/a?b', '/*', '/a:80', '/http://b/', '/%', '/"<>|{}']) {
      expect(read(method, target)).toEqual(['origin', undefined, undefined]);
    }
  });

  test.each(METHODS)('in asterisk form is for OPTIONS alone, with %s', (method) => {
    expect(read(method, '*')).toEqual(method === 'OPTIONS' ? ['asterisk', undefined, undefined] : undefined);
    expect(read(method, '*/')).toBeUndefined();
    expect(read(method, '**')).toBeUndefined();
  });

  test.each([
    ['a:80', true],
    ['a.example:443', true],
    ['[::1]:8080', true],
    ['a', false],
    ['a:', false],
    ['a:x', false],
    ['a:65536', false],
    [':80', false],
    ['[::1]', false],
    ['a:80/', false],
    ['user@a:80', false],
    ['/', false],
    ['*', false],
    ['http://a/', false],
  ])('in authority form is for CONNECT, and nothing else is: %s', (target, isIt) => {
    expect(read('CONNECT', target)).toEqual(isIt ? ['authority', '', target] : undefined);
    // Another method has no such target.
    if (isIt) expect(read('GET', target)).toBeUndefined();
  });

  test.each<readonly [string, string, readonly unknown[] | undefined]>([
    ['GET', 'http://a', ['absolute', '/', 'a']],
    ['GET', 'http://a/', ['absolute', '/', 'a']],
    ['GET', 'HTTPS://a/b?c', ['absolute', '/b?c', 'a']],
    ['GET', 'http://a?b', ['absolute', '/?b', 'a']],
    ['GET', 'http://a:80/b', ['absolute', '/b', 'a:80']],
    ['GET', 'http://[::1]/b', ['absolute', '/b', '[::1]']],
    ['OPTIONS', 'http://a', ['absolute', '*', 'a']],
    ['OPTIONS', 'http://a/', ['absolute', '/', 'a']],
    ['OPTIONS', 'http://a?b', ['absolute', '/?b', 'a']],
    ['GET', 'http://', undefined],
    ['GET', 'http:///a', undefined],
    ['GET', 'http:/a', undefined],
    ['GET', 'http://user@a/', undefined],
    ['GET', 'http://user:pass@a/', undefined],
    ['GET', 'http://a:99999/', undefined],
    ['GET', 'http://a b/', undefined],
    ['GET', 'http://a,b/', undefined],
    ['GET', 'http://a\\b/', undefined],
    ['GET', 'ftp://a/', undefined],
    ['GET', 'ws://a/', undefined],
    ['GET', 'urn:a:b', undefined],
    ['GET', 'a', undefined],
    ['GET', '', undefined],
    ['GET', '?a', undefined],
  ])('%s %s', (method, target, expected) => {
    expect(read(method, target)).toEqual(expected);
  });

  test('in absolute form has the path and query that it was made of, and a host that URL knows', () => {
    const path = fc.webPath();
    const query = fc.option(fc.webQueryParameters(), { nil: undefined });
    fc.assert(
      fc.property(fc.webAuthority({ withPort: true }), path, query, (authority, rest, parameters) => {
        fc.pre(!authority.includes('@'));
        const end = `${rest}${parameters === undefined ? '' : `?${parameters}`}`;
        const found = readTarget('GET', `http://${authority}${end}`);
        expect(found?.authority).toBe(authority);
        expect(found?.pathAndQuery).toBe(end.startsWith('/') ? end : `/${end}`);
        const url = new URL(`http://${authority}${end}`);
        expect(url.hostname).toBe(authority.replace(/:\d*$/, '').toLowerCase());
      }),
    );
  });
});
