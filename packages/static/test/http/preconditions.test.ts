// Preconditions against a second reading of RFC 9110 §13, written from the text step by step.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHttpDate } from '../../src/http/http-date.ts';
import { evaluate, ifRange, type Precondition, type Validators } from '../../src/http/preconditions.ts';
import type { ConditionFields } from '../../src/http/request-fields.ts';

const NOW_SECONDS = Math.floor(Date.now() / 1000);

interface Tag {
  readonly isWeak: boolean;
  readonly opaque: string;
}

const written = ({ isWeak, opaque }: Tag): string => `${isWeak ? 'W/' : ''}"${opaque}"`;

/** Few values, so that equal ones meet; a comma, a blank of Latin-1 and an empty tag are tags too. */
const tags: fc.Arbitrary<Tag> = fc.record({
  isWeak: fc.boolean(),
  opaque: fc.constantFrom('a', 'b', 'a,b', '', '\xe9'),
});

const tagLists = fc.oneof(
  fc.constant('*' as const),
  fc.array(tags, { minLength: 1, maxLength: 4 }),
  fc.constant([] as readonly Tag[]),
);

type TagList = '*' | readonly Tag[];

const separators = fc.constantFrom(', ', ',', ' ,\t', ', ,');

const seconds = fc.constantFrom(-60, -1, 0, 1, 60).map((offset) => 1_700_000_000 + offset);

const dates = fc.oneof(
  seconds.map((value) => ({ text: formatHttpDate(value * 1000), seconds: value })),
  fc.constant({ text: formatHttpDate((NOW_SECONDS + 3600) * 1000), seconds: NOW_SECONDS + 3600 }),
  fc.constantFrom('yesterday', '', '2023-11-14T22:13:20Z', 'Tue, 14 Nov 2023 22:13:20 CET').map((text) => ({
    text,
    seconds: undefined,
  })),
);

interface Case {
  readonly ifMatch: TagList | undefined;
  readonly ifNoneMatch: TagList | undefined;
  readonly ifUnmodifiedSince: { readonly text: string; readonly seconds: number | undefined } | undefined;
  readonly ifModifiedSince: { readonly text: string; readonly seconds: number | undefined } | undefined;
  readonly current: { readonly tag: Tag | undefined; readonly modifiedSeconds: number | undefined } | undefined;
  readonly isRead: boolean;
  readonly separator: string;
}

const maybe = <Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(values, { nil: undefined });

const cases: fc.Arbitrary<Case> = fc.record({
  ifMatch: maybe(tagLists),
  ifNoneMatch: maybe(tagLists),
  ifUnmodifiedSince: maybe(dates),
  ifModifiedSince: maybe(dates),
  current: maybe(fc.record({ tag: maybe(tags), modifiedSeconds: maybe(seconds) })),
  isRead: fc.boolean(),
  separator: separators,
});

function listOf(list: TagList | undefined, separator: string): string | undefined {
  return list === undefined || list === '*' ? list : list.map(written).join(separator);
}

/** §13.1.1: strong comparison; `*` asks whether anything is there. */
function matches(list: TagList, current: Case['current']): boolean {
  if (list === '*') return current !== undefined;
  const own = current?.tag;
  return own !== undefined && list.some((tag) => !own.isWeak && !tag.isWeak && own.opaque === tag.opaque);
}

/** §13.1.2: weak comparison. */
function noneMatches(list: TagList, current: Case['current']): boolean {
  if (list === '*') return current === undefined;
  const own = current?.tag;
  return own === undefined || !list.some(({ opaque }) => own.opaque === opaque);
}

/** §13.2.2, steps 1 to 4. */
function expected({ ifMatch, ifNoneMatch, ifUnmodifiedSince, ifModifiedSince, current, isRead }: Case): Precondition {
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current)) return 'failed';
  } else if (ifUnmodifiedSince?.seconds !== undefined) {
    if (current === undefined) return 'failed';
    const { modifiedSeconds } = current;
    if (modifiedSeconds !== undefined && modifiedSeconds > ifUnmodifiedSince.seconds) return 'failed';
  }
  if (ifNoneMatch !== undefined) {
    if (noneMatches(ifNoneMatch, current)) return 'proceed';
    return isRead ? 'not-modified' : 'failed';
  }
  const since = ifModifiedSince?.seconds;
  // §13.1.3: ignored for other methods, for a date that is none or later than now, and where no date is known.
  if (!isRead || since === undefined || since > NOW_SECONDS + 60 || current?.modifiedSeconds === undefined) {
    return 'proceed';
  }
  return current.modifiedSeconds <= since ? 'not-modified' : 'proceed';
}

describe('evaluate', () => {
  test('follows the steps of the RFC for any fields', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const fields: ConditionFields = {
          ifMatch: listOf(one.ifMatch, one.separator),
          ifNoneMatch: listOf(one.ifNoneMatch, one.separator),
          ifUnmodifiedSince: one.ifUnmodifiedSince?.text,
          ifModifiedSince: one.ifModifiedSince?.text,
        };
        const current: Validators | undefined = one.current && {
          etag: one.current.tag && written(one.current.tag),
          modifiedSeconds: one.current.modifiedSeconds,
        };
        expect(evaluate(fields, current, one.isRead)).toBe(expected(one));
      }),
      { numRuns: 5000 },
    );
  });

  test('knows a state by the weak tag that it had before its content was hashed', () => {
    const current = { etag: '"content"', formerEtag: 'W/"state"', modifiedSeconds: undefined };
    expect(evaluate({ ifNoneMatch: 'W/"state"' }, current, true)).toBe('not-modified');
    // A weak tag never is the ground for a change.
    expect(evaluate({ ifMatch: 'W/"state"' }, current, false)).toBe('failed');
  });

  test.each(['"a', 'a', '""a"', 'W/a', '"a"b"'])('takes no malformed tag for another: %s', (list) => {
    const current = { etag: '"a b"', modifiedSeconds: undefined };
    expect(evaluate({ ifMatch: list }, current, false)).toBe('failed');
    expect(evaluate({ ifNoneMatch: list }, current, true)).toBe('proceed');
  });
});

describe('ifRange', () => {
  const modifiedSeconds = 1_700_000_000;
  const date = formatHttpDate(modifiedSeconds * 1000);
  const current = { etag: '"a"', modifiedSeconds, isDateCertain: true };

  test.each([
    ['nothing', undefined, current, true],
    ['the strong tag', '"a"', current, true],
    ['another tag', '"b"', current, false],
    ['a list, which it never is', '"a", "b"', current, false],
    ['the star, which it never is', '*', current, false],
    ['the same tag, weak', 'W/"a"', current, false],
    ['the weak tag of a weak one', 'W/"a"', { ...current, etag: 'W/"a"' }, false],
    ['a tag where there is none', '"a"', { ...current, etag: undefined }, false],
    ['the date', date, current, true],
    ['the date of a file whose date was set', date, { ...current, isDateCertain: false }, false],
    ['an earlier date', formatHttpDate((modifiedSeconds - 1) * 1000), current, false],
    ['a later date', formatHttpDate((modifiedSeconds + 1) * 1000), current, false],
    ['no date', 'yesterday', current, false],
  ] as const)('with %s', (_, value, known, isUsable) => {
    expect(ifRange(value, known)).toBe(isUsable);
  });

  test('does not trust the date of this very second', () => {
    const now = Math.floor(Date.now() / 1000);
    expect(ifRange(formatHttpDate(now * 1000), { ...current, modifiedSeconds: now })).toBe(false);
  });
});
