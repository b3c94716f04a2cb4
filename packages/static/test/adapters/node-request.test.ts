// What the core is asked, from requests as Node, Connect and Express hand them over, edited or not.

import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isContentGone, readRequest, redirectedAsAsked } from '../../src/adapters/node-request.ts';

interface Given {
  readonly httpVersionMajor?: number;
  readonly method?: string;
  readonly url?: string;
  readonly originalUrl?: unknown;
  readonly baseUrl?: unknown;
  readonly httpVersion?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly readableDidRead?: boolean;
}

const requestOf = (given: Given): IncomingMessage =>
  ({ method: 'GET', httpVersion: '1.1', headers: {}, readableDidRead: false, ...given }) as unknown as IncomingMessage;

const read = (given: Given) => {
  const found = readRequest(requestOf(given));
  if (found === undefined) return undefined;
  const { scriptName, pathInfo, query } = found.message;
  return [scriptName, pathInfo, query, found.rewrittenFrom?.path];
};

describe('a request', () => {
  test.each<readonly [string, Given, readonly unknown[]]>([
    ['of Node', { url: '/a/b?x=1' }, ['', '/a/b', 'x=1', undefined]],
    ['of Node for the top', { url: '/' }, ['', '/', undefined, undefined]],
    ['in absolute form', { url: 'http://host.example/a?b' }, ['', '/a', 'b', undefined]],
    ['with an empty query', { url: '/a?' }, ['', '/a', '', undefined]],
    ['with dots', { url: '/a/../b/%2e/c' }, ['', '/b/c', undefined, undefined]],
    ['with bytes', { url: '/caf%C3%A9' }, ['', '/café', undefined, undefined]],
    ['of Connect below a mount', { url: '/b?x', originalUrl: '/m/b?x' }, ['/m', '/b', 'x', undefined]],
    ['of Connect for a mount with its slash', { url: '/', originalUrl: '/m/' }, ['/m', '/', undefined, undefined]],
    ['of Connect for a mount itself', { url: '/', originalUrl: '/m' }, ['/m', '', undefined, undefined]],
    ['of Express below a mount', { url: '/b', originalUrl: '/m/b', baseUrl: '/m' }, ['/m', '/b', undefined, undefined]],
    ['of Express for a mount itself', { url: '/', originalUrl: '/m', baseUrl: '/m' }, ['/m', '', undefined, undefined]],
    ['of Express at the top', { url: '/b', originalUrl: '/b', baseUrl: '' }, ['', '/b', undefined, undefined]],
    [
      'of Express below an encoded mount',
      { url: '/b', originalUrl: '/m%20n/b', baseUrl: '/m%20n' },
      ['/m n', '/b', undefined, undefined],
    ],
    ['that was rewritten', { url: '/new', originalUrl: '/old' }, ['', '/new', undefined, '/old']],
    ['whose query was rewritten', { url: '/a?new', originalUrl: '/a?old' }, ['', '/a', 'new', '/a']],
    [
      'that was rewritten below a mount',
      { url: '/new', originalUrl: '/m/old', baseUrl: '/m' },
      ['/m', '/new', undefined, '/m/old'],
    ],
    ['whose original is no path', { url: '/a', originalUrl: '/%' }, ['', '/a', undefined, undefined]],
    ['whose original is no text', { url: '/a', originalUrl: 5, baseUrl: {} }, ['', '/a', undefined, undefined]],
    ['without a slash, as some rewrite it', { url: 'a/b' }, ['', '/a/b', undefined, '/a/b']],
  ])('%s', (_, given, expected) => {
    const found = read(given);
    // A target that was no path before it was read has no original of its own.
    if (given.url === 'a/b') expect(found?.slice(0, 3)).toEqual(expected.slice(0, 3));
    else expect(found).toEqual(expected);
  });

  test.each(['*', '/%', '/%00', '/..', '/a/../../b', 'http://', '/\u0100'])('for %j is none', (url) => {
    expect(readRequest(requestOf({ url }))).toBeUndefined();
  });

  test('below any mount asks for what is left, and together they are what was asked for', () => {
    const name = fc.constantFrom('a', 'b c', 'é', '..x', '%', '#', '?');
    const path = fc.array(name, { minLength: 1, maxLength: 3 });
    const encoded = (names: readonly string[]): string => names.map((one) => `/${encodeURIComponent(one)}`).join('');
    fc.assert(
      fc.property(path, path, fc.boolean(), fc.boolean(), (mount, rest, isExpress, isDirectory) => {
        const end = isDirectory ? '/' : '';
        const url = `${encoded(rest)}${end}?q`;
        const found = readRequest(
          requestOf({
            url,
            originalUrl: `${encoded(mount)}${url}`,
            ...(isExpress ? { baseUrl: encoded(mount) } : {}),
          }),
        );
        expect(found?.message.scriptName).toBe(`/${mount.join('/')}`);
        expect(found?.message.pathInfo).toBe(`/${rest.join('/')}${end}`);
        expect(found?.rewrittenFrom).toBeUndefined();
      }),
    );
  });

  test('has its fields as they were edited, each line by itself', () => {
    const headers = { accept: 'a/b', 'set-cookie': ['one', 'two'], gone: undefined };
    expect(readRequest(requestOf({ url: '/', headers }))?.message.fields).toEqual([
      ['accept', 'a/b'],
      ['set-cookie', 'one'],
      ['set-cookie', 'two'],
    ]);
  });

  test('has version and method', () => {
    const of = (given: Given) => readRequest(requestOf({ url: '/', ...given }))?.message;
    expect(of({ httpVersion: '1.0' })?.version).toBe('1.0');
    expect(of({ httpVersion: '2.0' })?.version).toBe('1.1');
    expect(of({ method: 'PUT' })?.method).toBe('PUT');
    expect(readRequest(requestOf({}))?.message.pathInfo).toBe('/');
  });
});

