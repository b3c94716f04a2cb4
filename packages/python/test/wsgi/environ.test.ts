import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CgiRequest } from '@onezero/cgi-process';
import { encodeScope } from '../../src/asgi/scope.ts';
import { KnownHeads } from '../../src/exchange/known-heads.ts';
import { encodeEnviron } from '../../src/wsgi/environ.ts';
import type { EnvironOptions } from '../../src/wsgi/environ.ts';
import { request } from '../harness.ts';

const none: EnvironOptions = { passAuthorization: undefined, serverSoftware: undefined, serverName: undefined };

/** As a worker takes it apart; no name comes twice. */
function environOf(asked: CgiRequest, options: Partial<EnvironOptions> = {}, length?: number): Map<string, string> {
  return taken(encodeEnviron(asked, { ...none, ...options }, length, new KnownHeads()));
}

const placed = [
  'UNIQUE_ID',
  'REMOTE_PORT',
  'REMOTE_ADDR',
  'REQUEST_METHOD',
  'REQUEST_URI',
  'QUERY_STRING',
  'PATH_INFO',
];

function taken(text: string): Map<string, string> {
  const words = text.split('\0');
  const environ = new Map(placed.map((name) => [name, words.shift() ?? '(missing)']));
  expect(words.pop()).toBe('');
  expect(words.length % 2).toBe(0);
  for (let at = 0; at < words.length; at += 2) {
    expect(environ.has(words[at]!)).toBe(false);
    environ.set(words[at]!, words[at + 1]!);
  }
  return environ;
}

