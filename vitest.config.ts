import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// One configuration for every package: each runs its own `test/` folder from its own directory.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Most tests wait for sockets and children, not for the processor, so none of the cores is kept back.
    maxWorkers: availableParallelism(),
    testTimeout: 20_000,
    hookTimeout: 30_000,
    reporters: ['default', ['json', { outputFile: '.turbo/test-report.json' }]],
  },
});
