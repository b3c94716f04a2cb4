import { expect, test } from 'vitest';

import { compare } from '../process.mjs';
import { testSeed } from '../random.mjs';

test('startProcess and child_process.spawn see the same of random commands', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 60 });
  expect(differences).toEqual([]);
  expect(checked).toBe(60);
});
