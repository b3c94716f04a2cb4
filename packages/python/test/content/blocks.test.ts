import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES, ByteQueue, returnBlock, takeBlock } from '../../src/content/blocks.ts';

/** Bytes that say where they belong, as far as a prime goes. */
function filled(length: number, seed = 0): Buffer {
  return Buffer.alloc(length, `${seed} bytes`.padEnd(251, 'abcdefghijklm'));
}

describe('blocks', () => {
  test('are used again, the last one first', () => {
    const [one, two] = [takeBlock(), takeBlock()];
    expect([one.length, two.length, one === two]).toEqual([BLOCK_BYTES, BLOCK_BYTES, false]);
    returnBlock(one);
    returnBlock(two);
    expect(takeBlock()).toBe(two);
    expect(takeBlock()).toBe(one);
  });

  test('are let go beyond 16 MiB', () => {
    const many = Array.from({ length: 300 }, takeBlock);
    for (const block of many) returnBlock(block);
    const again = new Set(Array.from({ length: 300 }, takeBlock));
    expect(many.filter((block) => again.has(block))).toHaveLength(256);
    for (const block of again) returnBlock(block);
  });
});

describe('ByteQueue', () => {
  test.each([1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES, 3 * BLOCK_BYTES + 5])(
    'gives %i bytes as they came, a block at a time',
    (length) => {
      const queue = new ByteQueue();
      const bytes = filled(length);
      queue.push(bytes);
      expect(queue.length).toBe(length);
      const pieces: Buffer[] = [];
      while (queue.length > 0) pieces.push(Buffer.from(queue.take()));
      expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
      expect(pieces).toHaveLength(Math.ceil(length / BLOCK_BYTES));
    },
  );

  test('takes a copy: what was pushed may change', () => {
    const queue = new ByteQueue();
    const bytes = filled(10);
    queue.push(bytes);
    bytes.fill(0);
    expect(queue.take().equals(filled(10))).toBe(true);
  });

  test('gives what is valid until the next is taken, and not longer', () => {
    const queue = new ByteQueue();
    queue.push(filled(BLOCK_BYTES, 1));
    queue.push(filled(BLOCK_BYTES, 2));
    const first = queue.take();
    queue.push(filled(BLOCK_BYTES, 3));
    expect(first.equals(filled(BLOCK_BYTES, 1))).toBe(true);
    expect(queue.take().equals(filled(BLOCK_BYTES, 2))).toBe(true);
    // The block of the first may now hold what comes.
    queue.push(filled(BLOCK_BYTES, 4));
    queue.rest();
    expect(queue.take().equals(filled(BLOCK_BYTES, 3))).toBe(true);
    expect(queue.take().equals(filled(BLOCK_BYTES, 4))).toBe(true);
  });

  test('gives the block of what was taken back when the next is taken', () => {
    const queue = new ByteQueue();
    queue.push(filled(2 * BLOCK_BYTES));
    const { buffer } = queue.take();
    queue.take();
    expect(takeBlock().buffer).toBe(buffer);
  });

  test('leaves what was given when it is cleared', () => {
    const queue = new ByteQueue();
    queue.push(filled(100));
    const given = queue.take();
    queue.push(filled(50));
    queue.clear();
    expect(queue.length).toBe(0);
    const other = new ByteQueue();
    for (let count = 0; count < 5; count++) other.push(Buffer.alloc(BLOCK_BYTES, 0xee));
    expect(given.equals(filled(100))).toBe(true);
    queue.push(filled(3, 9));
    expect(queue.take().equals(filled(3, 9))).toBe(true);
  });

  test('is a queue, whatever is pushed and taken, beside others', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ push: fc.integer({ min: 0, max: 150_000 }) }) },
      { weight: 2, arbitrary: fc.constant('take' as const) },
      { weight: 1, arbitrary: fc.constant('clear' as const) },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1), step), { maxLength: 25 }), (steps) => {
        const queues = [new ByteQueue(), new ByteQueue()];
        const models: Buffer[] = [Buffer.alloc(0), Buffer.alloc(0)];
        for (const [which, action] of steps) {
          const queue = queues[which] as ByteQueue;
          const model = models[which] as Buffer;
          if (action === 'clear') {
            queue.clear();
            models[which] = Buffer.alloc(0);
          } else if (action === 'take') {
            if (queue.length === 0) continue;
            const given = queue.take();
            expect(given.length).toBeGreaterThan(0);
            expect(given.equals(model.subarray(0, given.length))).toBe(true);
            models[which] = model.subarray(given.length);
          } else {
            const bytes = filled(action.push, steps.length + which);
            queue.push(bytes);
            models[which] = Buffer.concat([model, bytes]);
          }
          expect(queue.length).toBe(models[which]?.length);
        }
      }),
      { numRuns: 40 },
    );
  });
});
