import { expect, test } from 'vitest';

import { compare } from '../signals.mjs';
import { testSeed } from '../random.mjs';

test('whatever signals come, the command ends in order and leaves nothing', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 4 });
  expect(differences).toEqual([]);
  expect(checked).toBe(4);
});
