import { expect, test } from 'vitest';

import { compare } from '../gateway-load.mjs';
import { isInstalled } from '../peers.mjs';
import { testSeed } from '../random.mjs';

test.skipIf(!isInstalled('/usr/sbin/php-fpm8.2'))(
  'no answer is lost or mixed up while children are replaced and clients leave',
  async () => {
    const { checked, differences } = await compare({ seed: testSeed(), count: 300 });
    expect(differences).toEqual([]);
    expect(checked).toBeGreaterThan(0);
  },
);
