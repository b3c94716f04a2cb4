// Conditions of a write against RFC 9110 §13, widened by what a client can know: the tags of coded and weak forms of this state.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHttpDate } from '../../src/http/http-date.ts';
import type { ConditionFields } from '../../src/http/request-fields.ts';
import { mayChange, tagsOfForms } from '../../src/writing/known-tags.ts';

const SECONDS = 1_700_000_000;
const dateAt = (offset: number): string => formatHttpDate((SECONDS + offset) * 1000);

describe('the forms of a tag', () => {
  test('are itself and its codings, none of them weak', () => {
    expect(tagsOfForms('"a"')).toEqual(['"a"', '"a-br"', '"a-zstd"', '"a-gzip"']);
    expect(tagsOfForms('W/"a"')).toEqual(tagsOfForms('"a"'));
  });
});

const tags = tagsOfForms('"now"');
const current = { tags, modifiedSeconds: SECONDS };
const may = (fields: ConditionFields, exists = true): boolean =>
  mayChange(fields, exists, exists ? current : { tags: [], modifiedSeconds: undefined });

describe('a write', () => {
  test.each<readonly [ConditionFields, boolean, boolean]>([
    [{}, true, true],
    [{ ifMatch: '*' }, true, false],
    [{ ifNoneMatch: '*' }, false, true],
    [{ ifMatch: '"now"' }, true, false],
    [{ ifMatch: 'W/"now"' }, true, false],
    [{ ifMatch: '"now-gzip"' }, true, false],
    [{ ifMatch: 'W/"now-br"' }, true, false],
    [{ ifMatch: '"then", "now"' }, true, false],
    [{ ifMatch: '"then"' }, false, false],
    [{ ifMatch: '"now-lzma"' }, false, false],
    [{ ifMatch: '"no"' }, false, false],
    [{ ifMatch: '' }, false, false],
    [{ ifMatch: 'now' }, false, false],
    [{ ifNoneMatch: '"now"' }, false, true],
    [{ ifNoneMatch: 'W/"now-zstd"' }, false, true],
    [{ ifNoneMatch: '"then"' }, true, true],
    [{ ifMatch: '"now"', ifNoneMatch: '"then"' }, true, false],
    [{ ifMatch: '"now"', ifNoneMatch: '"now"' }, false, false],
    [{ ifUnmodifiedSince: dateAt(0) }, true, false],
    [{ ifUnmodifiedSince: dateAt(1) }, true, false],
    [{ ifUnmodifiedSince: dateAt(-1) }, false, false],
    [{ ifUnmodifiedSince: 'yesterday' }, true, true],
    [{ ifMatch: '"now"', ifUnmodifiedSince: dateAt(-1) }, true, false],
    [{ ifMatch: '"then"', ifUnmodifiedSince: dateAt(1) }, false, false],
    // For methods that change, If-Modified-Since says nothing.
    [{ ifModifiedSince: dateAt(1) }, true, true],
  ])('under %j may go ahead: %s, and where nothing is: %s', (fields, isThere, isNothing) => {
    expect(may(fields)).toBe(isThere);
    expect(may(fields, false)).toBe(isNothing);
  });

  test('of what cannot be read matches by its existence alone', () => {
    const unknown = { tags: [], modifiedSeconds: undefined };
    expect(mayChange({ ifMatch: '*' }, true, unknown)).toBe(true);
    expect(mayChange({ ifMatch: '"now"' }, true, unknown)).toBe(false);
    expect(mayChange({ ifNoneMatch: '*' }, true, unknown)).toBe(false);
    expect(mayChange({ ifNoneMatch: '"now"' }, true, unknown)).toBe(true);
    expect(mayChange({ ifUnmodifiedSince: dateAt(-1) }, true, unknown)).toBe(true);
  });

  test('goes ahead under If-Match just where a list names a form of what is there', () => {
    const tag = fc
      .tuple(
        fc.constantFrom('', 'W/'),
        fc.constantFrom('now', 'now-gzip', 'now-br', 'then', 'then-gzip', 'a,now', '', 'é'),
      )
      .map(([weak, text]) => `${weak}"${text}"`);
    const lists = fc.array(tag, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(lists, fc.constantFrom(', ', ',', ' ,\t'), (list, comma) => {
        const isNamed = list.some((one) => tags.includes(one.replace('W/', '')));
        expect(may({ ifMatch: list.join(comma) })).toBe(isNamed);
        expect(may({ ifNoneMatch: list.join(comma) })).toBe(!isNamed);
      }),
    );
  });
});
