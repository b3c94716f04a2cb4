// Workers where descriptors are wanting.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { fixtures, python } from '../harness.ts';

const run = promisify(execFile);

test('a start that fails for want of descriptors leaves none open', async () => {
  const args = ['-c', 'ulimit -n 60; exec "$0" "$@"', process.execPath, join(fixtures, 'tight.mjs'), python, '18'];
  const { stdout } = await run('/bin/sh', args);
  const { outcomes, left } = JSON.parse(stdout) as { outcomes: string[]; left: number };
  expect([outcomes[0], outcomes.at(-1), left]).toEqual(['failed', 'ready', 0]);
});
