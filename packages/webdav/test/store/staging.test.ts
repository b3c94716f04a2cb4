import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { removeTree } from '../../src/store/staging.ts';

test('a tree goes also while others still make files in it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'onezero-staging-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const inner = join(root, 'tree/inner');
  mkdirSync(inner, { recursive: true });
  let made = 0;
  const others = async (): Promise<void> => {
    while (made < 300 && existsSync(inner)) {
      writeFileSync(join(inner, String(made++)), '');
      await turn();
    }
  };
  await Promise.all([removeTree(join(root, 'tree')), others()]);
  expect(existsSync(join(root, 'tree'))).toBe(false);
  expect(made).toBeGreaterThan(1);
});
