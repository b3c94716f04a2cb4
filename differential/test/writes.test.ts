import { expect, test } from 'vitest';

import { testSeed } from '../random.mjs';
import { compare } from '../writes.mjs';

test('writers in several processes take turns, and the killed leave whole files', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 600 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
