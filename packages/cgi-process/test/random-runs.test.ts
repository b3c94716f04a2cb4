import { describe, expect, test } from 'vitest';
import { randomRuns } from './random-runs.ts';

const seed = Number(process.env['ONEZERO_SEED'] ?? 1);
const count = Number(process.env['ONEZERO_RUNS'] ?? 120);

describe('random runs', () => {
  test.each(['shell', 'direct', 'startProcess'] as const)(
    'give everything back: %s',
    async (starter) => {
      const { outcomes, ...left } = await randomRuns(starter, seed, count);
      expect(Object.values(outcomes).reduce((sum, number) => sum + number, 0)).toBe(count);
      expect(left).toEqual({ processes: 0, children: 0, descriptors: 0, files: [] });
      // What was tried, for whoever runs many.
      if (process.env['ONEZERO_RUNS'] !== undefined) console.log(starter, `seed ${seed}`, outcomes);
    },
    // A second a run, on a machine full of other work.
    300_000 + count * 1000,
  );
});
