// The parts of the worker by themselves, in Python's own unittest: each `*_test.py` of this folder is one run.

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { python } from '../harness.ts';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('.', import.meta.url));
const worker = fileURLToPath(new URL('../../python', import.meta.url));

const modules = readdirSync(folder)
  .filter((name) => name.endsWith('_test.py'))
  .map((name) => name.slice(0, -3));

/** Runs a module of tests. The result is what unittest says of it. */
async function report(module: string): Promise<string> {
  const env = { ...process.env, PYTHONPATH: worker, PYTHONDONTWRITEBYTECODE: '1' };
  try {
    return (await run(python, ['-W', 'error', '-m', 'unittest', module], { cwd: folder, env })).stderr;
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}

test.concurrent.each(modules)('%s passes', async (module) => {
  expect(await report(module)).toMatch(/Ran [1-9]\d* tests? in .*\n\nOK(?: \(skipped=\d+\))?\n$/s);
});

test('there are modules of tests', () => {
  expect(modules).toContain('websocket_test');
});
