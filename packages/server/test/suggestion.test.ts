import { describe, expect, test } from 'vitest';
import { nearest } from '../src/suggestion.ts';

describe('nearest', () => {
  test.each([
    ['--prot', '--port'],
    ['--hots', '--host'],
    ['--max-aeg', '--max-age'],
    ['--LISTING', '--listing'],
    ['--listening', '--listing'],
    ['--frobnicate', undefined],
    ['', undefined],
    ['x'.repeat(10_000), undefined],
  ])('%s → %s', (word, found) => {
    expect(nearest(word, ['--port', '--host', '--max-age', '--listing'])).toBe(found);
  });
});
