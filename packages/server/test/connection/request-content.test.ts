// Content that is lent to its reader instead of being copied for it.

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
