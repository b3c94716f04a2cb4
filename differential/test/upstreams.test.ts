import { expect, test } from 'vitest';

import { isInstalled } from '../peers.mjs';
import { testSeed } from '../random.mjs';
import { compare } from '../upstreams.mjs';

test.skipIf(!isInstalled('nginx'))('upstreams that do anything at all are passed on as by nginx', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 200 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
