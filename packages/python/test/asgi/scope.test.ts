import { describe, expect, test } from 'vitest';
import type { CgiRequest } from '@onezero/cgi-process';
import { KnownHeads } from '../../src/exchange/known-heads.ts';
import { encodeScope } from '../../src/asgi/scope.ts';
import type { EnvironOptions } from '../../src/wsgi/environ.ts';
import type { PythonRequest } from '../../src/message.ts';
import { request } from '../harness.ts';

const none: EnvironOptions = { passAuthorization: undefined, serverSoftware: undefined, serverName: undefined };

const names = [
  'clientPort',
  'path',
  'rawPath',
  'query',
  'client',
  'method',
  'type',
  'version',
  'scheme',
  'rootPath',
  'server',
  'serverPort',
];

type Scope = Record<string, string> & { fields: readonly string[] };

function wordsOf(asked: PythonRequest, options: EnvironOptions): readonly string[] {
  const { own, common } = encodeScope(asked, options, new KnownHeads());
  return `${own}${common as string}`.split('\0');
}

function scopeOf(target: string, changes: Partial<CgiRequest> = {}, options: Partial<EnvironOptions> = {}): Scope {
  const words = wordsOf(request(target, changes), { ...none, ...options });
  const members = Object.fromEntries(names.map((name, index) => [name, words[index] ?? '(missing)']));
  return Object.assign(members, { fields: words.slice(names.length) }) as Scope;
}

describe('encodeScope', () => {
  test('has a fixed number of words before the fields', () => {
    expect(
      scopeOf('/a?b=c', {
        fields: [
          ['host', 'h'],
          ['x', ''],
        ],
      }),
    ).toEqual({
      type: 'http',
      method: 'GET',
      version: '1.1',
      scheme: 'http',
      path: '/a',
      rawPath: '/a',
      query: 'b=c',
      rootPath: '',
      client: '192.0.2.7',
      clientPort: '40000',
      server: '192.0.2.1',
      serverPort: '8080',
      fields: ['host', 'h', 'x', ''],
    });
  });

  test('puts the mount into both paths, as UTF-8', () => {
    const scope = scopeOf('/ö/ü', { scriptName: '/ö', pathInfo: '/ü', target: '/%C3%B6/%C3%BC' });
    expect(scope).toMatchObject({ path: '/\xc3\xb6/\xc3\xbc', rootPath: '/\xc3\xb6', rawPath: '/%C3%B6/%C3%BC' });
  });

  test.each([
    ['/a/b', '/a/b'],
    ['/a?b', '/a'],
    ['/a?b?c#d', '/a'],
    ['/a#b?c', '/a'],
    ['/?', '/'],
    ['//a//b', '//a//b'],
    ['http://host/a/b?c', '/a/b'],
    ['http://host:80/a', '/a'],
    ['HTTP://user@host/a', '/a'],
    ['http://host', ''],
    ['http://host?a=b', ''],
    ['*', '*'],
    ['/a%20b%2Fc', '/a%20b%2Fc'],
    ['/http://other/', '/http://other/'],
  ])('has of the target %s the raw path %s', (target, rawPath) => {
    expect(scopeOf('/', { target }).rawPath).toBe(rawPath);
  });

  test.each([
    ['http', 'ws'],
    ['https', 'wss'],
  ] as const)('gives a WebSocket over %s the scheme %s', (scheme, expected) => {
    const fields = [
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ['sec-websocket-version', '13'],
    ] as const;
    const opening = { ...request('/', { scheme, fields }), upgrade: 'websocket' };
    const words = wordsOf(opening, none);
    expect(words.slice(5, 9)).toEqual(['GET', 'websocket', '1.1', expected]);
  });

  test('withholds fields that pass for others, and Proxy', () => {
    const fields = [
      ['x_user', 'a'],
      ['proxy', 'b'],
      ['x-user', 'c'],
      ['proxy-x', 'd'],
      ['a_', 'e'],
      ['_', 'f'],
    ] as const;
    expect(scopeOf('/', { fields }).fields).toEqual(['x-user', 'c', 'proxy-x', 'd']);
  });

  test.each([
    ['an application that authenticates itself', undefined, undefined, true],
    ['none where the server did', 'ann', undefined, false],
    ['one that is to see it all the same', 'ann', true, true],
    ['one that must not see it', undefined, false, false],
  ])('gives Authorization to %s', (_, user, passAuthorization, isGiven) => {
    const fields = [['authorization', 'Basic eDp5']] as const;
    expect(scopeOf('/', { fields, user }, { passAuthorization }).fields).toEqual(
      isGiven ? ['authorization', 'Basic eDp5'] : [],
    );
  });

  test('names the server by its address, or as it is told where the client named no host', () => {
    const options = { serverName: 'www.example' };
    expect(scopeOf('/', {}, options)).toMatchObject({ server: '192.0.2.1' });
    expect(scopeOf('/', { authority: undefined }, options)).toMatchObject({ server: 'www.example' });
    expect(scopeOf('/', { authority: undefined })).toMatchObject({ server: '192.0.2.1' });
  });

  test.each<[string, Partial<CgiRequest>]>([
    ['the path', { pathInfo: '/a\0b' }],
    ['the mount', { scriptName: '/\0' }],
    ['the query', { query: 'a\0' }],
    ['the method', { method: 'G\0T' }],
    ['the target', { target: '/\0' }],
    ['an address', { remote: { address: '\0', port: 1 } }],
    ['the name of a field', { fields: [['a\0b', 'c']] }],
    ['the value of a field', { fields: [['a', '\0']] }],
  ])('throws for a NUL in %s, which would be another word', (_, changes) => {
    expect(() => scopeOf('/', changes)).toThrow(TypeError);
  });
});
