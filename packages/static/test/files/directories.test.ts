// When a directory vouches for what is not in it, with a file system that is watched and, for time, set by hand.

import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Directories, type DirectoryView } from '../../src/files/directories.ts';
import { type Disk, mainThreadDisk } from '../../src/files/disk.ts';

let root: string;
let looks: string[];

/** Notes what is asked for. */
const disk: Disk = {
  ...mainThreadDisk,
  stat: (path) => {
    looks.push(path);
    return mainThreadDisk.stat(path);
  },
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'onezero-directories-'));
  looks = [];
});
afterEach(() => rmSync(root, { recursive: true }));

/** A directory of files that no clock tick hides a change of. */
async function rested(name: string, ...files: readonly string[]): Promise<string> {
  const path = join(root, name);
  mkdirSync(path);
  for (const file of files) writeFileSync(join(path, file), '');
  while (Date.now() - statSync(path).ctimeMs < 50) await passed(5);
  return path;
}

async function look(directories: Directories, location: string): Promise<DirectoryView> {
  const view = await directories.look(location);
  if (view === undefined || view instanceof Error) throw new Error(`no directory at ${location}`);
  return view;
}

const AMPLE = 1_000_000;

/** Asks for absent names until the names were read, or enough was asked to say that they are not. */
async function probe(directories: Directories, location: string, times: number): Promise<void> {
  for (let count = 0; count < times; count++) {
    directories.probed(await look(directories, location));
    await turned();
  }
}

/** Whether a name is known to be absent, as soon as that is known. */
const untilLacking = async (directories: Directories, location: string, name: string): Promise<void> => {
  await expect.poll(async () => directories.lacks(await look(directories, location), name)).toBe(true);
};

describe('a look', () => {
  test('asks the file system once in a turn', async () => {
    const path = await rested('a');
    const directories = new Directories(disk, AMPLE);
    await turned();
    void directories.look(path);
    void directories.look(path);
    expect(looks).toEqual([path]);
    await turned();
    void directories.look(path);
    expect(looks).toHaveLength(2);
  });

  test('keeps its version while nothing changes, and has another after each change', async () => {
    const path = await rested('a', 'one');
    const directories = new Directories(disk, AMPLE);
    const view = await look(directories, path);
    const { version } = view;
    await turned();
    expect(await look(directories, path)).toBe(view);
    expect(view.version).toBe(version);
    writeFileSync(join(path, 'two'), '');
    await turned();
    expect((await look(directories, path)).version).not.toBe(version);
  });

  test('finds nothing where there is no directory, and what it found before vouches for nothing any more', async () => {
    const path = await rested('a');
    const directories = new Directories(disk, AMPLE);
    const view = await look(directories, path);
    const { version } = view;
    rmSync(path, { recursive: true });
    await turned();
    expect(await directories.look(path)).toBeUndefined();
    expect([view.isVouching, view.version === version]).toEqual([false, false]);
    writeFileSync(path, '');
    await turned();
    expect(await directories.look(path)).toBeUndefined();
    expect(await directories.look(join(path, 'below'))).toBeUndefined();
  });

  test('is an error where the file system has one', async () => {
    const failing: Disk = { ...disk, stat: () => Object.assign(new Error('EIO'), { code: 'EIO' }) };
    expect(await new Directories(failing, AMPLE).look(root)).toBeInstanceOf(Error);
  });

  test('at a directory that changed just now vouches for nothing', async () => {
    const path = await rested('a');
    const now: Disk = {
      ...disk,
      stat: (asked) => {
        const stats = statSync(asked);
        stats.mtimeMs = Date.now();
        return stats;
      },
    };
    const directories = new Directories(now, AMPLE);
    const view = await look(directories, path);
    expect(view.isVouching).toBe(false);
    // And each look is another version, so nothing that was absent is believed.
    const { version } = view;
    await turned();
    expect((await look(directories, path)).version).not.toBe(version);
  });
});

describe('names', () => {
  test('are read when many absent ones were asked for, and not before', async () => {
    const path = await rested('a', 'one', 'two');
    const directories = new Directories(disk, AMPLE);
    await probe(directories, path, 7);
    expect(directories.lacks(await look(directories, path), 'absent')).toBe(false);
    await probe(directories, path, 1);
    await untilLacking(directories, path, 'absent');
    const view = await look(directories, path);
    expect(['one', 'two', 'absent', 'One'].map((name) => directories.lacks(view, name))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    // Another spelling of a name that is not ASCII may be the same name to the file system.
    expect(directories.lacks(view, 'é')).toBe(false);
  });

  test('are forgotten with the first change', async () => {
    const path = await rested('a', 'one');
    const directories = new Directories(disk, AMPLE);
    await probe(directories, path, 8);
    await untilLacking(directories, path, 'two');
    writeFileSync(join(path, 'two'), '');
    await turned();
    const view = await look(directories, path);
    expect(directories.lacks(view, 'two')).toBe(false);
    expect(directories.lacks(view, 'three')).toBe(false);
  });

  test('of a directory that changes while they are read are not believed', async () => {
    const path = await rested('a', 'one');
    const directories = new Directories(disk, AMPLE);
    await probe(directories, path, 7);
    directories.probed(await look(directories, path));
    writeFileSync(join(path, 'two'), '');
    for (let round = 0; round < 20; round++) {
      await turned();
      expect(directories.lacks(await look(directories, path), 'two')).toBe(false);
    }
  });

  test('say what is likely to be found', async () => {
    const path = await rested('a', 'one');
    const directories = new Directories(disk, AMPLE);
    expect(directories.expects(join(path, 'one'))).toBe(false);
    await look(directories, path);
    expect(directories.expects(join(path, 'anything'))).toBe(true);
    await probe(directories, path, 8);
    await untilLacking(directories, path, 'absent');
    expect([directories.expects(join(path, 'one')), directories.expects(join(path, 'absent'))]).toEqual([true, false]);
  });

  test('of a directory by another name are that one’s', async () => {
    const [a, b] = [await rested('a', 'one'), await rested('b', 'two')];
    const directories = new Directories(disk, AMPLE);
    await probe(directories, a, 8);
    await untilLacking(directories, a, 'two');
    renameSync(a, `${a}.old`);
    renameSync(b, a);
    await turned();
    expect(directories.lacks(await look(directories, a), 'two')).toBe(false);
  });
});

describe('memory', () => {
  test('is bounded: the oldest view goes, and vouches for nothing', async () => {
    const paths = [];
    for (const name of ['a', 'b', 'c']) paths.push(await rested(name));
    const [first = '', second = '', third = ''] = paths;
    // Room for two.
    const directories = new Directories(disk, 2 * (600 + first.length) + 10);
    const [a, b] = [await look(directories, first), await look(directories, second)];
    expect([a.isVouching, b.isVouching]).toEqual([true, true]);
    await look(directories, third);
    expect([a.isVouching, b.isVouching]).toEqual([false, true]);
    expect(await look(directories, first)).not.toBe(a);
  });

  test('without room still has the view that was asked for', async () => {
    const [a, b] = [await rested('a'), await rested('b')];
    const directories = new Directories(disk, 0);
    expect((await look(directories, a)).isVouching).toBe(true);
    expect((await look(directories, b)).isVouching).toBe(true);
  });
});
