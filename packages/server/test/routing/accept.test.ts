// The choice of a form by Accept, against a second reading of RFC 9110 §12.5.1.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { preferredType } from '../../src/routing/accept.ts';

const OFFERED = ['text/html', 'application/json', 'text/plain'] as const;

const ranges = fc.constantFrom(
  'text/html',
  'application/json',
  'text/plain',
  'text/*',
  'application/*',
  '*/*',
  'image/png',
);
const members = fc.record({ range: ranges, quality: fc.constantFrom(undefined, '0', '0.1', '0.5', '0.500', '1') });
const lists = fc.uniqueArray(members, { maxLength: 6, selector: ({ range }) => range });

test('takes what has the highest quality, then what is named, then the first', () => {
  fc.assert(
    fc.property(lists, fc.constantFrom('', ' '), fc.boolean(), (list, space, isUpper) => {
      const text = list
        .map(({ range, quality }) => (quality === undefined ? range : `${range}${space};${space}q=${quality}`))
        .join(`,${space}`);
      const liking = (type: string): readonly [quality: number, precision: number] => {
        const specific = [type, type.replace(/\/.*/, '/*'), '*/*'];
        const precision = specific.findIndex((range) => list.some((one) => one.range === range));
        const found = list.find(({ range }) => range === specific[precision]);
        return found === undefined ? [0, 0] : [Number(found.quality ?? 1), -precision];
      };
      const byLiking = OFFERED.map((type) => ({ type, liking: liking(type) })).toSorted(
        (a, b) => b.liking[0] - a.liking[0] || b.liking[1] - a.liking[1],
      );
      const [first] = byLiking;
      const expected = first === undefined || first.liking[0] === 0 ? 'text/html' : first.type;
      expect(preferredType(isUpper ? text.toUpperCase() : text, OFFERED)).toBe(expected);
    }),
    { numRuns: 3000 },
  );
});

test.each([
  [undefined, 'text/html'],
  ['', 'text/html'],
  ['*/*', 'text/html'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', 'text/html'],
  ['application/json, text/plain, */*', 'application/json'],
  ['text/html;level=1;q=0.4, application/json;q=0.5', 'application/json'],
  ['application/json;q=2', 'application/json'],
  [',,,', 'text/html'],
])('%j gets %s', (accept, type) => {
  expect(preferredType(accept, OFFERED)).toBe(type);
});

test('looks at no more than a few ranges, however many come', () => {
  const many = `${'a/b,'.repeat(5000)}application/json`;
  expect(preferredType(many, OFFERED)).toBe('text/html');
});
