import { expect, test } from 'vitest';

import { compare } from '../node.mjs';
import { testSeed } from '../random.mjs';

test('applications run as under node:http, whatever they and their clients do', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 200 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
