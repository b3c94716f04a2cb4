// What dead writers left goes; what a living one fills stays; of an unknown one the file has to show it, by a clock of the test.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PARTIAL_FILE_PREFIX } from '../../src/files/path.ts';
import { ownName } from '../../src/writing/owner.ts';
import { QUOTA_FILE, Sweeper } from '../../src/writing/sweep.ts';

let top: string;
let root: string;
let nowMs: number;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-sweep-'));
  root = join(top, 'root');
  mkdirSync(join(root, 'deep/er'), { recursive: true });
  nowMs = 1_000_000;
});
afterEach(() => rmSync(top, { recursive: true }));

const sweeper = (): Sweeper => new Sweeper(root, () => nowMs);

/** A name that a process of this kernel chose which is dead: its number has started at another time. */
const deadName = (): string => ownName().replace(/\.(\d+)\.(\d+)\.[0-9a-f]{12}-/, '.$1.1.ffffffffffff-');

/** A name of another kernel. */
const foreignName = (count = 1): string => `ffffffff.1.1.1.ffffffffffff-${count}`;

function put(folder: string, ...names: readonly string[]): string {
  const path = join(root, folder);
  mkdirSync(path, { recursive: true });
  for (const name of names) writeFileSync(join(path, name), 'partial');
  return path;
}

const WORK = `${PARTIAL_FILE_PREFIX}key`;

describe('a sweep', () => {
  test('removes the files of the dead and their folders, at any depth, and nothing else', async () => {
    writeFileSync(join(root, 'a.txt'), 'a');
    writeFileSync(join(root, 'deep/er/.hidden'), 'b');
    const folders = ['', 'deep', 'deep/er'].map((place) => put(join(place, WORK), deadName(), `${deadName()}.claim`));
    expect(await sweeper().sweep()).toBe(6);
    expect(folders.map((folder) => existsSync(folder))).toEqual([false, false, false]);
    expect(readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted()).toEqual([
      'a.txt',
      'deep',
      'deep/er',
      'deep/er/.hidden',
    ]);
  });

  test('leaves the files of the living, whatever else is in their folder', async () => {
    const living = ownName();
    const folder = put(WORK, living, deadName());
    expect(await sweeper().sweep()).toBe(1);
    expect(readdirSync(folder)).toEqual([living]);
  });

  test('leaves the file of the quota, and removes a folder that is empty', async () => {
    const quota = put(`${PARTIAL_FILE_PREFIX}quota`, QUOTA_FILE, deadName());
    const empty = put(`${PARTIAL_FILE_PREFIX}empty`);
    const one = sweeper();
    expect(await one.sweep()).toBe(1);
    nowMs += 60_000;
    expect(await one.sweep()).toBe(0);
    expect(readdirSync(quota)).toEqual([QUOTA_FILE]);
    expect(existsSync(empty)).toBe(false);
  });

  test('follows no link, and does not mind what it may not remove', async () => {
    mkdirSync(join(top, 'outside', WORK), { recursive: true });
    const outside = join(top, 'outside', WORK, deadName());
    writeFileSync(outside, '');
    symlinkSync('../outside', join(root, 'link'));
    symlinkSync(`../outside/${WORK}`, join(root, WORK));
    expect(await sweeper().sweep()).toBe(0);
    expect(existsSync(outside)).toBe(true);
  });

  test('of a root that is not there finds nothing', async () => {
    expect(await new Sweeper(join(top, 'absent')).sweep()).toBe(0);
  });

  test('takes a file of our prefix, as earlier versions left them, for one of an unknown writer', async () => {
    const path = join(root, `${PARTIAL_FILE_PREFIX}4711`);
    writeFileSync(path, '');
    const one = sweeper();
    expect(await one.sweep()).toBe(0);
    nowMs += 60_000;
    expect(await one.sweep()).toBe(1);
    expect(existsSync(path)).toBe(false);
  });
});

describe('a file of another kernel', () => {
  test('goes when it has stayed as it is for a minute, and not before', async () => {
    const name = foreignName();
    const folder = put(WORK, name);
    const one = sweeper();
    for (const wait of [0, 30_000, 29_999]) {
      nowMs += wait;
      expect(await one.sweep()).toBe(0);
    }
    nowMs += 1;
    expect(await one.sweep()).toBe(1);
    expect(existsSync(folder)).toBe(false);
  });

  test('stays as long as its writer shows that it goes on', async () => {
    const folder = put(WORK, foreignName());
    const one = sweeper();
    for (let round = 0; round < 5; round++) {
      expect(await one.sweep()).toBe(0);
      nowMs += 59_000;
      // The change time of a file has steps of some milliseconds.
      await passed(30);
      writeFileSync(join(folder, foreignName()), `more ${round}`);
    }
    expect(readdirSync(folder)).toHaveLength(1);
    expect(await one.sweep()).toBe(0);
    nowMs += 60_000;
    expect(await one.sweep()).toBe(1);
  });

  test('is judged by this process from when it saw it, not by another’s clock', async () => {
    put(WORK, foreignName());
    nowMs = 0;
    expect(await sweeper().sweep()).toBe(0);
    nowMs = 1e9;
    // A new sweeper sees it for the first time.
    expect(await sweeper().sweep()).toBe(0);
  });

  test('is one of several, each with its own time', async () => {
    const folder = put(WORK, foreignName(1));
    const one = sweeper();
    await one.sweep();
    nowMs += 40_000;
    writeFileSync(join(folder, foreignName(2)), '');
    expect(await one.sweep()).toBe(0);
    nowMs += 20_000;
    expect(await one.sweep()).toBe(1);
    expect(readdirSync(folder)).toEqual([foreignName(2)]);
    nowMs += 40_000;
    expect(await one.sweep()).toBe(1);
  });
});
