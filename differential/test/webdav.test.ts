import { expect, test } from 'vitest';

import { testSeed } from '../random.mjs';
import { compare } from '../webdav.mjs';

test('a folder is changed as mod_dav changes it, or for a reason otherwise', async () => {
  const { differences } = await compare({ seed: testSeed(), count: 250 });
  expect(differences).toEqual([]);
});
