import { expect, test } from 'vitest';

import { compare } from '../adapters.mjs';
import { testSeed } from '../random.mjs';

test('the Node handler answers in company as serve-static does', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 1000 });
  expect(differences).toEqual([]);
  expect(checked).toBe(1000);
});
