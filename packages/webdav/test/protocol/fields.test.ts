import fc from 'fast-check';
import { WriteRefused } from '@onezero/static/tree';
import { describe, expect, test } from 'vitest';
import type { DavRequest, Field } from '../../src/message.ts';
import {
  type Depth,
  depthOf,
  fieldValue,
  hasContent,
  lockTokenOf,
  mayOverwrite,
  timeoutOf,
} from '../../src/protocol/fields.ts';

const request = (...fields: readonly Field[]): DavRequest => ({ method: 'COPY', pathInfo: '/', fields });

/** What a function returns, or the status that it refuses with. */
function outcome<Value>(action: () => Value): Value | number {
  try {
    return action();
  } catch (error) {
    if (error instanceof WriteRefused) return error.response.status;
    throw error;
  }
}

describe('a field', () => {
  test('is the value of all of its lines, or undefined', () => {
    expect(fieldValue([], 'if')).toBeUndefined();
    expect(fieldValue([['if', ' (<a:1>) ']], 'if')).toBe('(<a:1>)');
    expect(
      fieldValue(
        [
          ['if', '(<a:1>)'],
          ['depth', '0'],
          ['if', '(<a:2>)'],
        ],
        'if',
      ),
    ).toBe('(<a:1>), (<a:2>)');
    expect(fieldValue([['depth', '']], 'depth')).toBe('');
  });
});

describe('Depth', () => {
  test.each<[string, readonly Depth[], Depth | number]>([
    ['0', ['0', '1', 'infinity'], '0'],
    ['1', ['0', '1', 'infinity'], '1'],
    ['infinity', ['0', 'infinity'], 'infinity'],
    ['Infinity', ['0', 'infinity'], 'infinity'],
    ['INFINITY', ['0', 'infinity'], 'infinity'],
    [' 0 ', ['0', 'infinity'], '0'],
    ['1', ['0', 'infinity'], 400],
    ['', ['0', 'infinity'], 400],
    ['2', ['0', '1', 'infinity'], 400],
    ['-1', ['0', '1', 'infinity'], 400],
    ['00', ['0', '1', 'infinity'], 400],
    ['0,noroot', ['0', '1', 'infinity'], 400],
    ['1,noroot', ['0', '1', 'infinity'], 400],
    ['infinite', ['0', '1', 'infinity'], 400],
    ['0;x', ['0', '1', 'infinity'], 400],
  ])('%j of %j is %j', (value, allowed, expected) => {
    expect(outcome(() => depthOf(request(['depth', value]), 'infinity', allowed))).toBe(expected);
  });

  test('that stands twice is none', () => {
    expect(outcome(() => depthOf(request(['depth', '0'], ['depth', '0']), '1'))).toBe(400);
  });

  test('is what is usual where it is not said', () => {
    for (const usual of ['0', '1', 'infinity'] as const) expect(depthOf(request(), usual)).toBe(usual);
  });
});

describe('Overwrite', () => {
  test.each([
    [undefined, true],
    ['T', true],
    ['t', true],
    ['F', false],
    ['f', false],
    [' F ', false],
    ['', 400],
    ['true', 400],
    ['TF', 400],
    ['F, T', 400],
    ['0', 400],
  ])('%j is %j', (value, expected) => {
    const fields: Field[] = value === undefined ? [] : [['overwrite', value]];
    expect(outcome(() => mayOverwrite(request(...fields)))).toBe(expected);
  });
});

describe('Timeout', () => {
  test.each([
    [undefined, 600],
    ['', 600],
    ['Second-1', 1],
    ['Second-599', 599],
    ['second-7', 7],
    ['SECOND-7', 7],
    ['Second-0', 1],
    ['Second-3600', 3600],
    ['Second-3601', 3600],
    ['Second-4294967295', 3600],
    ['Second-4294967296', 3600],
    ['Second-99999999999999999999', 3600],
    ['Second-999999999999999999999', 600],
    ['Infinite', 3600],
    ['infinite', 3600],
    ['Infinite, Second-4100000000', 3600],
    ['Second-30, Infinite', 30],
    ['Extended-1, Second-30', 30],
    ['Minute-3, , Second-30', 30],
    ['Second--5', 600],
    ['Second-5.5', 600],
    ['Second-', 600],
    ['Second- 5', 600],
    ['5', 600],
    ['nonsense', 600],
  ])('%j is %i seconds', (value, expected) => {
    const fields: Field[] = value === undefined ? [] : [['timeout', value]];
    expect(timeoutOf(request(...fields), 600, 3600)).toBe(expected);
  });

  test('is at least a second and at most what is granted, whatever is asked for', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 100_000 }),
        (value, usual, most) => {
          const seconds = timeoutOf(request(['timeout', value]), usual, most);
          expect(Number.isSafeInteger(seconds)).toBe(true);
          expect(seconds).toBeGreaterThanOrEqual(1);
          expect(seconds).toBeLessThanOrEqual(most);
        },
      ),
    );
  });
});

describe('Lock-Token', () => {
  test.each([
    ['<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>', 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
    ['<opaquelocktoken:a-1>', 'opaquelocktoken:a-1'],
    ['opaquelocktoken:a-1', 'opaquelocktoken:a-1'],
    [' <urn:a> ', 'urn:a'],
    ['<DAV:no-lock>', 'DAV:no-lock'],
    [undefined, 400],
    ['', 400],
    ['<>', 400],
    ['<no colon>', 400],
    ['<urn:a b>', 400],
    ['<urn:a>, <urn:b>', 400],
    ['(<urn:a>)', 400],
    ['<1:a>', 400],
    ['<urn:>', 400],
    ['<urn:<a>>', 400],
  ])('%j is %j', (value, expected) => {
    const fields: Field[] = value === undefined ? [] : [['lock-token', value]];
    expect(outcome(() => lockTokenOf(request(...fields)))).toBe(expected);
  });
});

describe('content', () => {
  test.each<[Partial<DavRequest>, boolean]>([
    [{ fields: [] }, false],
    [{ fields: [['content-length', '0']] }, false],
    [{ fields: [['content-length', '1']] }, true],
    [{ fields: [['transfer-encoding', 'chunked']] }, true],
    [{ fields: [['transfer-encoding', 'chunked']], contentLength: 0 }, false],
    [{ fields: [], contentLength: 5 }, true],
  ])('%j announces some: %j', (parts, expected) => {
    expect(hasContent({ ...request(), ...parts })).toBe(expected);
  });
});
