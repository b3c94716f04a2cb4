import { expect, test } from 'vitest';
import { nearest } from '../../src/options/nearest.ts';

const names = ['root', 'maxAgeSeconds', 'listing', 'gzip', 'index', 'etag'];

test.each([
  ['rot', 'root'],
  ['orot', undefined],
  ['maxAgeSecond', 'maxAgeSeconds'],
  ['MAXAGESECONDS', 'maxAgeSeconds'],
  ['lisitng', 'listing'],
  ['listening', 'listing'],
  ['indexes', 'index'],
  ['zip', undefined],
  ['gzi', 'gzip'],
  ['etga', 'etag'],
  ['frobnicate', undefined],
  ['', undefined],
  ['x'.repeat(10_000), undefined],
])('%s → %s', (word, name) => {
  expect(nearest(word, names)).toBe(name);
});

test('of several that are near, the nearest, then the first', () => {
  expect(nearest('alloe', ['allows', 'allow', 'alone'])).toBe('allow');
  expect(nearest('cat', ['car', 'can'])).toBe('car');
  expect(nearest('cat', [])).toBeUndefined();
});
