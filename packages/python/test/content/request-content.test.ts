import { SpoolBudget } from '@onezero/cgi-process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spoolContent } from '../../src/content/request-content.ts';
import { openContent } from '../harness.ts';

async function* sequence(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

async function read(content: readonly Uint8Array[] | AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('spoolContent', () => {
  test('gives back what came, with its length, from memory or from a file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 900 }), { maxLength: 30 }),
        fc.constantFrom(0, 1000, 100_000),
        fc.constantFrom(0, 1500, 100_000),
        async (pieces, memoryBytes, left) => {
          const whole = Buffer.concat(pieces);
          const budget = new SpoolBudget(left);
          const { content, length, discard } = await spoolContent(sequence(pieces), memoryBytes, budget);
          expect(length).toBe(whole.length);
          const isKept = whole.length <= memoryBytes && whole.length <= left;
          expect(Array.isArray(content)).toBe(isKept || whole.length === 0);
          expect((await read(content)).equals(whole)).toBe(true);
          // What is in memory is still taken; what is in a file is not.
          expect(budget.take(left)).toBe(!isKept || whole.length === 0);
          if (isKept && whole.length > 0) {
            discard();
            discard();
            expect(budget.take(left)).toBe(true);
          } else discard();
        },
      ),
      { numRuns: 100 },
    );
    await expect.poll(() => openContent()).toEqual([]);
  });

  test('ends early, without another file in its place, when it is discarded while it is read', async () => {
    const pieces = Array.from({ length: 20 }, () => Buffer.alloc(100_000, 7));
    const { content, discard } = await spoolContent(sequence(pieces), 10, new SpoolBudget(0));
    const iterator = (content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    expect((await iterator.next()).done).toBe(false);
    const pending = iterator.next();
    discard();
    await pending;
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await expect.poll(() => openContent()).toEqual([]);
  });

  test('rejects with what reading throws, and gives the memory back', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(500);
      throw new RangeError('the client is gone');
    }
    const budget = new SpoolBudget(1000);
    await expect(spoolContent(broken(), 1000, budget)).rejects.toThrow(new RangeError('the client is gone'));
    expect(budget.take(1000)).toBe(true);
  });
});
