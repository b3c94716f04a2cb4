import { expect, test } from 'vitest';

import { compare } from '../paths.mjs';
import { testSeed } from '../random.mjs';

test('no reading of a path leads around a guard', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 700 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