describe('encodeEnviron', () => {
  test('has what PEP 3333 asks for', () => {
    const environ = environOf(request('/shop/cart?a=b', { scriptName: '/shop', pathInfo: '/cart' }));
    expect(Object.fromEntries(environ)).toMatchObject({
      'wsgi.url_scheme': 'http',
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '/shop',
      PATH_INFO: '/cart',
      QUERY_STRING: 'a=b',
      SERVER_NAME: 'shop.example',
      SERVER_PORT: '8080',
      SERVER_PROTOCOL: 'HTTP/1.1',
      HTTP_HOST: 'shop.example:8080',
      REMOTE_ADDR: '192.0.2.7',
    });
    expect(environ.has('CONTENT_LENGTH')).toBe(false);
  });

  test('has PATH_INFO and SCRIPT_NAME also where they are empty', () => {
    const environ = environOf(request('/shop', { scriptName: '/shop', pathInfo: '' }));
    expect([environ.get('PATH_INFO'), environ.get('SCRIPT_NAME')]).toEqual(['', '/shop']);
    expect(environOf(request('/', { scriptName: '', pathInfo: '/' })).get('SCRIPT_NAME')).toBe('');
  });

  test('has text as the bytes of its UTF-8 (PEP 3333, Unicode Issues)', () => {
    expect(environOf(request('/%C3%BC')).get('PATH_INFO')).toBe('/\xc3\xbc');
  });

  test.each([
    ['the length that will arrive', 12, '12'],
    ['none where nobody knows it', undefined, undefined],
  ])('has %s', (_, length, expected) => {
    const chunked = request('/', {
      method: 'POST',
      contentLength: undefined,
      fields: [['transfer-encoding', 'chunked']],
    });
    const environ = environOf(chunked, {}, length);
    expect(environ.get('CONTENT_LENGTH')).toBe(expected);
    expect(environ.has('HTTP_TRANSFER_ENCODING')).toBe(false);
  });

  test.each([
    ['to an application that authenticates itself', undefined, undefined, true],
    ['to none where the server did', 'ann', undefined, false],
    ['to one that is to see it all the same', 'ann', true, true],
    ['not to one that must not see it', undefined, false, false],
  ])('gives Authorization %s', (_, user, passAuthorization, isGiven) => {
    const fields = [['authorization', 'Basic eDp5']] as const;
    const environ = environOf(request('/', { fields, user, authType: 'Basic' }), { passAuthorization });
    expect(environ.has('HTTP_AUTHORIZATION')).toBe(isGiven);
    expect(environ.get('REMOTE_USER')).toBe(user);
  });

  test('says https where it is', () => {
    const environ = environOf(request('/', { scheme: 'https' }));
    expect([environ.get('wsgi.url_scheme'), environ.get('HTTPS')]).toEqual(['https', 'on']);
  });

  test.each<[string, Partial<CgiRequest>]>([
    ['the path', { pathInfo: '/a\0REMOTE_USER\0root' }],
    ['the mount', { scriptName: '/\0' }],
    ['the query', { query: '\0' }],
    ['a field', { fields: [['x', 'a\0REMOTE_USER\0root']] }],
    ['the target', { target: '/\0' }],
    ['the method', { method: 'G\0T' }],
  ])('throws for a NUL in %s, which would begin another variable', (_, changes) => {
    expect(() => environOf(request('/', changes))).toThrow(TypeError);
  });

  test('lets no field become anything but HTTP_ and the two that have variables of their own', () => {
    const known = new Set(environOf(request('/', { fields: [] })).keys());
    const name = fc.string({
      unit: fc.constantFrom('a', 'b', 'h', 'o', 's', 't', '-', '_', '0', '.', '!'),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(name, fc.string({ unit: fc.constantFrom('x', '=', '\n', ' ') }), (field, value) => {
        for (const [variable] of environOf(request('/', { fields: [[field, value]] }))) {
          expect(known.has(variable) || /^(?:HTTP_[A-Z0-9_]+|CONTENT_TYPE)$/.test(variable)).toBe(true);
        }
      }),
    );
  });
});

describe('KnownHeads', () => {
  const peer = fc.record({
    address: fc.constantFrom('192.0.2.7', '::ffff:192.0.2.7', ''),
    port: fc.constantFrom(0, 1, 2),
  });
  const text = fc.constantFrom('', '/', '/a', 'x');
  const changes = fc.record({
    method: fc.constantFrom('GET', 'HEAD'),
    target: text,
    version: fc.constantFrom('1.0' as const, '1.1' as const),
    scheme: fc.constantFrom('http' as const, 'https' as const),
    authority: fc.constantFrom(undefined, 'a.example', 'b.example:8080'),
    scriptName: text,
    pathInfo: text,
    query: fc.constantFrom(undefined, '', 'a=b'),
    contentLength: fc.constantFrom(0, 5, undefined),
    user: fc.constantFrom(undefined, 'ann'),
    authType: fc.constantFrom(undefined, 'Basic'),
    id: fc.constantFrom(undefined, 'r-1', 'ü'),
    remote: peer,
    local: peer,
  });
  const fields = [['host', 'a.example'], ['authorization', 'Basic eDp5']] as const; // prettier-ignore

  test.each([
    ['an environ', (asked: CgiRequest, known: KnownHeads) => encodeEnviron(asked, none, asked.contentLength, known)],
    [
      'a scope',
      (asked: CgiRequest, known: KnownHeads) => {
        const { own, common } = encodeScope(asked, none, known);
        return own + (typeof common === 'string' ? common : Buffer.from(common).toString('latin1'));
      },
    ],
  ])('gives for a head that comes again %s of its own request', (_, encode) => {
    fc.assert(
      fc.property(fc.array(changes, { minLength: 2, maxLength: 6 }), (several) => {
        const known = new KnownHeads();
        const frozen = Object.freeze([...fields]);
        for (const members of [...several, ...several]) {
          const asked = request('/', { ...members, fields: frozen });
          expect(encode(asked, known)).toBe(encode(asked, new KnownHeads()));
        }
      }),
    );
  });

  test('makes the text of a frozen head once, and of one that may change each time', () => {
    const known = new KnownHeads();
    let made = 0;
    const make = (): string => String(made++);
    const frozen = Object.freeze([...fields]);
    expect(
      [1, 2].map((port) => known.text(request('/', { fields: frozen, remote: { address: '', port } }), make)),
    ).toEqual(['0', '0']);
    expect([known.text(request('/', { fields }), make), known.text(request('/', { fields }), make)]).toEqual([
      '1',
      '2',
    ]);
  });
});
