// Directories are read once for all who ask, kept while their times vouch for them, and never beyond the memory allowed.

import fs, {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Folder, Folders, isSameDirectory } from '../../src/listing/folders.ts';
import type { RememberedPage } from '../../src/listing/pages.ts';
import { settingsOf } from '../../src/options/settings.ts';

let top: string;
let root: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-folders-'));
  root = join(top, 'root');
  mkdirSync(root);
});
afterEach(() => rmSync(top, { recursive: true }));

/** A folder that no clock tick hides a change of: until its change time is some ticks ago. */
async function rested(name: string, count: number): Promise<string> {
  const path = join(root, name);
  mkdirSync(path);
  for (let index = 0; index < count; index++) writeFileSync(join(path, `f${index}`), '');
  while (Date.now() - statSync(path).ctimeMs < 50) await passed(5);
  return path;
}

const folders = (): Folders => new Folders(settingsOf(root, {}));

const namesOf = (folder: Folder | undefined): string => (folder?.sorted ?? []).map(({ name }) => name).join(' ');

describe('a look', () => {
  test('finds the names, and keeps them until the directory changes', async () => {
    const path = await rested('a', 2);
    const all = folders();
    expect(all.known(['a'])).toBeUndefined();
    const found = await all.look(['a']);
    expect(namesOf(found)).toBe('f0 f1');
    expect(all.known(['a'])).toBe(found);
    writeFileSync(join(path, 'f2'), '');
    expect(all.known(['a'])).toBeUndefined();
    expect(namesOf(await all.look(['a']))).toBe('f0 f1 f2');
  });

  test('that comes while another goes on waits for it, and takes its outcome if that is still true', async () => {
    await rested('a', 3);
    const all = folders();
    const [first, second, third] = await Promise.all([all.look(['a']), all.look(['a']), all.look(['a'])]);
    expect(namesOf(first)).toBe('f0 f1 f2');
    expect(second).toBe(first);
    expect(third).toBe(first);
  });

  test('never gives what was there before it began', async () => {
    const path = await rested('a', 1);
    const all = folders();
    const before = all.look(['a']);
    writeFileSync(join(path, 'late'), '');
    expect(namesOf(await all.look(['a']))).toBe('f0 late');
    await before;
  });

  test('at what is not there, or is a file, is the file system’s error, for all who wait', async () => {
    const all = folders();
    writeFileSync(join(root, 'file'), '');
    const looks = await Promise.allSettled([all.look(['absent']), all.look(['absent']), all.look(['file'])]);
    expect(looks.map((look) => (look.status === 'rejected' ? (look.reason as { code: string }).code : ''))).toEqual([
      'ENOENT',
      'ENOENT',
      'ENOTDIR',
    ]);
    // And an error is not kept.
    mkdirSync(join(root, 'absent'));
    expect(namesOf(await all.look(['absent']))).toBe('');
  });

  test('outside the root finds nothing', async () => {
    mkdirSync(join(top, 'outside'));
    symlinkSync('../outside', join(root, 'out'));
    expect(await folders().look(['out'])).toBeUndefined();
  });

  test('beyond four at once waits, and all come to their end', async () => {
    const all = folders();
    for (let index = 0; index < 12; index++) mkdirSync(join(root, `d${index}`));
    const looks = Array.from({ length: 12 }, (_, index) => all.look([`d${index}`]));
    const more = Array.from({ length: 12 }, (_, index) => all.look([`gone${index}`]).catch(() => undefined));
    expect((await Promise.all(looks)).filter((found) => found !== undefined)).toHaveLength(12);
    expect((await Promise.all(more)).filter((found) => found !== undefined)).toEqual([]);
  });
});

describe('what is kept', () => {
  test('is nothing of a directory that changed just now', async () => {
    const path = await rested('a', 1);
    const all = folders();
    // Whole seconds of some file systems, and clocks of others, are this far apart.
    const soon = (Date.now() + 2_000) / 1000;
    utimesSync(path, soon, soon);
    const found = await all.look(['a']);
    expect(found?.isRested).toBe(false);
    expect(all.known(['a'])).toBeUndefined();
  });

  test('is nothing on a file system whose directories have no times of their own, as many of FUSE', async () => {
    await rested('a', 1);
    const asked = vi.spyOn(fs.promises, 'statfs').mockResolvedValue({ type: 0x6573_5546 } as fs.StatsFs);
    syncBuiltinESMExports();
    try {
      const all = folders();
      expect(namesOf(await all.look(['a']))).toBe('f0');
      expect(asked).toHaveBeenCalled();
      expect(all.known(['a'])).toBeUndefined();
    } finally {
      asked.mockRestore();
      syncBuiltinESMExports();
    }
  });

  test('is nothing of a directory with links, whose kinds no time tells', async () => {
    const path = join(root, 'a');
    mkdirSync(path);
    symlinkSync('.', join(path, 'link'));
    while (Date.now() - statSync(path).ctimeMs < 50) await passed(5);
    const all = folders();
    expect((await all.look(['a']))?.hasLinks).toBe(true);
    expect(all.known(['a'])).toBeUndefined();
  });

  test('is at most 20,000 names: those that were not asked for go first', async () => {
    const all = folders();
    const names = ['a', 'b', 'c'];
    for (const name of names) await rested(name, 7_000);
    await all.look(['a']);
    await all.look(['b']);
    expect(all.known(['a'])).toBeDefined();
    await all.look(['c']);
    // 21,000 are too many, and b is the one that was used least lately.
    expect(names.map((name) => all.known([name]) !== undefined)).toEqual([true, false, true]);
  });
});

describe('a shared page', () => {
  const page: RememberedPage = {
    listed: { entries: [], total: 0, page: 1, pages: 1, sort: 'name', unreadable: 0 },
    get: { status: 200, fields: [] },
    head: { status: 200, fields: [] },
    turn: -1,
  };

  test('is made once for all who ask in one turn, and anew for those who come later', async () => {
    const all = folders();
    let made = 0;
    const make = (): Promise<RememberedPage> => {
      made++;
      return Promise.resolve(page);
    };
    await Promise.all([all.share('a', make), all.share('a', make), all.share('b', make)]);
    expect(made).toBe(2);
    await all.share('a', make);
    expect(made).toBe(3);
  });

  test('that cannot be made fails for all who asked, and not for the next', async () => {
    const all = folders();
    const fail = (): Promise<never> => Promise.reject(new Error('disk'));
    const both = await Promise.allSettled([all.share('a', fail), all.share('a', fail)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await all.share('a', () => Promise.resolve(page))).toBe(page);
  });
});

test('a directory that was replaced by another of its name is another', async () => {
  const path = await rested('a', 1);
  const found = await folders().look(['a']);
  if (found === undefined) throw new Error('not found');
  expect(isSameDirectory(found)).toBe(true);
  writeFileSync(join(path, 'more'), '');
  expect(isSameDirectory(found)).toBe(true);
  renameSync(path, `${path}.old`);
  expect(isSameDirectory(found)).toBe(false);
  mkdirSync(path);
  expect(isSameDirectory(found)).toBe(false);
});
