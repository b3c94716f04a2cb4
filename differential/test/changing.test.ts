import { expect, test } from 'vitest';

import { compare } from '../changing.mjs';
import { testSeed } from '../random.mjs';

test('files that change while they are asked for are sent as they were at one instant', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 250 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
