// Byte ranges against their definition, and against the parser that Express and send use.

import fc from 'fast-check';
import { parse as parseAsOthers } from 'range-parser';
import { describe, expect, test } from 'vitest';
import { parseRange, resolveRanges } from '../../src/http/range.ts';

const resolved = (value: string, length: number) => {
  const specs = parseRange(value);
  return specs === undefined ? undefined : resolveRanges(specs, length);
};

describe('parseRange', () => {
  test.each([
    ['bytes=0-0', [{ kind: 'bounded', first: 0, last: 0 }]],
    ['bytes=5-', [{ kind: 'open-ended', first: 5 }]],
    ['bytes=-5', [{ kind: 'suffix', length: 5 }]],
    ['BYTES=0-1', [{ kind: 'bounded', first: 0, last: 1 }]],
    ['bytes=007-0010', [{ kind: 'bounded', first: 7, last: 10 }]],
    [
      'bytes=0-1, 4-5 ,\t-2,',
      [
        { kind: 'bounded', first: 0, last: 1 },
        { kind: 'bounded', first: 4, last: 5 },
        { kind: 'suffix', length: 2 },
      ],
    ],
    ['bytes=,,0-,,', [{ kind: 'open-ended', first: 0 }]],
    ['bytes=-0', [{ kind: 'suffix', length: 0 }]],
    [`bytes=${'9'.repeat(30)}-`, [{ kind: 'open-ended', first: Number.MAX_SAFE_INTEGER }]],
    [`bytes=0-${'9'.repeat(400)}`, [{ kind: 'bounded', first: 0, last: Number.MAX_SAFE_INTEGER }]],
  ])('%s', (value, specs) => {
    expect(parseRange(value)).toEqual(specs);
  });

  test.each([
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=a-b',
    'bytes=1',
    'bytes=2-1',
    'bytes=1-2-3',
    'bytes=--1',
    'bytes=+1-2',
    'bytes=0x1-2',
    'bytes=1.0-2',
    'bytes=1 -2',
    'bytes=1e1-20',
    'bytes=0-1,x',
    'bytes=0-1;2-3',
    'bytes =0-1',
    ' bytes=0-1',
    'items=0-1',
    'xbytes=0-1',
    'bytes=\u0660-\u0661',
    'bytes=\u00a00-1',
    'bytes=0-1\n',
    'bytes=0-1\v',
  ])('ignores %j', (value) => {
    expect(parseRange(value)).toBeUndefined();
  });

  test('ignores more than 64 members, empty ones counted', () => {
    const many = (count: number): string =>
      `bytes=${Array.from({ length: count }, (_, at) => `${at}-${at}`).join(',')}`;
    expect(parseRange(many(64))).toHaveLength(64);
    expect(parseRange(many(65))).toBeUndefined();
    expect(parseRange(`bytes=0-0${','.repeat(64)}`)).toBeUndefined();
    expect(parseRange(`bytes=0-0${','.repeat(63)}`)).toHaveLength(1);
  });
});

describe('resolveRanges', () => {
  test.each([
    ['bytes=0-0', 1, [{ start: 0, end: 1 }]],
    ['bytes=0-', 10, [{ start: 0, end: 10 }]],
    ['bytes=9-', 10, [{ start: 9, end: 10 }]],
    ['bytes=5-100', 10, [{ start: 5, end: 10 }]],
    ['bytes=-1', 10, [{ start: 9, end: 10 }]],
    ['bytes=-100', 10, [{ start: 0, end: 10 }]],
    ['bytes=0-1,2-3', 10, [{ start: 0, end: 4 }]],
    ['bytes=2-3,0-1', 10, [{ start: 0, end: 4 }]],
    ['bytes=0-3,1-2', 10, [{ start: 0, end: 4 }]],
    [
      'bytes=-1,0-0',
      10,
      [
        { start: 0, end: 1 },
        { start: 9, end: 10 },
      ],
    ],
    ['bytes=0-0,20-30', 10, [{ start: 0, end: 1 }]],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=10-11,12-', 10, 'unsatisfiable'],
    [`bytes=${'9'.repeat(30)}-`, 10, 'unsatisfiable'],
    // Of nothing there is no part, and the whole is as short.
    ['bytes=0-', 0, undefined],
    ['bytes=-5', 0, undefined],
    // The same bytes twice are more than the whole.
    ['bytes=0-5,0-5', 10, undefined],
    ['bytes=0-,0-', 10, undefined],
    ['bytes=0-4,0-4', 10, [{ start: 0, end: 5 }]],
  ])('%s of %i bytes', (value, length, ranges) => {
    expect(resolved(value, length)).toEqual(ranges);
  });

  test('holds for files of any size that there is', () => {
    const sizes = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(sizes, fc.maxSafeNat(), fc.maxSafeNat(), (length, one, other) => {
        const [first, last] = one < other ? [one, other] : [other, one];
        const bounded = resolved(`bytes=${first}-${last}`, length);
        expect(bounded).toEqual(
          first >= length ? 'unsatisfiable' : [{ start: first, end: Math.min(last, length - 1) + 1 }],
        );
        const suffix = resolved(`bytes=-${one}`, length);
        expect(suffix).toEqual(one === 0 ? 'unsatisfiable' : [{ start: Math.max(0, length - one), end: length }]);
      }),
    );
  });
});

/** What others found, merged as touching ranges are here. */
function merged(ranges: readonly { readonly start: number; readonly end: number }[]) {
  const taken = new Set(
    ranges.flatMap(({ start, end }) => Array.from({ length: end - start + 1 }, (_, at) => start + at)),
  );
  const starts = [...taken].filter((at) => !taken.has(at - 1)).toSorted((a, b) => a - b);
  return starts.map((start) => {
    let end = start;
    while (taken.has(end)) end++;
    return { start, end };
  });
}

test('a set is what range-parser makes of it, but for what is greedy', () => {
  const number = fc.nat(40).map(String);
  const range = fc.oneof(
    { arbitrary: fc.tuple(number, number).map(([first, last]) => `${first}-${last}`), weight: 4 },
    { arbitrary: number.map((first) => `${first}-`), weight: 2 },
    { arbitrary: number.map((length) => `-${length}`), weight: 2 },
    { arbitrary: fc.constantFrom('', ' ', '-', 'x-1', '1-x', '1', '1 - 2', '1-2-3'), weight: 1 },
  );
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 30 }), (all, length) => {
      const text = `bytes=${all.join(', ')}`;
      const theirs = parseAsOthers(length, text);
      const asked = theirs.ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0);
      const isIgnored = (theirs.code & 1) !== 0 || (theirs.ranges.length > 1 && asked > length);
      const found = theirs.ranges.length === 0 ? 'unsatisfiable' : merged(theirs.ranges);
      expect([text, length, resolved(text, length)]).toEqual([text, length, isIgnored ? undefined : found]);
    }),
    { numRuns: 2000 },
  );
});
