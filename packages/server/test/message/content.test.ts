// Values of other code: told apart, and closed when nobody reads them.

import { runInNewContext } from 'node:vm';
import { describe, expect, test, vi } from 'vitest';
import { discard, isPromiseLike, isResponse } from '../../src/message/content.ts';

async function* stream(): AsyncGenerator<Uint8Array> {}

describe('isPromiseLike', () => {
  test.each([
    ['a promise', Promise.resolve(), true],
    ['a promise of another realm', runInNewContext('Promise.resolve()'), true],
    ['an object', {}, false],
    ['nothing', undefined, false],
    ['null', null, false],
    ['text', 'then', false],
  ])('of %s is %s', (_, value, is) => {
    expect(isPromiseLike<unknown>(value)).toBe(is);
  });
});

describe('isResponse', () => {
  test.each([
    [{ status: 200, fields: [] }, true],
    [{ status: 599, fields: [], content: Buffer.from('') }, true],
    [{ status: 404, fields: [], content: stream() }, true],
    [{ status: 101, fields: [], upgrade: () => {} }, true],
    [{ status: 101, fields: [] }, false],
    [{ status: 200, fields: [], upgrade: () => {} }, false],
    [{ status: 199, fields: [] }, false],
    [{ status: 600, fields: [] }, false],
    [{ status: 200.5, fields: [] }, false],
    [{ status: '200', fields: [] }, false],
    [{ fields: [] }, false],
    [{ status: 200 }, false],
    [{ status: 200, fields: {} }, false],
    [{ status: 200, fields: [], content: 'text' }, false],
    [{ status: 200, fields: [], content: {} }, false],
    [{ status: 200, fields: [], content: ['a'] }, false],
    [{ status: 200, fields: [], body: 'x' }, false],
    [undefined, false],
    [null, false],
    ['x', false],
  ])('of %j is %s', (value, is) => {
    expect(isResponse(value)).toBe(is);
  });
});

describe('discard', () => {
  test('closes what is iterated, and only that', async () => {
    const isClosed = vi.fn(async () => ({ done: true as const, value: undefined }));
    discard({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: isClosed }) });
    expect(isClosed).toHaveBeenCalledTimes(1);
    discard(undefined);
    discard(Buffer.from('x'));
    discard({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) });
  });

  test('runs the end of a generator that was begun', async () => {
    let hasEnded = false;
    async function* begun(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from('a');
        yield Buffer.from('b');
      } finally {
        hasEnded = true;
      }
    }
    const generator = begun();
    await generator.next();
    discard(generator);
    await expect.poll(() => hasEnded).toBe(true);
  });

  test.each([
    [
      'making',
      () => {
        throw new Error('x');
      },
    ],
    [
      'closing',
      () => ({
        next: () => new Promise<never>(() => {}),
        return: () => {
          throw new Error('x');
        },
      }),
    ],
    [
      'closing later',
      () => ({
        next: () => new Promise<never>(() => {}),
        return: async () => {
          throw new Error('x');
        },
      }),
    ],
  ])('lets nothing out of content that throws at %s', async (_, iterator) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    expect(() => discard({ [Symbol.asyncIterator]: iterator as () => AsyncIterator<Uint8Array> })).not.toThrow();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
