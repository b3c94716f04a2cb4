import { expect, test } from 'vitest';

import { testSeed } from '../random.mjs';
import { compare } from '../webdav-hostile.mjs';

test('a drive answers whatever it is asked, and lists what is there', { timeout: 120_000 }, async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 200 });
  expect(differences).toEqual([]);
  expect(checked).toBe(200);
});
