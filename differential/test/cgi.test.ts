import { expect, test } from 'vitest';

import { compare } from '../cgi.mjs';
import { isInstalled } from '../peers.mjs';
import { testSeed } from '../random.mjs';

test.skipIf(!isInstalled('apache2'))('scripts are run as Apache runs them', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 110 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
