import { expect, test } from 'vitest';

import { compare } from '../drain.mjs';
import { testSeed } from '../random.mjs';

test('rolling restarts lose no request', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 800, ways: ['stale list'] });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
