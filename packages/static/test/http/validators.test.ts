// Entity tags and dates: equal for what is equal, different for what differs, and absent where they would mislead.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHttpDate } from '../../src/http/http-date.ts';
import {
  digestTag,
  exactStateTag,
  hasRested,
  httpDateOf,
  isDateCertain,
  isSameState,
  isUsableDate,
  lastModified,
  mayNameContent,
  sha256Of,
  type Stamp,
  stateTag,
  weakTag,
} from '../../src/http/validators.ts';

/** RFC 9110 §8.8.3. */
const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

const bytes = fc.uint8Array({ maxLength: 64 });

function contentTag(content: Uint8Array, suffix = ''): string {
  return digestTag(content.length, sha256Of(content), suffix);
}

describe('the tag of content', () => {
  test('is an entity tag, equal for equal bytes and for no others', () => {
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        const [tag, second] = [contentTag(one), contentTag(other)];
        expect(tag).toMatch(ENTITY_TAG);
        expect(tag === second).toBe(Buffer.from(one).equals(other));
        expect(contentTag(Uint8Array.from(one))).toBe(tag);
        expect(contentTag(one, '-gzip')).not.toBe(tag);
      }),
    );
  });

  test('is that of a hash made elsewhere', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom('', '-br', '-gzip'), (one, suffix) => {
        const sha256 = createHash('sha256').update(one).digest('base64url');
        expect(digestTag(one.length, sha256, suffix)).toBe(contentTag(one, suffix));
      }),
    );
  });

  test('shows the size of what it may name', () => {
    fc.assert(
      fc.property(bytes, fc.nat(100), (one, size) => {
        const tag = contentTag(one);
        expect(mayNameContent(`"x", ${tag}`, one.length)).toBe(true);
        expect(mayNameContent(weakTag(tag, '-br'), one.length)).toBe(true);
        expect(mayNameContent(tag, size)).toBe(size === one.length);
        expect(mayNameContent(undefined, one.length)).toBe(false);
      }),
    );
    expect(mayNameContent('*', 0)).toBe(false);
    // The size of another tag ends with the same digits.
    expect(mayNameContent('"10-abc"', 0)).toBe(false);
  });
});

const stamps: fc.Arbitrary<Stamp> = fc.record({
  dev: fc.nat(3),
  ino: fc.integer({ min: 1, max: 4 }),
  size: fc.nat(3),
  mtimeMs: fc.constantFrom(0, 1_700_000_000_000, 1_700_000_000_000.5, 1_700_000_000_000.501, -1000),
  ctimeMs: fc.constantFrom(0, 1_700_000_000_000, 1_700_000_000_000.5),
});

describe('the tag of a state', () => {
  test('is weak, and differs with time, size and whatever else is known', () => {
    fc.assert(
      fc.property(stamps, stamps, (one, other) => {
        expect(stateTag(one)).toMatch(ENTITY_TAG);
        expect(stateTag(one).startsWith('W/')).toBe(true);
        expect(stateTag(one) === stateTag(other)).toBe(one.mtimeMs === other.mtimeMs && one.size === other.size);
        expect(stateTag(one, '.1')).not.toBe(stateTag(one));
      }),
    );
  });

  test('is strong where inode and change time are in it', () => {
    fc.assert(
      fc.property(stamps, stamps, (one, other) => {
        const isSame = isSameState({ ...one, dev: 0 }, { ...other, dev: 0 });
        expect(exactStateTag(one)).toMatch(ENTITY_TAG);
        expect(exactStateTag(one).startsWith('W/')).toBe(false);
        expect(exactStateTag(one) === exactStateTag(other)).toBe(isSame);
        expect(exactStateTag(one, '-gzip')).not.toBe(exactStateTag(one));
      }),
    );
  });

  test('is another as soon as one of the five does', () => {
    const stamp: Stamp = { dev: 1, ino: 2, size: 3, mtimeMs: 4, ctimeMs: 5 };
    expect(isSameState(stamp, { ...stamp })).toBe(true);
    for (const name of ['dev', 'ino', 'size', 'mtimeMs', 'ctimeMs'] as const) {
      expect(isSameState(stamp, { ...stamp, [name]: 9 })).toBe(false);
      expect(isSameState({ ...stamp, [name]: 9 }, stamp)).toBe(false);
    }
  });
});

test.each([
  ['"a"', '-br', 'W/"a-br"'],
  ['W/"a"', '-gzip', 'W/"a-gzip"'],
  ['""', '', 'W/""'],
])('the weak form of %s with %j is %s', (tag, suffix, weak) => {
  expect(weakTag(tag, suffix)).toBe(weak);
});

describe('whether a file has rested', () => {
  const now = 1_700_000_000_123;
  test.each([
    ['a moment ago', now - 1, false],
    ['within a tick', now - 20, false],
    ['longer than a tick', now - 21, true],
    ['at a whole second, as FAT counts', now - 123, false],
    ['at a whole second two seconds ago', now - 2_123, true],
    ['at a whole second, just within its tick', now - 1_123, false],
    ['a little in the future', now + 1_000.5, false],
    ['far in the future, where no write of now can get to', now + 3_000, true],
    ['before 1970', -1, true],
  ])('changed %s: %s', (_, changedMs, isIt) => {
    expect(hasRested(changedMs, now)).toBe(isIt);
  });
});

describe('a modification date', () => {
  const now = Date.UTC(2026, 0, 1);
  test.each([
    ['an ordinary one', now - 1000, true],
    ['this very moment', now, true],
    ['this very millisecond, as file systems have it', now + 0.75, true],
    ['the future', now + 1, false],
    ['1970, which stands for none', 0, false],
    ['a second later, as some images have', 1_000, false],
    ['before 1970', -86_400_000, false],
    ['the third second of 1970', 2_000, true],
  ])('is sent or not: %s', (_, mtimeMs, isSent) => {
    expect(isUsableDate(mtimeMs, now)).toBe(isSent);
    expect(lastModified(mtimeMs, now)).toBe(
      isSent ? new Date(Math.floor(mtimeMs / 1000) * 1000).toUTCString() : undefined,
    );
  });

  test('beyond the year 9999 cannot be written', () => {
    const last = Date.UTC(9999, 11, 31, 23, 59, 59);
    expect(lastModified(last, Number.MAX_SAFE_INTEGER)).toBe('Fri, 31 Dec 9999 23:59:59 GMT');
    expect(lastModified(last + 1000, Number.MAX_SAFE_INTEGER)).toBeUndefined();
  });

  test('is written as Date writes it, and read back, whatever was written before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), fc.nat(3), (seconds, laps) => {
        const asked = Math.min(seconds + laps * 256, 253_402_300_799);
        expect(httpDateOf(asked)).toBe(new Date(asked * 1000).toUTCString());
        expect(httpDateOf(seconds)).toBe(new Date(seconds * 1000).toUTCString());
        expect(parseHttpDate(httpDateOf(asked))).toBe(asked * 1000);
      }),
    );
  });

  test('stands for one content when the kernel saw the last change then', () => {
    const mtimeMs = Date.now() - 3_600_000;
    const stamp: Stamp = { dev: 1, ino: 1, size: 1, mtimeMs, ctimeMs: mtimeMs };
    expect(isDateCertain(stamp)).toBe(true);
    // Set by a program, long after.
    expect(isDateCertain({ ...stamp, ctimeMs: mtimeMs + 10_000 })).toBe(false);
  });
});
