// Copies of large files, and what else asks the disk meanwhile.

import fs, { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setImmediate as turned } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Served } from '../served.ts';

let served: Served;
/** Copies of large files that wait here. */
let held: (() => void)[];
let running: number;
let most: number;

beforeEach(async () => {
  served = await Served.start({ 'small.txt': 'small' });
  [held, running, most] = [[], 0, 0];
  const { copyFile } = fs.promises;
  vi.spyOn(fs.promises, 'copyFile').mockImplementation(async (from, to, mode) => {
    if (fs.statSync(from).size < 1_000) return copyFile(from, to, mode);
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => held.push(resolve));
    await copyFile(from, to, mode);
    running--;
  });
  syncBuiltinESMExports();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  syncBuiltinESMExports();
  await served.close();
});

/** Asks for copies of large files; what lets them go on resolves with their statuses. */
async function large(names: readonly string[]): Promise<() => Promise<number[]>> {
  for (const name of names) {
    writeFileSync(join(served.root, name), '');
    truncateSync(join(served.root, name), 5_000_000);
  }
  let isOver = false;
  const copies = names.map((name) => served.status('COPY', `/${name}`, { destination: `/copy-${name}` }));
  const all = Promise.all(copies).finally(() => (isOver = true));
  while (held.length < Math.min(2, names.length)) await turned();
  return async () => {
    for (; !isOver; await turned()) held.shift()?.();
    return all;
  };
}

test('one that has only begun keeps its place while others come and go beside it', async () => {
  const end = await large(['a']);
  expect(await served.status('COPY', '/small.txt', { destination: '/b.txt' })).toBe(201);
  expect(await end()).toEqual([201]);
});

test('not more than two at once keep threads from all else, however many are asked for', async () => {
  const end = await large(['a', 'b', 'c', 'd', 'e']);
  expect(await served.status('COPY', '/small.txt', { destination: '/copy.txt' })).toBe(201);
  expect(await end()).toEqual([201, 201, 201, 201, 201]);
  expect(most).toBe(2);
});

test('one that takes long shows those in other containers that it goes on', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const end = await large(['a']);
  const folder = join(served.root, '.onezero-webdav');
  const place = join(folder, readdirSync(folder)[0] ?? '');
  const changed = (): bigint => statSync(place, { bigint: true }).ctimeNs;
  const first = changed();
  while (changed() === first) {
    vi.advanceTimersByTime(10_000);
    await turned();
  }
  expect(await end()).toEqual([201]);
  // The turn, which is kept for a moment, has a timer of its own.
  while (vi.getTimerCount() > 0) await turned();
});
