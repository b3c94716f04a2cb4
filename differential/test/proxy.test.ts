import { expect, test } from 'vitest';

import { compare } from '../proxy.mjs';
import { testSeed } from '../random.mjs';

test('a request means through the proxy what it means without', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 300 });
  expect(differences).toEqual([]);
  expect(checked).toBe(300);
});
