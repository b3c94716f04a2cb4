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

  describe('of content that is lent', () => {
    /** The bytes of each piece are valid during the call only. */
    function lent(pieces: readonly Uint8Array[], error?: Error): AsyncIterable<Uint8Array> {
      const shared = Buffer.alloc(200_000);
      const feed = async (take: (bytes: Uint8Array) => boolean | Promise<boolean>): Promise<void> => {
        for (const piece of pieces) {
          shared.set(piece);
          await take(shared.subarray(0, piece.length));
          shared.fill(0);
        }
        if (error !== undefined) throw error;
      };
      return Object.assign(sequence([Buffer.from('not lent')]), { feed });
    }

    test('gives back a copy in blocks, and what it took of the budget', async () => {
      const sizes = fc.array(fc.integer({ min: 0, max: 140_000 }), { maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(sizes, async (lengths) => {
          const pieces = lengths.map((length, index) => Buffer.alloc(length, index + 1));
          const whole = Buffer.concat(pieces);
          const budget = new SpoolBudget(2_000_000);
          // Less than half a block is collected as content that is not lent.
          const announced = Math.max(whole.length, 40_000);
          const { content, length, discard } = await spoolContent(lent(pieces), 2_000_000, budget, announced);
          expect(length).toBe(whole.length);
          expect((await read(content)).equals(whole)).toBe(true);
          expect(budget.take(2_000_000 - announced + 1)).toBe(false);
          discard();
          discard();
          expect([budget.take(2_000_000), budget.take(1)]).toEqual([true, false]);
        }),
        { numRuns: 30 },
      );
    });

    test('never hands the blocks of one to another before they are given back', async () => {
      const budget = new SpoolBudget(10_000_000);
      const kept = await Promise.all(
        Array.from({ length: 20 }, async (_, index) =>
          spoolContent(lent([Buffer.alloc(100_000, index)]), 1_000_000, budget, 100_000),
        ),
      );
      for (const [index, { content }] of kept.entries()) {
        expect((await read(content)).equals(Buffer.alloc(100_000, index))).toBe(true);
      }
      for (const { discard } of kept) discard();
    });

    test('is iterated where memory, its share or its length does not allow it', async () => {
      for (const [memoryBytes, left, announced] of [
        [99_999, 1_000_000, 100_000],
        [1_000_000, 99_999, 100_000],
        [1_000_000, 1_000_000, undefined],
        [1_000_000, 1_000_000, 1000],
      ] as const) {
        const source = lent([Buffer.alloc(100_000)]);
        const { content, discard } = await spoolContent(source, memoryBytes, new SpoolBudget(left), announced);
        expect((await read(content)).toString()).toBe('not lent');
        discard();
      }
    });

    test('rejects with what lending throws, and gives the memory back', async () => {
      const budget = new SpoolBudget(100_000);
      const broken = lent([Buffer.alloc(70_000)], new RangeError('the client is gone'));
      await expect(spoolContent(broken, 100_000, budget, 100_000)).rejects.toThrow(
        new RangeError('the client is gone'),
      );
      expect(budget.take(100_000)).toBe(true);
    });
  });
});
