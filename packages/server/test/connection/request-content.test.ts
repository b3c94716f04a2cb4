// Content on its way to its reader: lent instead of being copied, and any sequence of steps against a plain list.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RequestContent } from '../../src/connection/request-content.ts';

/** Content, and what it asked of its connection. */
function make(): { content: RequestContent; asked: string[] } {
  const asked: string[] = [];
  const content = new RequestContent({
    contentWanted: () => asked.push('wanted'),
    contentFull: () => asked.push('full'),
    contentRoom: () => asked.push('room'),
  });
  return { content, asked };
}

const bytes = (text: string): Buffer => Buffer.from(text);

describe('feed', () => {
  test('lends what comes, in the call in which it comes', async () => {
    const { content, asked } = make();
    const seen: Uint8Array[] = [];
    const done = content.feed((chunk) => seen.push(chunk) > 0);
    expect(asked).toEqual(['wanted']);
    const [first, second] = [bytes('first'), bytes('second')];
    content.push(first);
    expect(seen[0]).toBe(first);
    content.push(second);
    expect(seen[1]).toBe(second);
    content.end();
    await done;
    expect(asked).not.toContain('full');
  });

  test('hands over what waited before it was asked', async () => {
    const { content } = make();
    content.push(bytes('early'));
    content.push(bytes('bird'));
    content.end();
    let text = '';
    await content.feed((chunk) => (text += Buffer.from(chunk).toString()) !== '');
    expect(text).toBe('earlybird');
  });

  test('holds the client while a promise is pending, and keeps a copy of what still comes', async () => {
    const { content, asked } = make();
    let release: (wantsMore: boolean) => void = () => {};
    const seen: string[] = [];
    const done = content.feed((chunk) => {
      seen.push(Buffer.from(chunk).toString());
      return seen.length > 1 || new Promise<boolean>((resolve) => (release = resolve));
    });
    content.push(bytes('one'));
    expect(asked).toEqual(['wanted', 'full']);
    const shared = bytes('two');
    content.push(shared);
    shared.fill(0);
    content.end();
    expect(seen).toEqual(['one']);
    release(true);
    await done;
    expect(seen).toEqual(['one', 'two']);
    expect(asked.at(-1)).toBe('room');
  });

  test('holds a client that sends octet by octet before they take more memory than their number', () => {
    const { content, asked } = make();
    for (let count = 0; count < 1000; count += 1) content.push(bytes('a'));
    expect(asked).toContain('full');
  });

  test.each([
    ['at once', (): boolean => false],
    ['later', (): Promise<boolean> => Promise.resolve(false)],
  ])('drops the rest when the reader has said so %s', async (_, take) => {
    const { content, asked } = make();
    const done = content.feed(take);
    content.push(bytes('a'));
    await done;
    content.push(bytes('b'.repeat(100_000)));
    content.end();
    expect(asked.at(-1)).toBe('room');
  });

  test('rejects with what broke the content off', async () => {
    const { content } = make();
    const done = content.feed(() => true);
    content.push(bytes('a'));
    content.fail(new Error('the client is gone'));
    await expect(done).rejects.toThrow('the client is gone');
  });

  test.each([
    [
      'throws',
      (): boolean => {
        throw new RangeError('no');
      },
    ],
    ['rejects', (): Promise<boolean> => Promise.reject(new RangeError('no'))],
  ])('a reader that %s ends it, and the client is not held', async (_, take) => {
    const { content, asked } = make();
    const done = content.feed(take);
    content.push(bytes('a'));
    await expect(done).rejects.toThrow(RangeError);
    content.push(bytes('b'));
    expect(asked.at(-1)).toBe('room');
  });

  test('and iterating are one reading', async () => {
    const { content } = make();
    const done = content.feed(() => true);
    expect(() => content[Symbol.asyncIterator]()).toThrow('once only');
    content.end();
    await done;
  });
});

describe('any sequence of steps', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('push' as const), size: fc.constantFrom(1, 10, 40_000) }) },
    { weight: 4, arbitrary: fc.constant({ kind: 'next' as const }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom({ kind: 'end' as const }, { kind: 'fail' as const }, { kind: 'abandon' as const }),
    },
  );

  test('hands over what was pushed, in order, up to the first end; and never leaves its client held for nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        let isHeld = false;
        let wanted = 0;
        const content = new RequestContent({
          contentWanted: () => void (wanted += 1),
          contentFull: () => void (isHeld = true),
          contentRoom: () => void (isHeld = false),
        });
        const iterator = content[Symbol.asyncIterator]();
        const model: number[] = [];
        const read: (number | string)[] = [];
        let state: 'open' | 'ended' | 'failed' | 'abandoned' = 'open';
        let pending: Promise<unknown> | undefined;
        let pushed = 0;
        for (const one of steps) {
          if (one.kind === 'push') {
            pushed += 1;
            content.push(Buffer.alloc(one.size, pushed));
            if (state === 'open') model.push(pushed);
          } else if (one.kind === 'next') {
            // One chunk at a time.
            if (content.isAwaited) continue;
            pending = iterator.next().then(
              ({ done, value }) => void read.push(done === true ? 'done' : (value?.[0] ?? 0)),
              (error: Error) => void read.push(error.message),
            );
            await Promise.resolve();
          } else if (state === 'open' || one.kind === 'abandon') {
            const isFirst = state === 'open';
            if (one.kind === 'end') content.end();
            else if (one.kind === 'fail') content.fail(new Error('gone'));
            else content.abandon();
            if (isFirst) state = one.kind === 'end' ? 'ended' : one.kind === 'fail' ? 'failed' : 'abandoned';
            if (one.kind === 'abandon') {
              await new Promise((resolve) => setImmediate(resolve));
              model.length = read.filter((given) => typeof given === 'number').length;
              expect(isHeld).toBe(false);
            }
          }
        }
        if (!content.isAwaited) await pending;
        await new Promise((resolve) => setImmediate(resolve));
        const numbers = read.filter((given) => typeof given === 'number');
        expect(numbers).toEqual(model.slice(0, numbers.length));
        const last = { open: undefined, ended: 'done', failed: 'gone', abandoned: 'done' }[state];
        for (const word of read.filter((given) => typeof given === 'string')) expect(['done', last]).toContain(word);
        // A word comes behind all numbers.
        expect(read.slice(0, numbers.length)).toEqual(numbers);
        if (state === 'open' && content.isAwaited) expect(numbers).toEqual(model);
        if (numbers.length === model.length) expect(isHeld).toBe(false);
        expect(wanted).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });
});
