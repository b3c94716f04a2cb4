// What the watcher of a tree tells, and what it leaves out.

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TreeWatcher } from '../../src/live/watch-tree.ts';

let root: string;
let watcher: TreeWatcher;
let changes: string[];
let failures: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'onezero-watched-'));
  changes = [];
  failures = [];
  watcher = new TreeWatcher({
    changed: (path) => changes.push(relative(root, path)),
    failed: ({ message }) => failures.push(message),
  });
});
afterEach(() => {
  watcher.close();
  rmSync(root, { recursive: true });
});

/** Writes a last file, whose change says that all before it have been told. */
async function settled(name = 'last.html'): Promise<readonly string[]> {
  writeFileSync(join(root, name), String(changes.length));
  await expect.poll(() => changes).toContain(name);
  return [...new Set(changes)];
}

describe('a watched tree', () => {
  test('tells of files that are written, renamed and removed, at any depth', async () => {
    mkdirSync(join(root, 'a/b/c'), { recursive: true });
    writeFileSync(join(root, 'a/b/old.txt'), '1');
    await watcher.add(root);
    writeFileSync(join(root, 'a/b/c/deep.html'), '1');
    writeFileSync(join(root, 'top.html'), '1');
    renameSync(join(root, 'a/b/old.txt'), join(root, 'a/new.txt'));
    unlinkSync(join(root, 'a/new.txt'));
    const told = await settled();
    expect(told).toEqual(expect.arrayContaining(['a/b/c/deep.html', 'top.html', 'a/b/old.txt', 'a/new.txt']));
    expect(failures).toEqual([]);
  });

  test('watches directories that come later, with all in them', async () => {
    await watcher.add(root);
    mkdirSync(join(root, 'new/inner'), { recursive: true });
    await expect.poll(() => changes).toContain('new');
    // It is watched a moment later.
    await expect
      .poll(() => {
        writeFileSync(join(root, 'new/inner/page.html'), '1');
        return changes;
      })
      .toContain('new/inner/page.html');
  });

  test('forgets directories that are gone, and watches ones that come again', async () => {
    mkdirSync(join(root, 'out'));
    await watcher.add(root);
    rmSync(join(root, 'out'), { recursive: true });
    await expect.poll(() => changes).toContain('out');
    mkdirSync(join(root, 'out'));
    await expect
      .poll(() => {
        writeFileSync(join(root, 'out/page.html'), '1');
        return changes;
      })
      .toContain('out/page.html');
    expect(failures).toEqual([]);
  });

  test.each([
    ['is removed and made again', (path: string) => rmSync(path, { recursive: true })],
    ['is moved away for another', (path: string) => renameSync(path, join(root, 'before'))],
  ])('stays with a directory that %s at once, as builds do', async (_, remove) => {
    for (const asked of ['', 'out']) {
      mkdirSync(join(root, 'out/inner'), { recursive: true });
      const own = new TreeWatcher({
        changed: (path) => changes.push(relative(root, path)),
        failed: ({ message }) => failures.push(message),
      });
      await own.add(join(root, asked));
      remove(join(root, 'out'));
      mkdirSync(join(root, 'out/inner'), { recursive: true });
      await expect
        .poll(() => {
          writeFileSync(join(root, 'out/inner/page.html'), '1');
          return changes;
        })
        .toContain('out/inner/page.html');
      own.close();
      changes = [];
      rmSync(join(root, 'before'), { recursive: true, force: true });
    }
    expect(failures).toEqual([]);
  });

  test('follows the link that it is given to where it leads next, and waits for what is not there', async () => {
    mkdirSync(join(root, 'one'));
    symlinkSync('one', join(root, 'current'));
    await watcher.add(join(root, 'current'));
    for (const release of ['two', 'three']) {
      mkdirSync(join(root, release));
      unlinkSync(join(root, 'current'));
      symlinkSync(release, join(root, 'current'));
      await expect.poll(() => changes).toContain(release);
      writeFileSync(join(root, release, 'page.html'), '1');
      await expect.poll(() => changes).toContain(`${release}/page.html`);
    }
    expect(failures).toEqual([]);
  });

  test('leaves out what programs write for themselves', async () => {
    const ignored = [
      '.hidden',
      'a.html~',
      '#a.html#',
      '4913',
      'a.swp',
      'a.tmp',
      'a.BAK',
      'a.log',
      'a.pid',
      'a.lock',
      'a.pyc',
    ];
    const databases = ['a.db', 'a.sqlite3', 'a.sqlite3-journal', 'a.db-wal', 'a.sqlite-shm'];
    const folders = ['node_modules', '__pycache__', '.git', 'bower_components'];
    for (const name of folders) mkdirSync(join(root, name));
    await watcher.add(root);
    for (const name of [...ignored, ...databases]) writeFileSync(join(root, name), '1');
    for (const name of folders) writeFileSync(join(root, name, 'a.html'), '1');
    const told = ['a.dbx', 'a.login', 'note.pyx', 'logs', 'a#', '#a', 'locked'];
    for (const name of told) writeFileSync(join(root, name), '1');
    expect((await settled()).toSorted()).toEqual([...told, 'last.html'].toSorted());
  });

  test('does not follow links, and follows the one it is given', async () => {
    mkdirSync(join(root, 'real/sub'), { recursive: true });
    mkdirSync(join(root, 'site'));
    symlinkSync(join(root, 'real'), join(root, 'site/link'));
    symlinkSync(join(root, 'site'), join(root, 'alias'));
    await watcher.add(join(root, 'alias'));
    writeFileSync(join(root, 'real/sub/a.html'), '1');
    writeFileSync(join(root, 'real/b.html'), '1');
    expect((await settled('site/last.html')).map((path) => basename(path))).toEqual(['last.html']);
  });

  test('says what it cannot watch, and tells nothing once it is closed', async () => {
    await watcher.add(join(root, 'none'));
    expect(failures).toEqual([expect.stringContaining('ENOENT')]);
    await watcher.add(root);
    watcher.close();
    watcher.close();
    writeFileSync(join(root, 'late.html'), '1');
    const other = new TreeWatcher({ changed: (path) => changes.push(basename(path)), failed: () => {} });
    await other.add(root);
    writeFileSync(join(root, 'later.html'), '1');
    await expect.poll(() => changes).toContain('later.html');
    other.close();
    expect(changes).not.toContain('late.html');
    expect(readdirSync(root)).toContain('late.html');
  });
});
