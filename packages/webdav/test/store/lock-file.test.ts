// The file of locks: what is in it for whoever reads it, in this process and in others.

import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LockFile } from '../../src/store/lock-file.ts';
import type { Lock } from '../../src/store/locks.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'onezero-locks-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(root, { recursive: true, force: true });
});

const FILE = '.onezero-webdav/locks.json';
const START = Date.UTC(2026, 10, 28);

function lock(path: string, seconds = 60): Lock {
  const name = path.slice(1);
  if (name !== '') writeFileSync(join(root, name), '');
  return {
    token: `urn:uuid:${path}`,
    path,
    depth: '0',
    scope: 'exclusive',
    href: path,
    owner: '<D:owner xmlns:D="DAV:">Ää &amp; "ö"</D:owner>',
    user: 'ada',
    timeoutSeconds: seconds,
    expiresAtMs: Date.now() + seconds * 1000,
  };
}

/** Writes as another process would. */
const byAnother = (locks: readonly unknown[]): void => {
  mkdirSync(join(root, '.onezero-webdav'), { recursive: true });
  writeFileSync(join(root, FILE), JSON.stringify(locks));
};

test('of which another process takes the last while it is read has none then, and nothing fails', async () => {
  const made = lock('/a');
  byAnother([made]);
  const another = new Worker(
    `const { renameSync, unlinkSync, writeFileSync } = require('node:fs');
     const { path, text } = require('node:worker_threads').workerData;
     for (;;) {
       writeFileSync(path + '.new', text);
       renameSync(path + '.new', path);
       unlinkSync(path);
     }`,
    { eval: true, workerData: { path: join(root, FILE), text: JSON.stringify([made]) } },
  );
  await once(another, 'online');
  const seen = new Set<number>();
  try {
    const file = new LockFile(root, false);
    const until = Date.now() + 20_000;
    // As long as it takes to have met both many times.
    for (let turn = 0; turn < 50_000 && Date.now() < until; turn++) seen.add(file.around('/a').length);
  } finally {
    await another.terminate();
  }
  expect(seen).toEqual(new Set([0, 1]));
});

test('holds a lock below what has become a file for void', () => {
  byAnother([{ ...lock('/a'), path: '/a/b' }]);
  expect(new LockFile(root, false).all()).toEqual([]);
});

