// What packages stand on that add methods of their own: `@onezero/static/tree`.

import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { SiteTree, type TreeFolder } from '../src/tree.ts';

let top: string;
let root: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-tree-'));
  root = join(top, 'root');
  mkdirSync(join(root, 'd'), { recursive: true });
  for (const name of ['d/a.txt', 'd/.env', 'd/._a', 'd/.onezero-x', 'd/secret.key'])
    writeFileSync(join(root, name), name);
  writeFileSync(join(top, 'outside'), 'outside');
  symlinkSync('a.txt', join(root, 'd/link'));
  symlinkSync('../../outside', join(root, 'd/out'));
});

afterEach(() => rmSync(top, { recursive: true, force: true }));

async function opened(tree: SiteTree): Promise<TreeFolder> {
  const folder = await tree.open(['d']);
  if (folder === undefined) throw new Error('not opened');
  return folder;
}

async function namesOf(tree: SiteTree, folder: TreeFolder): Promise<string[]> {
  const names: string[] = [];
  for await (const batch of tree.names(folder)) names.push(...batch);
  return names.toSorted();
}

test('names are those that policies let through', async () => {
  const tree = new SiteTree(root, { hide: ['*.key'], dotfiles: ['._*', '.onezero-*'] });
  const folder = await opened(tree);
  expect(await namesOf(tree, folder)).toEqual(['._a', 'a.txt', 'link', 'out']);
  expect(
    ['/d/.env', '/d/.onezero-x', '/d/secret.key', '/d/..', '/d/._a'].map((path) => tree.locate(path)),
  ).toMatchObject([404, 404, 404, 400, { segments: ['d', '._a'] }]);
  await folder.close();
});

test('all names of a large folder come, in batches', async () => {
  for (let index = 0; index < 700; index++) writeFileSync(join(root, 'd', `n${index}`), '');
  const tree = new SiteTree(root);
  const folder = await opened(tree);
  expect((await namesOf(tree, folder)).filter((name) => name.startsWith('n'))).toHaveLength(700);
  await folder.close();
});

describe('what a name stands for', () => {
  test('is the file behind a link inside, and nothing for one that leads out', async () => {
    const tree = new SiteTree(root);
    const folder = await opened(tree);
    const sizes = await Promise.all(
      ['a.txt', 'link', 'out', 'none'].map(async (name) => (await tree.look(folder, name))?.size),
    );
    expect(sizes).toEqual([7, 7, undefined, undefined]);
    const found: string[] = [];
    expect(await tree.lookAll(folder, ['a.txt', 'link', 'out', 'none'], (name) => found.push(name))).toBe(true);
    expect(found).toEqual(['a.txt', 'link']);
    await folder.close();
  });

  test('is nothing for secrets, be they there or still to come', async () => {
    const tree = new SiteTree(root, { deny: [join(root, 'd/a.txt')], isSource: (path) => path.endsWith('.php') });
    const folder = await opened(tree);
    expect(await tree.look(folder, 'a.txt')).toBeUndefined();
    expect(await tree.look(folder, 'link')).toBeUndefined();
    expect([
      await tree.conceals(folder, 'a.txt'),
      await tree.conceals(folder, 'new.php'),
      await tree.conceals(folder, 'new.txt'),
    ]).toEqual([true, true, false]);
    await folder.close();
  });

  test('does not count when the folder has been moved', async () => {
    const tree = new SiteTree(root);
    const folder = await opened(tree);
    renameSync(join(root, 'd'), join(root, 'e'));
    expect([await folder.isInPlace(), await tree.lookAll(folder, ['a.txt'], () => {})]).toEqual([false, false]);
    expect((await tree.look(folder, 'a.txt'))?.size).toBe(7);
    await folder.close();
  });
});

test('tags and dates are those of GET', async () => {
  const tree = new SiteTree(root);
  const folder = await opened(tree);
  const stats = await tree.look(folder, 'a.txt');
  const { fields } = await tree.respond({ method: 'GET', pathInfo: '/d/a.txt', fields: [] });
  if (stats === undefined) throw new Error('nothing there');
  expect(Object.fromEntries(fields)).toMatchObject({
    etag: tree.etagOf(stats),
    'last-modified': tree.lastModifiedOf(stats),
    'content-type': tree.typeOf('a.txt'),
  });
  expect(tree.mayChange([['if-match', tree.etagOf(stats)]], stats)).toBe(true);
  expect(tree.mayChange([['if-match', '"other"']], stats)).toBe(false);
  await folder.close();
});

test('one action of a name runs at a time, whoever asks, and leaves nothing', async () => {
  const trees = [new SiteTree(root), new SiteTree(root)];
  let running = 0;
  let most = 0;
  const action = async (): Promise<void> => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
  };
  await Promise.all([...trees, ...trees, ...trees, ...trees].map((tree) => tree.inTurn('test', action)));
  expect([most, readdirSync(root)]).toEqual([1, ['d']]);
});

test('an action that takes long shows those who cannot ask for its process that it goes on', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  await new SiteTree(root).inTurn('test', async () => {
    const folder = join(root, readdirSync(root).find((name) => name.endsWith('-test')) ?? '');
    const claim = join(folder, readdirSync(folder)[0] ?? '');
    const changed = (): bigint => statSync(claim, { bigint: true }).ctimeNs;
    const first = changed();
    while (changed() === first) {
      vi.advanceTimersByTime(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  expect(vi.getTimerCount()).toBe(0);
});

test('the commit of a PUT decides whether its file takes its place', async () => {
  const tree = new SiteTree(root, { writable: { fsync: false } });
  const content = (async function* () {
    yield Buffer.from('new');
  })();
  const refused = await tree.respond({
    method: 'PUT',
    pathInfo: '/d/b.txt',
    fields: [],
    content,
    commit: async () => ({ status: 423, fields: [] }),
  });
  expect([refused.status, readdirSync(join(root, 'd')).includes('b.txt')]).toEqual([423, false]);
  const placed = await tree.respond({
    method: 'PUT',
    pathInfo: '/d/b.txt',
    fields: [],
    commit: async (place) => place(),
  });
  expect([placed.status, readdirSync(join(root, 'd')).includes('b.txt')]).toEqual([201, true]);
});
