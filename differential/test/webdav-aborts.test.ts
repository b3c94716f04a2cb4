import { expect, test } from 'vitest';

import { testSeed } from '../random.mjs';
import { compare } from '../webdav-aborts.mjs';

test(
  'clients that leave at any place leave whole files and trees, and nothing open',
  { timeout: 120_000 },
  async () => {
    const { checked, differences } = await compare({ seed: testSeed(), count: 48 });
    expect(differences).toEqual([]);
    expect(checked).toBeGreaterThan(0);
  },
);
