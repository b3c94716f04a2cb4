import { expect, test } from 'vitest';

import { testSeed } from '../random.mjs';
import { compare } from '../webdav-kills.mjs';

test('processes that are killed leave whole files and trees, with their own properties', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 2 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
