// `pnpm run soak` does the same ten thousand times.

import { expect, test } from 'vitest';
import { soak } from './soak.ts';

const RUNS = Number(process.env['SOAK_RUNS'] ?? 200);

test.each(['shell', 'direct'] as const)(
  '%s leaves nothing behind after many runs and abandoned clients',
  { timeout: RUNS * 1000 + 300_000 },
  async (spawner) => {
    const report = await soak(RUNS, spawner);
    if (RUNS > 1000) console.log(spawner, report);
    expect(report).toMatchObject({ children: 0, processes: 0, temporaryFiles: 0, descriptors: 0 });
    expect(report.whole + report.broken + report.refused).toBeGreaterThanOrEqual(RUNS);
    expect(report.whole).toBeGreaterThan(RUNS / 8);
  },
);
