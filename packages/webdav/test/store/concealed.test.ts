// What is mounted in a tree, when it cannot be told.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, expect, test, vi } from 'vitest';
import { Served } from '../served.ts';

let served: Served;

afterEach(async () => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  await served.close();
});

test.each([
  ['EMFILE', 503, ['d/', 'd/x']],
  ['EACCES', 204, []],
])('a collection is removed where the list of mounts is %s: %i', async (code, status, left) => {
  served = await Served.start({ 'd/x': 'x' });
  const { readFile } = fs.promises;
  vi.spyOn(fs.promises, 'readFile').mockImplementation(async (path, options) => {
    if (path === '/proc/self/mountinfo') throw Object.assign(new Error(`${code}: injected`), { code });
    return readFile(path, options);
  });
  syncBuiltinESMExports();
  expect(await served.status('DELETE', '/d/')).toBe(status);
  expect(served.paths()).toEqual(left);
});
