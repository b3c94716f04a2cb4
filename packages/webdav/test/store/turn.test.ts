import { setTimeout as delay } from 'node:timers/promises';
import type { HeldDirectories, SiteTree } from '@onezero/static/tree';
import { expect, onTestFinished, test } from 'vitest';
import { Turn } from '../../src/store/turn.ts';

test('who has more to do leaves the turn to others who look for it now and then', async () => {
  let isHeld = false;
  const directories = { doubt: () => {} } as unknown as HeldDirectories;
  const inTurn: SiteTree['inTurn'] = async (_name, action) => {
    isHeld = true;
    try {
      return await action(directories, async () => true);
    } finally {
      isHeld = false;
    }
  };
  const turn = new Turn({ inTurn } as SiteTree);
  let found = 0;
  const look = setInterval(() => {
    if (!isHeld) found++;
  }, 25);
  onTestFinished(() => clearInterval(look));
  await Promise.all(Array.from({ length: 40 }, () => turn.run(() => delay(10))));
  expect(found).toBeGreaterThan(0);
});
