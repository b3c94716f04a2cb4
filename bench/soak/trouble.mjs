// What happens to the servers of the soak while clients ask: every second a process is killed, or a server is told to reload, or
// killed and started again.

import { setTimeout as delay } from 'node:timers/promises';

import { holdingsOf } from './holdings.mjs';

const SAY_EVERY_SECONDS = 30;

/**
 * Makes trouble until `isOver()`, and counts it: `{ kills, reloads, replaced }`.
 *
 * @param {{ replicas: readonly object[], random: object, isOver: () => boolean, log: (line: string) => void }} run
 */
export async function makeTrouble({ replicas, random, isOver, log }) {
  const counts = { kills: 0, reloads: 0, replaced: 0 };
  for (let second = 1; !isOver(); second++) {
    for (let part = 0; part < 10 && !isOver(); part++) await delay(100);
    const replica = random.pick(replicas);
    if (replica.isKilledWhole && random.chance(0.4)) {
      await replica.replace();
      counts.replaced++;
    } else if (random.chance(0.3)) {
      replica.reload();
      counts.reloads++;
    } else if (replica.killOne(random)) counts.kills++;
    if (second % SAY_EVERY_SECONDS > 0) continue;
    for (const { name, pid } of replicas) log(`${second} s, ${name}: ${JSON.stringify(holdingsOf(pid, []))}`);
  }
  return counts;
}
