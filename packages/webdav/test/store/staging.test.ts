import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { SiteTree } from '@onezero/static/tree';
import { expect, onTestFinished, test } from 'vitest';
import { removeTree, setAside } from '../../src/store/staging.ts';

test('a tree goes also while others still make files in it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'onezero-staging-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const inner = join(root, 'tree/inner');
  mkdirSync(inner, { recursive: true });
  let made = 0;
  const others = async (): Promise<void> => {
    while (made < 300 && canMake(join(inner, String(made)))) {
      made++;
      await turn();
    }
  };
  await Promise.all([removeTree(join(root, 'tree')), others()]);
  expect(existsSync(join(root, 'tree'))).toBe(false);
  expect(made).toBeGreaterThan(1);
});

/** Makes a file; false where its directory is gone, which may be at any time. */
function canMake(path: string): boolean {
  try {
    writeFileSync(path, '');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

test('what is gone when it is to step aside leaves no place for it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'onezero-staging-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const directory = await new SiteTree(root).open([]);
  if (directory === undefined) throw new Error('no root');
  onTestFinished(() => directory.close());
  await expect(setAside(directory, 'gone')).rejects.toMatchObject({ code: 'ENOENT' });
  expect(readdirSync(root)).toEqual([]);
});
