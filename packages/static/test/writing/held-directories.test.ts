// A directory that is held for many writes: each is whole, writers of single files wait for it, and nothing of it is left.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turned } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { settingsOf } from '../../src/options/settings.ts';
import { type HeldDirectories, SiteTree } from '../../src/tree.ts';
import { allFreed, canHoldReplaced } from '../../src/writing/replaced-files.ts';
import { EVERY_NAME, targetKey, WorkFolder } from '../../src/writing/work-folder.ts';

// All are removed at the end: a new directory with the inode of one that others wrote in would not be held either.
const top = mkdtempSync(join(tmpdir(), 'onezero-held-'));
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(top, 'root-'));
  mkdirSync(join(root, 'd'));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const writable = (options = {}): SiteTree => new SiteTree(root, { writable: { fsync: false, ...options } });

/** A PUT that lets itself be placed in what is held; how often `place` was called is in `places`. */
async function put(
  tree: SiteTree,
  path: string,
  text: string,
  held?: HeldDirectories,
  fields: readonly (readonly [string, string])[] = [],
) {
  let places = 0;
  const response = await tree.respond({
    method: 'PUT',
    pathInfo: path,
    fields: [['content-length', String(text.length)], ...fields],
    content: (async function* () {
      yield Buffer.from(text);
    })(),
    commit: (place) => {
      places++;
      return place(held);
    },
  });
  return { status: response.status, places, etag: response.fields.find(([name]) => name === 'etag')?.[1] };
}

const litter = (): string[] =>
  (readdirSync(root, { recursive: true }) as string[]).filter((one) => one.includes('.on'));

describe('in a directory that is held', () => {
  test('files are made and replaced, with their permissions and tags, and nothing else is there after it', async () => {
    const tree = writable();
    await tree.inTurn('t', async (held) => {
      expect(await put(tree, '/d/a', 'one', held)).toMatchObject({ status: 201, places: 1 });
      chmodSync(join(root, 'd/a'), 0o640);
      const { status, places, etag } = await put(tree, '/d/a', 'two', held);
      expect([status, places]).toEqual([204, 1]);
      expect(etag).toBe(tree.etagOf(statSync(join(root, 'd/a'))));
      expect(statSync(join(root, 'd/a')).mode & 0o777).toBe(0o640);
      expect(await put(tree, '/b', '', held)).toMatchObject({ status: 201, places: 1 });
    });
    expect([readFileSync(join(root, 'd/a'), 'utf8'), readFileSync(join(root, 'b'), 'utf8')]).toEqual(['two', '']);
    expect(litter()).toEqual([]);
  });

  test('what is no file stays, and a missing directory is 409', async () => {
    const tree = writable();
    mkdirSync(join(root, 'd/sub'));
    symlinkSync('b', join(root, 'd/link'));
    await tree.inTurn('t', async (held) => {
      for (const path of ['/d/sub', '/d/link', '/none/x'])
        expect([path, (await put(tree, path, 'x', held)).status]).toEqual([path, 409]);
    });
    expect(readdirSync(root)).toEqual(['d']);
    expect(readdirSync(join(root, 'd')).toSorted()).toEqual(['link', 'sub']);
  });

  test.each<[string, object, readonly (readonly [string, string])[]]>([
    ['conditions', {}, [['if-none-match', '*']]],
    ['digests', {}, [['content-digest', 'sha-256=:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=:']]],
    ['a quota', { quotaBytes: 1e6 }, []],
    ['a disk to wait for', { fsync: true }, []],
  ])('writes with %s make claims as ever', async (_, options, fields) => {
    const tree = writable(options);
    await tree.inTurn('t', async (held) => {
      expect(await put(tree, '/d/x', 'foo', held, fields)).toMatchObject({ status: 201, places: 1 });
    });
    expect(readFileSync(join(root, 'd/x'), 'utf8')).toBe('foo');
    expect(litter().filter((one) => !one.includes('quota'))).toEqual([]);
  });

  test('a write to what was moved goes to where its path leads now', async () => {
    const tree = writable();
    await tree.inTurn('t', async (held) => {
      await put(tree, '/d/a', 'old', held);
      renameSync(join(root, 'd'), join(root, 'moved'));
      // What is answered in the same turn of the loop counts as written before.
      await turned();
      expect((await put(tree, '/d/a', 'x', held)).status).toBe(409);
      mkdirSync(join(root, 'd'));
      expect((await put(tree, '/d/a', 'new', held)).status).toBe(201);
      rmSync(join(root, 'd'), { recursive: true });
      expect((await put(tree, '/d/a', 'x', held)).status).toBe(409);
      symlinkSync('moved', join(root, 'd'));
      expect((await put(tree, '/d/b', 'link', held)).status).toBe(201);
    });
    expect(readdirSync(join(root, 'moved')).toSorted()).toEqual(['a', 'b']);
    expect(litter()).toEqual([]);
  });

  test('a work folder that somebody removes is made anew', async () => {
    const tree = writable();
    await tree.inTurn('t', async (held) => {
      await put(tree, '/d/a', 'one', held);
      rmSync(join(root, 'd/.onezero-partial-writes'), { recursive: true });
      expect((await put(tree, '/d/a', 'two', held)).status).toBe(204);
    });
    expect(readFileSync(join(root, 'd/a'), 'utf8')).toBe('two');
    expect(litter()).toEqual([]);
  });
});

