// Accept-Encoding against a second reading of RFC 9110 §12.5.3.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acceptedCodings,
  CODING_SUFFIX,
  CODINGS,
  refusesIdentity,
  withoutCodingSuffix,
} from '../../src/http/content-coding.ts';

interface Member {
  readonly token: string;
  readonly quality: string | undefined;
}

const tokens = fc.constantFrom('gzip', 'x-gzip', 'br', 'zstd', 'identity', '*', 'deflate', 'GZip', 'gzi', 'gzipped');
const qualities = fc.constantFrom(undefined, '0', '0.0', '0.000', '0.5', '0.25', '1', '1.0', '0.001', '1.5', 'x', '');

/** Each token once: which of two members of one name counts, the RFC leaves open. */
const lists = fc.uniqueArray(fc.record({ token: tokens, quality: qualities }), {
  maxLength: 6,
  selector: ({ token }) => token.toLowerCase().replace('x-gzip', 'gzip'),
});

const spaces = fc.constantFrom('', ' ', '\t');

function written(list: readonly Member[], space: string): string {
  return list
    .map(({ token, quality }) => (quality === undefined ? token : `${token}${space};${space}q=${quality}`))
    .join(`${space},${space}`);
}

/** A weight is 0 to 1 with at most three digits; a member with another one says nothing. */
function weightOf(list: readonly Member[], coding: string): number | undefined {
  const found = list.find(({ token }) => token.toLowerCase().replace('x-gzip', 'gzip') === coding);
  if (found === undefined) return undefined;
  if (found.quality === undefined) return 1;
  const weight = Number(found.quality);
  return found.quality !== '' && weight >= 0 && weight <= 1 ? weight : undefined;
}

describe('acceptedCodings', () => {
  test('are those that the client gives a weight, not below that of identity, the heaviest first', () => {
    fc.assert(
      fc.property(lists, spaces, fc.subarray([...CODINGS]), (list, space, available) => {
        const weight = (coding: string): number => weightOf(list, coding) ?? weightOf(list, '*') ?? 0;
        const accepted = acceptedCodings(written(list, space), available);
        const identity = weightOf(list, 'identity') ?? 0;
        const allowed = available.filter((coding) => weight(coding) > 0 && weight(coding) >= identity);
        expect([...accepted].toSorted()).toEqual([...allowed].toSorted());
        for (const [index, coding] of accepted.entries()) {
          const before = accepted[index - 1];
          if (before === undefined) continue;
          expect(weight(before)).toBeGreaterThanOrEqual(weight(coding));
          if (weight(before) === weight(coding)) {
            expect(available.indexOf(before)).toBeLessThan(available.indexOf(coding));
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('are none where the field is absent or empty', () => {
    expect(acceptedCodings(undefined, CODINGS)).toEqual([]);
    expect(acceptedCodings('', CODINGS)).toEqual([]);
  });

  test('take what browsers, curl and Python send', () => {
    expect(acceptedCodings('gzip, deflate, br, zstd', CODINGS)).toEqual(['br', 'zstd', 'gzip']);
    expect(acceptedCodings('gzip, deflate, br', CODINGS)).toEqual(['br', 'gzip']);
    expect(acceptedCodings('deflate, gzip', CODINGS)).toEqual(['gzip']);
    expect(acceptedCodings('identity', CODINGS)).toEqual([]);
    expect(acceptedCodings('*', CODINGS)).toEqual([...CODINGS]);
  });
});

describe('refusesIdentity', () => {
  test('only where identity, or the rest, has weight 0', () => {
    fc.assert(
      fc.property(lists, spaces, (list, space) => {
        const weight = weightOf(list, 'identity') ?? weightOf(list, '*') ?? 1;
        expect(refusesIdentity(written(list, space))).toBe(weight === 0);
      }),
      { numRuns: 2000 },
    );
    expect(refusesIdentity(undefined)).toBe(false);
  });
});

describe('withoutCodingSuffix', () => {
  test('takes one suffix off, whatever its case', () => {
    for (const suffix of Object.values(CODING_SUFFIX)) {
      expect(withoutCodingSuffix(`page.html${suffix}`)).toBe('page.html');
      expect(withoutCodingSuffix(`page.html${suffix.toUpperCase()}`)).toBe('page.html');
      expect(withoutCodingSuffix(`page.html${suffix}${suffix}`)).toBe(`page.html${suffix}`);
    }
    expect(withoutCodingSuffix('page.tgz')).toBe('page.tgz');
    expect(withoutCodingSuffix('gz')).toBe('gz');
  });
});
