import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  ALIVE,
  CONTENT_PREFIX,
  KEEPER_FILE,
  PHP_PREFIX,
  PIPES_PREFIX,
  removeLeftovers,
} from '../../src/process/leftovers.ts';

const made: string[] = [];
const open: number[] = [];
afterEach(() => {
  for (const descriptor of open.splice(0)) closeSync(descriptor);
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A directory with the FIFO of a process, last changed an hour ago. */
function directory(options: { isAlive?: boolean; isNew?: boolean; isFile?: boolean } = {}): string {
  const path = mkdtempSync(join(tmpdir(), PIPES_PREFIX));
  made.push(path);
  const alive = join(path, ALIVE);
  execFileSync(options.isFile === true ? 'touch' : 'mkfifo', [alive]);
  if (options.isAlive === true) open.push(openSync(alive, constants.O_RDONLY | constants.O_NONBLOCK));
  const hourAgo = Date.now() / 1000 - 3600;
  if (options.isNew !== true) utimesSync(path, hourAgo, hourAgo);
  return path;
}

function isThere(path: string): boolean {
  return readdirSync(tmpdir()).some((name) => join(tmpdir(), name) === path);
}

describe('removeLeftovers', () => {
  test('removes the directory of a process that has gone', () => {
    const stale = directory();
    removeLeftovers();
    expect(isThere(stale)).toBe(false);
  });

  test.each([
    ['of a process that lives', { isAlive: true }],
    ['that was made just now', { isNew: true }],
    ['that is of another kind', { isFile: true }],
  ])('leaves a directory %s', (_, options) => {
    const path = directory(options);
    removeLeftovers();
    expect(isThere(path)).toBe(true);
  });

  test.each([
    ['content that was not open yet', CONTENT_PREFIX, undefined, false],
    ['the folder of a PHP that had not begun', PHP_PREFIX, 'php-fpm.conf', false],
    ['not that of one that has a keeper', PHP_PREFIX, KEEPER_FILE, true],
  ])('removes %s', (_, prefix, file, isLeft) => {
    const path = mkdtempSync(join(tmpdir(), prefix));
    made.push(path);
    if (file === undefined) {
      rmSync(path, { recursive: true });
      writeFileSync(path, 'content');
    } else writeFileSync(join(path, file), '');
    removeLeftovers();
    expect(isThere(path)).toBe(true);
    const hourAgo = Date.now() / 1000 - 3600;
    utimesSync(path, hourAgo, hourAgo);
    removeLeftovers();
    expect(isThere(path)).toBe(isLeft);
  });

  test('keeps nobody from starting where the place cannot be listed', () => {
    const { TMPDIR: before } = process.env;
    process.env['TMPDIR'] = join(tmpdir(), 'no', 'such', 'place');
    try {
      expect(() => removeLeftovers()).not.toThrow();
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });
});
