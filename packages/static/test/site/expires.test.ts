// What HTTP/1.0 caches are told (RFC 1945 §10.7).

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { formatHttpDate, parseHttpDate } from '../../src/http/http-date.ts';
import type { Field, StaticResponse } from '../../src/index.ts';
import { withExpires } from '../../src/site/expires.ts';

const NOW = Date.UTC(2024, 4, 6, 7, 8, 9, 500);

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

const response = (...fields: readonly Field[]): StaticResponse => ({ status: 200, fields, content: Buffer.from('a') });

function expiresOf(cacheControl: string): string | undefined {
  return withExpires(response(['cache-control', cacheControl])).fields.find(([name]) => name === 'expires')?.[1];
}

test.each([
  ['max-age=60', 60],
  ['public, max-age=3600', 3600],
  ['MAX-AGE=5', 5],
  ['max-age=31536000, immutable', 31_536_000],
  ['s-maxage=1, max-age=2', 2],
])('%s: %i seconds from now', (cacheControl, seconds) => {
  expect(parseHttpDate(expiresOf(cacheControl) ?? '')).toBe(Math.floor(NOW / 1000) * 1000 + seconds * 1000);
});

test.each(['no-cache', 'no-store', 'max-age=0', 'max-age=60, no-cache', 'private, no-store'])(
  '%s: always past',
  (text) => {
    expect(expiresOf(text)).toBe(formatHttpDate(0));
  },
);

test.each(['public', 's-maxage=60', 'x-max-age=60', 'max-age', 'x-no-cache'])('%s says nothing', (cacheControl) => {
  expect(expiresOf(cacheControl)).toBeUndefined();
});

test('a response that says so itself keeps its own', () => {
  const own = response(['cache-control', 'max-age=60'], ['expires', 'never']);
  expect(withExpires(own)).toBe(own);
});

test('is made once a second, and anew in the next', () => {
  const one = response(['cache-control', 'max-age=60']);
  const first = withExpires(one);
  expect(withExpires(one)).toBe(first);
  vi.setSystemTime(NOW + 1000);
  expect(withExpires(one)).not.toBe(first);
  const never = response(['cache-control', 'no-cache']);
  const past = withExpires(never);
  vi.setSystemTime(NOW + 5000);
  expect(withExpires(never)).toBe(past);
});
