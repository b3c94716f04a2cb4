import { expect, test } from 'vitest';

import { compare } from '../fastcgi.mjs';
import { isInstalled } from '../peers.mjs';
import { testSeed } from '../random.mjs';

test.skipIf(!isInstalled('apache2') || !isInstalled('/usr/sbin/php-fpm8.2'))(
  'PHP is asked as Apache asks it',
  async () => {
    const { checked, differences } = await compare({ seed: testSeed(), count: 150 });
    expect(differences).toEqual([]);
    expect(checked).toBeGreaterThan(0);
  },
);
