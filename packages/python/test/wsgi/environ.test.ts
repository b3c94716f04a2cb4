import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CgiRequest } from '@onezero/cgi-process';
import { encodeEnviron } from '../../src/wsgi/environ.ts';
import type { EnvironOptions } from '../../src/wsgi/environ.ts';
import { request } from '../harness.ts';

const none: EnvironOptions = { passAuthorization: undefined, serverSoftware: undefined, serverName: undefined };

/** As a worker takes it apart: the later of two equal names wins. */
function environOf(asked: CgiRequest, options: Partial<EnvironOptions> = {}, length?: number): Map<string, string> {
  const words = encodeEnviron(asked, { ...none, ...options }, length).split('\0');
  expect(words.pop()).toBe('');
  expect(words.length % 2).toBe(0);
  return new Map(Array.from({ length: words.length / 2 }, (_, at) => [words[2 * at] ?? '', words[2 * at + 1] ?? '']));
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
