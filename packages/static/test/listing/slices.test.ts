// Long work in pieces: the same results as in one piece, and turns of the loop in between.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filterInSlices, mapInSlices, sortInSlices } from '../../src/listing/slices.ts';

const lengths = fc.constantFrom(0, 1, 2, 511, 512, 513, 1023, 1024, 1025, 1537, 4095, 4097, 5000);

interface Item {
  readonly key: number;
  readonly place: number;
}

const items = fc
  .tuple(lengths, fc.integer({ min: 1, max: 1_000_000 }))
  .map(([length, seed]) =>
    Array.from({ length }, (_, place): Item => ({ key: Math.imul(place + seed, 2_654_435_761) >>> 26, place })),
  );

test('sorting gives what toSorted gives, equal ones in their order', async () => {
  await fc.assert(
    fc.asyncProperty(items, async (values) => {
      const compare = (a: Item, b: Item): number => a.key - b.key;
      expect(await sortInSlices(values, compare)).toEqual(values.toSorted(compare));
    }),
    { numRuns: 40 },
  );
});

test('filtering and mapping keep the order', async () => {
  await fc.assert(
    fc.asyncProperty(items, async (values) => {
      const isOdd = ({ key }: Item): boolean => key % 2 === 1;
      expect(await filterInSlices(values, isOdd)).toEqual(values.filter(isOdd));
      expect((await mapInSlices(values, (slice) => slice)).flat()).toEqual(values);
    }),
    { numRuns: 40 },
  );
});

test('others get their turns while a large folder is sorted', async () => {
  const values = Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 20_011);
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await sortInSlices(values, (a, b) => a - b);
  isDone = true;
  expect(turns).toBeGreaterThan(20_000 / 512);
});

test('an error of a comparison is the caller’s', async () => {
  const failing = sortInSlices([2, 1], () => {
    throw new RangeError('no order');
  });
  await expect(failing).rejects.toThrow('no order');
});
