import { expect, test } from 'vitest';

import { soak } from '../soak.mjs';

test('a few seconds of every kind of traffic leave nothing behind', async () => {
  // Memory is for the long run to judge: a process this young still grows.
  const run = { seconds: 3, replicas: 1, warmUpSeconds: 1, restMs: 1000, memoryFactor: Number.POSITIVE_INFINITY };
  const { left, wrong, counts, complaint } = await soak(run);
  expect(wrong, complaint.slice(-1500)).toEqual([]);
  expect(left).toEqual([]);
  expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
});
