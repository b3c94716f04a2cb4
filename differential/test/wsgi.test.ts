import { expect, test } from 'vitest';

import { isInstalled } from '../peers.mjs';
import { testSeed } from '../random.mjs';
import { compare } from '../wsgi.mjs';

test.skipIf(!isInstalled('gunicorn'))('applications are called as gunicorn calls them', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 150 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
