import { expect, test } from 'vitest';

import { compare } from '../asgi.mjs';
import { isInstalled } from '../peers.mjs';
import { testSeed } from '../random.mjs';

test.skipIf(!isInstalled('uvicorn'))('applications are called as uvicorn calls them', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 150 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
