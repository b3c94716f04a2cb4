// The CORS protocol (WHATWG Fetch §3.3), step by step as a browser checks it.

import { describe, expect, test } from 'vitest';
import { serveStatic, type CorsOptions, type Field, type StaticResponse } from '../../src/index.ts';
import { preflightFields, withCors } from '../../src/site/cors.ts';

const SETTINGS = {
  origins: ['https://a.example', 'https://b.example:8443'] as '*' | readonly string[],
  credentials: false,
  allowFields: ['content-type', 'x-own'],
  exposeFields: [] as readonly string[],
  maxAgeSeconds: 600,
};

const request = (fields: readonly Field[]) => ({ method: 'GET', pathInfo: '/', fields });

const plain: StaticResponse = { status: 200, fields: [['content-type', 'text/plain']], content: Buffer.from('a') };

function valuesOf({ fields }: Pick<StaticResponse, 'fields'>): ReadonlyMap<string, string> {
  return new Map(fields.map(([name, value]) => [name, value]));
}

/** Whether a browser would let a page of this origin read the response (Fetch, "CORS check"). */
function mayRead(response: StaticResponse, origin: string, withCredentials: boolean): boolean {
  const values = valuesOf(response);
  const allowed = values.get('access-control-allow-origin');
  if (!withCredentials && allowed === '*') return true;
  if (allowed !== origin) return false;
  return !withCredentials || values.get('access-control-allow-credentials') === 'true';
}

describe('withCors', () => {
  test.each([
    ['https://a.example', true],
    ['https://b.example:8443', true],
    ['https://b.example', false],
    ['http://a.example', false],
    ['https://a.example.evil.example', false],
    ['https://A.example', false],
    ['null', false],
    ['', false],
  ])('lets pages of %j read: %s', (origin, isAllowed) => {
    const answered = withCors(plain, request([['origin', origin]]), SETTINGS);
    expect(mayRead(answered, origin, false)).toBe(isAllowed);
    expect(mayRead(answered, origin, true)).toBe(false);
    // A cache between must not hand the answer for one origin to another.
    expect(valuesOf(answered).get('vary')).toBe('origin');
  });

  test('varies also for requests without Origin', () => {
    const answered = withCors(plain, request([]), SETTINGS);
    expect(valuesOf(answered).get('vary')).toBe('origin');
    expect(valuesOf(answered).has('access-control-allow-origin')).toBe(false);
  });

  test('keeps what varies already', () => {
    const varied = { ...plain, fields: [['vary', 'accept-encoding']] as readonly Field[] };
    const answered = withCors(varied, request([['origin', 'https://a.example']]), SETTINGS);
    const vary = answered.fields.filter(([name]) => name === 'vary').map(([, value]) => value);
    expect(vary.join(', ').split(/, */).toSorted()).toEqual(['accept-encoding', 'origin']);
  });

  test('says the same to all where all are allowed', () => {
    const open = { ...SETTINGS, origins: '*' as const };
    const answered = withCors(plain, request([['origin', 'https://any.example']]), open);
    expect(mayRead(answered, 'https://any.example', false)).toBe(true);
    expect(valuesOf(answered).has('vary')).toBe(false);
  });

  test('allows credentials and exposes fields to those that are allowed only', () => {
    const more = { ...SETTINGS, credentials: true, exposeFields: ['etag', 'x-own'] };
    const allowed = withCors(plain, request([['origin', 'https://a.example']]), more);
    expect(mayRead(allowed, 'https://a.example', true)).toBe(true);
    expect(valuesOf(allowed).get('access-control-expose-headers')).toBe('etag, x-own');
    const other = withCors(plain, request([['origin', 'https://c.example']]), more);
    expect(other.fields.filter(([name]) => name.startsWith('access-control-'))).toEqual([]);
  });

  test('keeps apart what two sites of one process allow, also for responses that they share', () => {
    const fields: readonly Field[] = [['origin', 'https://a.example']];
    const trusting = { ...SETTINGS, credentials: true, exposeFields: ['x-own'] };
    expect(mayRead(withCors(plain, request(fields), trusting), 'https://a.example', true)).toBe(true);
    const careful = withCors(plain, request(fields), SETTINGS);
    expect(mayRead(careful, 'https://a.example', true)).toBe(false);
    expect(valuesOf(careful).has('access-control-expose-headers')).toBe(false);
  });

  test('makes the response of one origin once, unless its content is for one reader', () => {
    const ask = (response: StaticResponse) => withCors(response, request([['origin', 'https://a.example']]), SETTINGS);
    expect(ask(plain)).toBe(ask(plain));
    expect(ask(plain)).not.toBe(withCors(plain, request([['origin', 'https://b.example:8443']]), SETTINGS));
    const streamed = { ...plain, content: (async function* () {})() };
    expect(ask(streamed)).not.toBe(ask(streamed));
  });
});

describe('preflightFields', () => {
  const preflight = (origin: string): readonly Field[] =>
    preflightFields(
      request([
        ['origin', origin],
        ['access-control-request-method', 'PUT'],
      ]),
      SETTINGS,
      'GET, HEAD, PUT',
    );

  test('name methods, fields and how long that holds', () => {
    expect(preflight('https://a.example')).toEqual([
      ['access-control-allow-methods', 'GET, HEAD, PUT'],
      ['access-control-allow-headers', 'content-type, x-own'],
      ['access-control-max-age', '600'],
    ]);
  });

  test('are none for others, and for an OPTIONS that is no preflight', () => {
    expect(preflight('https://c.example')).toEqual([]);
    expect(preflightFields(request([['origin', 'https://a.example']]), SETTINGS, 'GET')).toEqual([]);
  });
});

test.each([
  [{ origins: ['https://a.example/'] }],
  [{ origins: ['a.example'] }],
  [{ origins: '*', credentials: true }],
  [{ origins: ['https://a.example', '*'], credentials: true }],
] as readonly [CorsOptions][])(
  'origins that no browser sends, or that give everything away, are refused: %j',
  (cors) => {
    expect(() => serveStatic(import.meta.dirname, { cors })).toThrow(TypeError);
  },
);