describe('the redirect to a slash', () => {
  const redirect = { status: 301, fields: [['location', 'folder/']] as const };

  test('is for the path that the client knows', () => {
    const locationOf = (given: Given): string | undefined => {
      const found = readRequest(requestOf(given));
      return found === undefined ? undefined : redirectedAsAsked(redirect, found).fields[0]?.[1];
    };
    expect(locationOf({ url: '/new/folder', originalUrl: '/old?x=1' })).toBe('/old/?x=1');
    expect(locationOf({ url: '/folder', originalUrl: '/m/folder' })).toBe('folder/');
    expect(locationOf({ url: '/folder' })).toBe('folder/');
    expect(locationOf({ url: '/new', originalUrl: '/b%20c/d' })).toBe('/b%20c/d/');
    // Browsers would read another host.
    expect(locationOf({ url: '/new', originalUrl: '/%5Cevil.example' })).toBe('folder/');
  });

  test('is no other answer', () => {
    const found = readRequest(requestOf({ url: '/new', originalUrl: '/old' }));
    if (found === undefined) throw new Error('no path');
    const answer = { status: 302, fields: [] };
    expect(redirectedAsAsked(answer, found)).toBe(answer);
    const directory = readRequest(requestOf({ url: '/new/', originalUrl: '/old' }));
    if (directory === undefined) throw new Error('no path');
    expect(redirectedAsAsked(redirect, directory)).toBe(redirect);
  });
});

test.each<readonly [Given, boolean]>([
  [{ method: 'PUT', headers: { 'content-length': '5' }, readableDidRead: true }, true],
  [{ method: 'PUT', headers: { 'transfer-encoding': 'chunked' }, readableDidRead: true }, true],
  [{ method: 'PUT', headers: { 'content-length': '5' }, readableDidRead: false }, false],
  [{ method: 'PUT', headers: { 'content-length': '0' }, readableDidRead: true }, false],
  [{ method: 'PUT', headers: {}, readableDidRead: true }, false],
  [{ method: 'POST', headers: { 'content-length': '5' }, readableDidRead: true }, false],
  [{ method: 'PUT', headers: {}, readableDidRead: true, httpVersionMajor: 2 }, true],
  [{ method: 'PUT', headers: { 'content-length': '0' }, readableDidRead: true, httpVersionMajor: 2 }, false],
])('content of %j is gone: %s', (given, isGone) => {
  expect(isContentGone(requestOf(given))).toBe(isGone);
});
