import { expect, test } from 'vitest';

import { compare } from '../reload.mjs';
import { testSeed } from '../random.mjs';

test('what is replaced under load loses no request', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 1000 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
