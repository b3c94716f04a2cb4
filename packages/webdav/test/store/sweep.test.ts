// What a start looks for, and whom it keeps waiting.

import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SiteTree } from '@onezero/static/tree';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { webdav } from '../../src/index.ts';
import { FOLDER } from '../../src/store/folder.ts';
import { settledName } from '../../src/store/records.ts';
import { Served, setting } from '../served.ts';

let served: Served;

beforeEach(async () => {
  served = await Served.start({ 'd/a': 'a', 'd/b': 'b', c: 'c' });
  for (const path of ['/d/a', '/d/b', '/c', '/d/'])
    await served.ask('PROPPATCH', path, {}, setting(`<t:p>of ${path}</t:p>`));
});
afterEach(() => served.close());

const restart = (): Promise<void> => webdav({ root: served.root, fsync: false }).ready();
const records = (): string[] => readdirSync(join(served.root, 'd', FOLDER));

test('a start where all properties are those of something waits for nobody, and nobody for it', async () => {
  const others = new SiteTree(served.root, { writable: { fsync: false } });
  await others.inTurn('webdav', restart);
  expect(records()).toHaveLength(3);
});

test('properties of what is gone go, those of a file that a collection has taken the name of too', async () => {
  rmSync(join(served.root, 'd/a'));
  renameSync(join(served.root, 'd/b'), join(served.root, 'd/e'));
  mkdirSync(join(served.root, 'd/b'));
  await restart();
  expect(records()).toEqual(['self.json']);
});

test('those of one file among others that are there go alone', async () => {
  rmSync(join(served.root, 'd/a'));
  await restart();
  expect(records().toSorted()).toEqual([settledName('b'), 'self.json'].toSorted());
});
