import { expect, test } from 'vitest';

import { testSeed } from '../random.mjs';
import { compare } from '../sources.mjs';

test('no request gets the source of a script, by whatever name or way', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 400 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