describe('the file of locks', () => {
  test('is there while there are locks, and its folder with it', async () => {
    const file = new LockFile(root, true);
    expect([file.isEmpty(undefined), file.all()]).toEqual([true, []]);
    const locks = [lock('/a'), lock('/b')];
    await file.write(locks);
    expect([file.isEmpty(undefined), file.all()]).toEqual([false, locks]);
    expect(readdirSync(join(root, '.onezero-webdav'))).toEqual(['locks.json']);
    await file.write([]);
    expect([file.isEmpty(undefined), readdirSync(root)]).toEqual([true, ['a', 'b']]);
    await file.write([]);
    expect(readdirSync(root)).toEqual(['a', 'b']);
  });

  test('says the same after a restart, and to another process at once', async () => {
    const one = new LockFile(root, false);
    const other = new LockFile(root, false);
    const locks = [lock('/a')];
    await one.write(locks);
    expect(other.all()).toEqual(locks);
    await other.write([...locks, lock('/b')]);
    expect(one.all()).toHaveLength(2);
    byAnother([locks[0]]);
    expect([one.all(), other.all()]).toEqual([locks, locks]);
    await one.write([]);
    expect(other.all()).toEqual([]);
  });

  test('is read again when only its inode tells that it changed', async () => {
    const file = new LockFile(root, false);
    await file.write([lock('/a')]);
    const old = new Date(START - 100_000);
    utimesSync(join(root, FILE), old, old);
    expect(file.all().map(({ path }) => path)).toEqual(['/a']);
    await new LockFile(root, false).write([lock('/b')]);
    utimesSync(join(root, FILE), old, old);
    expect(file.all().map(({ path }) => path)).toEqual(['/b']);
  });

  test('lets locks end when their time is over, not a millisecond before', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: START });
    const file = new LockFile(root, false);
    await file.write([lock('/a', 10), lock('/b', 20)]);
    const paths = (): string[] => file.all().map(({ path }) => path);
    for (const [ms, expected] of [
      [0, ['/a', '/b']],
      [9_999, ['/a', '/b']],
      [10_000, ['/b']],
      [19_999, ['/b']],
      [20_000, []],
    ] as const) {
      vi.setSystemTime(START + ms);
      expect(paths()).toEqual(expected);
      expect(file.unchecked().map(({ path }) => path)).toEqual(expected);
      expect(file.around('/b').map(({ path }) => path)).toEqual(expected.filter((path) => path === '/b'));
    }
  });

  test('has no lock of what is not there, but for who asks for all', async () => {
    const file = new LockFile(root, false);
    await file.write([lock('/a'), lock('/b')]);
    rmSync(join(root, 'a'));
    expect(file.all().map(({ path }) => path)).toEqual(['/b']);
    expect(file.around('/a')).toEqual([]);
    expect(file.unchecked().map(({ path }) => path)).toEqual(['/a', '/b']);
  });

  test('names those around a path: on it, above it, below it', async () => {
    mkdirSync(join(root, 'd/e'), { recursive: true });
    const file = new LockFile(root, false);
    await file.write([lock('/'), lock('/d/e/f'), lock('/d/x'), lock('/g')]);
    expect(file.around('/d/e').map(({ path }) => path)).toEqual(['/', '/d/e/f']);
    expect(file.around('/').map(({ path }) => path)).toEqual(['/', '/d/e/f', '/d/x', '/g']);
  });

  test.each([
    ['nothing', ''],
    ['half a file', '[{"token":"urn:uuid:1","pa'],
    ['something else', '{"locks":[]}'],
    ['a number', '7'],
    ['null', 'null'],
    ['bytes', '\u0000\u0001\ufffd'],
    ['locks that lack something', '[{"token":"urn:uuid:1","path":"/a"}]'],
    [
      'locks of the wrong types',
      '[{"token":1,"path":2,"depth":3,"scope":4,"href":5,"owner":6,"timeoutSeconds":"7","expiresAtMs":"8"}]',
    ],
    ['what are no locks', '[null, 1, "x", [], {}]'],
  ])('that holds %s holds no locks, and is replaced by the next', async (_, text) => {
    mkdirSync(join(root, '.onezero-webdav'));
    writeFileSync(join(root, FILE), text);
    const file = new LockFile(root, false);
    expect([file.isEmpty(undefined), file.all(), file.unchecked()]).toEqual([true, [], []]);
    const locks = [lock('/a')];
    await file.write(locks);
    expect(new LockFile(root, false).all()).toEqual(locks);
  });

  test('keeps those of its locks that are whole', () => {
    const whole = lock('/a');
    byAnother([null, whole, { ...whole, token: 5 }]);
    expect(new LockFile(root, false).all()).toEqual([whole]);
  });

  test('is for nobody else to read, and is replaced whole', async () => {
    const file = new LockFile(root, false);
    await file.write([lock('/a')]);
    expect(statSync(join(root, FILE)).mode & 0o077).toBe(0);
    const before = statSync(join(root, FILE)).ino;
    const text = readFileSync(join(root, FILE), 'utf8');
    await file.write([lock('/a'), lock('/b')]);
    expect([statSync(join(root, FILE)).ino === before, JSON.parse(text)]).toEqual([false, [expect.anything()]]);
  });

  test('stays seen as empty only for the turn in which it was, and only until a lock is taken in it', async () => {
    const file = new LockFile(root, false);
    const [turn, next] = [{}, {}];
    expect(file.isEmpty(turn)).toBe(true);
    byAnother([lock('/a')]);
    expect([file.isEmpty(turn), file.isEmpty(undefined), file.isEmpty(next)]).toEqual([true, false, false]);
    await file.write([]);
    expect(file.isEmpty(next)).toBe(true);
    await file.write([lock('/b')]);
    expect(file.isEmpty(next)).toBe(false);
  });
});
