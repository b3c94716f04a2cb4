// Names are remembered as long as a directory is as it was, and read again when it is not.

import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SmallDirectories } from '../../src/files/small-directories.ts';

let top: string;
let path: string;
let asked: number;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-small-'));
  path = join(top, 'd');
  mkdirSync(path);
  writeFileSync(join(path, 'a'), '');
  writeFileSync(join(path, '.b'), '');
  asked = 0;
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const rested = (): SmallDirectories => new SmallDirectories(() => Date.now() + 10_000);

const isVisible = (name: string): boolean => {
  asked++;
  return !name.startsWith('.');
};

/** Lets the clock of the file system go on, so that what comes next has another time. */
function tick(): void {
  const before = statSync(path).ctimeMs;
  while (statSync(path).ctimeMs === before) chmodSync(path, 0o755);
}

test('policies are asked once while nothing changes', () => {
  const small = rested();
  for (let count = 0; count < 3; count++) expect(small.names(path, 'd', isVisible)).toEqual(['a']);
  expect(asked).toBe(2);
});

test('what comes, goes or is renamed is seen at once', () => {
  const small = rested();
  for (const [change, names] of [
    [() => writeFileSync(join(path, 'c'), ''), ['a', 'c']],
    [() => renameSync(join(path, 'c'), join(path, 'd')), ['a', 'd']],
    [() => unlinkSync(join(path, 'a')), ['d']],
  ] as const) {
    small.names(path, 'd', isVisible);
    tick();
    change();
    expect(small.names(path, 'd', isVisible)?.toSorted()).toEqual(names);
  }
});

test('another directory of that name is another', () => {
  const small = rested();
  small.names(path, 'd', isVisible);
  renameSync(path, join(top, 'old'));
  mkdirSync(path);
  expect(small.names(path, 'd', isVisible)).toEqual([]);
});

test('a directory that changed a moment ago may change again within one tick of the clock, and is not remembered', () => {
  const small = new SmallDirectories();
  small.names(path, 'd', isVisible);
  small.names(path, 'd', isVisible);
  expect(asked).toBe(4);
});

test('a large directory is for those who read it in pieces, and one that is gone says so', () => {
  for (let index = 0; index < 400; index++) writeFileSync(join(path, `${index}`.padStart(200, 'x')), '');
  expect(rested().names(path, 'd', isVisible)?.length ?? 'large').toBe(statSync(path).size > 64 * 1024 ? 'large' : 401);
  expect(() => rested().names(join(top, 'none'), 'n', isVisible)).toThrow('ENOENT');
});

test('names are read each time where the times of directories are not exact', () => {
  const small = new SmallDirectories(
    () => Date.now() + 10_000,
    () => false,
  );
  for (let count = 0; count < 3; count++) expect(small.names(path, 'd', isVisible)).toEqual(['a']);
  expect(asked).toBe(6);
});
