// What a path leads to, looked at while others change it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SiteTree } from '@onezero/static/tree';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { lookAt } from '../../src/store/place.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'onezero-place-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test.each([
  ['comes', false],
  ['goes', true],
])('what %s between two looks is there or not, and never hidden', async (_, isThere) => {
  const path = join(root, 'a.txt');
  const tree = new SiteTree(root);
  if (isThere) writeFileSync(path, 'a');
  let isChanged = false;
  const change = (): void => {
    if (isChanged) return;
    isChanged = true;
    if (isThere) rmSync(path);
    else writeFileSync(path, 'a');
  };
  const look = tree.look.bind(tree);
  const entry = tree.entry.bind(tree);
  vi.spyOn(tree, 'look').mockImplementation(async (...words) => {
    const stats = await look(...words);
    change();
    return stats;
  });
  vi.spyOn(tree, 'entry').mockImplementation(async (...words) => {
    const stats = await entry(...words);
    change();
    return stats;
  });
  const place = await lookAt(tree, '/a.txt');
  await place.close();
  expect(isChanged).toBe(true);
  expect(place.stats === undefined).toBe(place.entry === undefined);
});