describe('what is replaced', () => {
  /** Files without a name that this process has, below the root. */
  const nameless = (): string[] =>
    readdirSync('/proc/self/fd')
      .map((descriptor) => {
        try {
          return readlinkSync(`/proc/self/fd/${descriptor}`);
        } catch {
          // The descriptor with which the directory was read.
          return '';
        }
      })
      .filter((path) => path.startsWith(root) && path.endsWith('(deleted)'));

  test('is freed by the pool, and nothing of it is left', async ({ skip }) => {
    if (!canHoldReplaced(root)) skip('the file system of the tests is not one where replaced files are held');
    const tree = writable();
    await tree.inTurn('t', async (held) => {
      const directory = await held.take(['d'], settingsOf(root, {}));
      for (const text of ['one', 'two', 'three']) directory?.write('a', [Buffer.from(text)]);
      expect(nameless()).toHaveLength(2);
    });
    await allFreed();
    expect(nameless()).toEqual([]);
    expect(await allFreed()).toBe(false);
  });

  test('makes room in time on a disk that is full', async ({ skip }) => {
    const image = join(top, 'image');
    writeFileSync(image, '');
    truncateSync(image, 256 * 1024);
    try {
      execFileSync('mkfs.ext4', ['-q', '-m', '0', '-O', '^has_journal', image], { stdio: 'ignore' });
      execFileSync('mount', ['-o', 'loop', image, root], { stdio: 'ignore' });
    } catch {
      skip('mounting needs privileges');
    }
    try {
      mkdirSync(join(root, 'd'));
      const tree = writable();
      const text = 'x'.repeat(60_000);
      await tree.inTurn('t', async (held) => {
        for (let round = 0; round < 30; round++)
          expect((await put(tree, '/d/a', text, held)).status).toBe(round === 0 ? 201 : 204);
      });
      await allFreed();
    } finally {
      execFileSync('umount', ['--lazy', root]);
    }
  });
});

describe('of two writers', () => {
  const path = (): string => join(root, 'd/.onezero-partial-writes');

  test('one that claims a file and one that claims every name see each other', async () => {
    const one = await WorkFolder.create({ path: path(), key: targetKey('a') }, 'claim');
    const all = await WorkFolder.create({ path: path(), key: EVERY_NAME }, 'claim');
    const other = await WorkFolder.create({ path: path(), key: targetKey('b') }, 'claim');
    expect(await Promise.all([one, all, other].map(({ folder, file }) => folder.isAlone(file)))).toEqual([
      false,
      false,
      false,
    ]);
    await all.file.discard();
    expect(await Promise.all([one, other].map(({ folder, file }) => folder.isAlone(file)))).toEqual([true, true]);
    for (const { file } of [one, other]) await file.discard();
    for (const { folder } of [one, all, other]) await folder.close();
    expect(existsSync(path())).toBe(false);
  });

  test('a directory in which another has a claim is not held', async () => {
    const tree = writable();
    const other = await WorkFolder.create({ path: path(), key: targetKey('b') }, 'claim');
    await tree.inTurn('t', async (held) => {
      // The first call finds that the directory is not held, and the second is with a claim.
      expect(await put(tree, '/d/a', 'x', held)).toMatchObject({ status: 201, places: 2 });
    });
    await other.file.discard();
    await other.folder.close();
    expect(litter()).toEqual([]);
  });

  test('a write of this process that makes a claim is let in, by whichever tree it comes', async () => {
    const [tree, other] = [writable(), writable()];
    await tree.inTurn('t', async (held) => {
      await put(tree, '/d/a', 'one', held);
      expect(await put(other, '/d/a', 'two')).toMatchObject({ status: 204 });
      expect(await put(tree, '/d/a', 'three', held)).toMatchObject({ status: 204 });
      const gone = await other.respond({ method: 'DELETE', pathInfo: '/d/a', fields: [] });
      expect(gone.status).toBe(204);
    });
    expect(readdirSync(join(root, 'd'))).toEqual([]);
  });

  test('one that claims a file waits until the directory is not held', async () => {
    const tree = writable();
    const order: string[] = [];
    const { waiting, other } = await tree.inTurn('t', async (held) => {
      await put(tree, '/d/a', 'one', held);
      // As another process does it, which cannot be asked for what it holds.
      const claimer = await WorkFolder.create({ path: path(), key: targetKey('a') }, 'claim');
      const turn = claimer.folder.inTurn(claimer.file, async () => void order.push('its turn'));
      for (let loop = 0; loop < 50; loop++) await turned();
      await put(tree, '/d/a', 'two', held);
      order.push('held');
      return { waiting: turn, other: claimer };
    });
    await waiting;
    expect(order).toEqual(['held', 'its turn']);
    await other.file.discard();
    await other.folder.close();
    // It is left to others for a while, as more of them may come.
    await tree.inTurn('t', async (held) => {
      expect(await put(tree, '/d/a', 'x', held)).toMatchObject({ status: 204, places: 2 });
    });
    expect(litter()).toEqual([]);
  });
});

test('a turn ends where its directories cannot be let go of', async () => {
  const tree = writable();
  const broken = tree.inTurn('t', async (held) => {
    held.release = () => Promise.reject(new Error('too many open files'));
  });
  await expect(broken).rejects.toThrow('too many open files');
  expect(await tree.inTurn('t', async () => 'next')).toBe('next');
});
