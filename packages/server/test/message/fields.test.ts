// Field lines and content, as responders give them.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { discard, isPromiseLike, isResponse } from '../../src/message/content.ts';
import { firstField, hasField, listField } from '../../src/message/fields.ts';
import type { Field } from '../../src/message/message.ts';

test('fields are found by their lower-case names, in the order in which they came', () => {
  const names = fc.constantFrom('a', 'b', 'content-type', 'A', '');
  fc.assert(
    fc.property(fc.array(fc.tuple(names, fc.string({ maxLength: 3 })), { maxLength: 8 }), names, (fields, name) => {
      const lines: readonly Field[] = fields;
      const values = lines.filter(([given]) => given === name).map(([, value]) => value);
      expect(firstField(lines, name)).toBe(values[0]);
      expect(hasField(lines, name)).toBe(values.length > 0);
      expect(listField(lines, name)).toBe(values.length === 0 ? undefined : values.join(', '));
    }),
  );
});

describe('isResponse', () => {
  const upgrade = (): void => {};

  test.each([
    [{ status: 200, fields: [] }, true],
    [{ status: 599, fields: [] }, true],
    [{ status: 200, fields: [], content: Buffer.from('a') }, true],
    [{ status: 200, fields: [], content: new Uint8Array() }, true],
    [{ status: 200, fields: [], content: (async function* () {})() }, true],
    [{ status: 101, fields: [], upgrade }, true],
    [{ status: 101, fields: [] }, false],
    [{ status: 200, fields: [], upgrade }, false],
    [{ status: 100, fields: [] }, false],
    [{ status: 199, fields: [] }, false],
    [{ status: 600, fields: [] }, false],
    [{ status: 200.5, fields: [] }, false],
    [{ status: '200', fields: [] }, false],
    [{ status: 200 }, false],
    [{ status: 200, fields: {} }, false],
    [{ status: 200, fields: [], content: 'text' }, false],
    [{ status: 200, fields: [], content: null }, false],
    [{ status: 200, fields: [], body: 'other people’s name' }, false],
    [null, false],
    [undefined, false],
    ['200', false],
  ])('of %j: %s', (value, expected) => {
    expect(isResponse(value)).toBe(expected);
  });
});

test('an answer that comes later is told by its then', () => {
  expect(isPromiseLike(Promise.resolve(1))).toBe(true);
  // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
  expect(isPromiseLike({ then: () => {} })).toBe(true);
  // oxlint-disable-next-line unicorn/no-thenable
  expect(isPromiseLike({ then: 1 } as unknown as Promise<number>)).toBe(false);
  expect(isPromiseLike(null as unknown as Promise<number>)).toBe(false);
  expect(isPromiseLike({ status: 200 } as unknown as Promise<number>)).toBe(false);
});

describe('discard', () => {
  test('closes content that nobody reads, and nothing else', async () => {
    let closed = 0;
    const content = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error('it was read')),
        return: async () => {
          closed++;
          return { done: true as const, value: undefined };
        },
      }),
    };
    discard(content);
    discard(undefined);
    discard(Buffer.from('a'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(1);
  });

  test('is not disturbed by content that fails while it is closed', async () => {
    const failing = (fail: () => never) => ({ [Symbol.asyncIterator]: fail });
    discard(
      failing(() => {
        throw new Error('no iterator');
      }),
    );
    discard({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: () => Promise.reject(new Error('no end')),
      }),
    });
    discard({ [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true as const, value: undefined }) }) });
    await new Promise((resolve) => setImmediate(resolve));
  });
});
