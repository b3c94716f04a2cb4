import { expect, test } from 'vitest';

import { testSeed } from '../random.mjs';
import { compare } from '../static.mjs';

test('static files are served as nginx and Apache serve them', async () => {
  const { checked, differences } = await compare({ seed: testSeed(), count: 800 });
  expect(differences).toEqual([]);
  expect(checked).toBeGreaterThan(0);
});
