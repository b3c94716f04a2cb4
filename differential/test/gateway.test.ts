import { expect, test } from 'vitest';

import { compare } from '../gateway.mjs';
import { isInstalled } from '../peers.mjs';
import { testSeed } from '../random.mjs';

test.skipIf(!isInstalled('nginx'))(
  'applications behind FastCGI and SCGI that do anything at all are answered for as by nginx',
  async () => {
    const { checked, differences } = await compare({ seed: testSeed(), count: 96 });
    expect(differences).toEqual([]);
    expect(checked).toBeGreaterThan(0);
  },
);
