// What a file system refuses when the thing itself is done: it is answered as done, and nothing of it stays.

import fs, { type PathLike } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asking, Served, setting } from '../served.ts';

const { rename } = fs.promises;
let served: Served;

beforeEach(async () => {
  served = await Served.start({ 'd/x': 'new', 'e/y': 'old', 'e/z': 'old', 'a.txt': 'a', 'b.txt': 'b', 'f/g': '' });
});
afterEach(async () => {
  refuse(() => false);
  await served.close();
});

/** Lets renames to some names fail, as a disk does that is dying. */
function refuse(isRefused: (to: string) => boolean, code = 'EIO'): void {
  fs.promises.rename = async (from: PathLike, to: PathLike) => {
    if (isRefused(String(to))) throw Object.assign(new Error(`${code}: injected`), { code });
    await rename(from, to);
  };
  syncBuiltinESMExports();
}

/** Locks something that stays, and a member of `e`; then locks cannot be written any more. */
async function lockedMember(): Promise<Record<string, string>> {
  await served.lock('/f/g');
  const token = await served.lock('/e/z');
  refuse((to) => to.endsWith('/locks.json'));
  return { if: `</e/z> (<${token}>)` };
}

const own = (): string[] => served.paths().filter((path) => /\.onezero-webdav\/[^/]*\.(?:new|old|del)/.test(path));

test.each([
  ['COPY', ['d/x', 'e/x']],
  ['MOVE', ['e/x']],
])('%s onto a collection whose locks cannot be ended', async (method, left) => {
  const held = await lockedMember();
  expect(await served.status(method, '/d/', { destination: '/e/', ...held })).toBe(204);
  expect(served.paths().filter((path) => /^[de]\/./.test(path))).toEqual(left);
  expect(own()).toEqual([]);
});

test('DELETE of a collection whose locks cannot be ended', async () => {
  const held = await lockedMember();
  expect(await served.status('DELETE', '/e/', held)).toBe(204);
  expect(served.paths().filter((path) => path.startsWith('e/'))).toEqual([]);
  expect(own()).toEqual([]);
});

test('DELETE of a collection that the file system does not rename, as overlayfs one of an image', async () => {
  refuse((to) => to.endsWith('.del'), 'EXDEV');
  expect(await served.status('DELETE', '/e/')).toBe(204);
  expect(served.paths()).toEqual(['a.txt', 'b.txt', 'd/', 'd/x', 'f/', 'f/g']);
});

test('COPY onto such a collection changes nothing', async () => {
  refuse((to) => to.endsWith('.old/e'), 'EXDEV');
  expect(await served.status('COPY', '/d/', { destination: '/e/' })).toBe(403);
  expect(served.paths()).toEqual(['a.txt', 'b.txt', 'd/', 'd/x', 'e/', 'e/y', 'e/z', 'f/', 'f/g']);
});

test('MOVE of such a collection', async () => {
  refuse((to) => to.endsWith('.del') || to.endsWith('/n'), 'EXDEV');
  const { rename: refusing } = fs.promises;
  // The copy has its place by a rename that succeeds.
  fs.promises.rename = async (from, to) => (String(from).endsWith('/copy') ? rename(from, to) : refusing(from, to));
  syncBuiltinESMExports();
  expect(await served.status('MOVE', '/e/', { destination: '/n/' })).toBe(201);
  expect(served.paths().filter((path) => /^[en]\//.test(path))).toEqual(['n/', 'n/y', 'n/z']);
});

test('MOVE of a file whose properties cannot get the name', async () => {
  await served.ask('PROPPATCH', '/a.txt', {}, setting('<t:p>of a</t:p>'));
  let refused = 0;
  refuse((to) => /\/[0-9a-f]{32}\.json$/.test(to) && ++refused > 0);
  expect(await served.status('MOVE', '/a.txt', { destination: '/b.txt' })).toBe(204);
  expect(refused).toBe(1);
  expect((await served.ask('PROPFIND', '/b.txt', { depth: '0' }, asking('<t:p/>'))).text).toContain('of a');
});

test('MKCOL makes nothing where a lock that was left over cannot be ended', async () => {
  await served.lock('/f/g');
  await served.lock('/n');
  fs.rmSync(`${served.root}/n`);
  refuse((to) => to.endsWith('/locks.json'));
  expect(await served.status('MKCOL', '/n')).toBe(500);
  expect(served.paths()).not.toContain('n/');
});
