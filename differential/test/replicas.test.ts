import { expect, test } from 'vitest';

import { compare } from '../replicas.mjs';
import { testSeed } from '../random.mjs';

test('replicas agree, and several people push through them', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 20 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
