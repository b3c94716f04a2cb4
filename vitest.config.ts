import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';

// One configuration for every package: each runs its own `test/` folder from its own directory.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: existsSync('test/setup.ts') ? ['test/setup.ts'] : [],
    pool: 'forks',
    // Test files share two processes: to start one for each, and read there what is tested, took up to half of all processor
    // time. So tests leave nothing behind in their process, and count only what is theirs.
    // Only those of python count every file that their process has open.
    isolate: basename(process.cwd()) === 'python',
    // Most tests wait for sockets and children, not for the processor, so none of the cores is kept back.
    maxWorkers: availableParallelism(),
    // Only a test that hangs gets here: on a machine with ten times as much to do as it has cores, others take as much longer.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
    reporters: ['default', ['json', { outputFile: '.turbo/test-report.json' }]],
  },
});
