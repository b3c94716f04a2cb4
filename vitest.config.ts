import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';

// Packages whose test files share a process, one after another: to read what is tested took half of all processor time. Their tests
// leave nothing in the process, and count only what is theirs.
const SHARING = ['http-parser', 'server', 'static', 'webdav'];

// One configuration for every package: each runs its own `test/` folder from its own directory.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    isolate: !SHARING.includes(basename(process.cwd())),
    // Most tests wait for sockets and children, not for the processor, so none of the cores is kept back.
    maxWorkers: availableParallelism(),
    // Only a test that hangs gets here: on a machine with ten times as much to do as it has cores, others take as much longer.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default', ['json', { outputFile: '.turbo/test-report.json' }]],
  },
});
