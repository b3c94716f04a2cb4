// A full cache lets a newcomer in once it has refused many: however a page that it does not hold is answered, that is one refusal.

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { type Disk, mainThreadDisk } from '../../src/files/disk.ts';
import type { Field } from '../../src/index.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { responderFor } from '../../src/serve-static.ts';
import { makeSite } from '../site.ts';

/** How many of those that a cache of this size has room for. */
const PAGES = 40;
const CACHE_BYTES = 200_000;

/** How often a page is asked for until a full cache takes it. */
async function asksUntilTaken(page: string, fields: readonly Field[] = []): Promise<number> {
  const site = makeSite();
  onTestFinished(() => site.remove());
  const folder = join(site.root, 'pages');
  mkdirSync(folder);
  const text = '<p>a page of some length\n'.repeat(300);
  for (let number = 0; number < PAGES; number++) writeFileSync(join(folder, `${number}.txt`), text);
  for (const name of ['plain.txt', 'coded.txt']) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'coded.txt.gz'), gzipSync(text));
  const newest = join(folder, 'coded.txt.gz');
  while (Date.now() - statSync(newest).ctimeMs < 40) await passed(5);

  let reads = 0;
  const open: Disk['open'] = (...words) => {
    reads++;
    return mainThreadDisk.open(...words);
  };
  const readAgain: Disk['readAgain'] = (...words) => {
    reads++;
    return mainThreadDisk.readAgain(...words);
  };
  const respond = responderFor(settingsOf(site.root, { cacheMemoryBytes: CACHE_BYTES }), {
    ...mainThreadDisk,
    open,
    readAgain,
  });
  const ask = async (name: string): Promise<void> => {
    await turned();
    expect((await respond.lend?.({ method: 'GET', pathInfo: `/pages/${name}`, fields }))?.status).toBe(200);
  };
  for (let number = 0; number < PAGES; number++) await ask(`${number}.txt`);
  for (let asks = 0; asks < 10_000; asks++) {
    const before = reads;
    await ask(page);
    if (reads === before) return asks;
  }
  throw new Error('it is never taken');
}

test.runIf(process.platform === 'linux')('a page counts once among the refused, lent as known or found', async () => {
  const known = await asksUntilTaken('plain.txt');
  // A precompressed file comes first, so the page is known and left to the usual way.
  const found = await asksUntilTaken('coded.txt', [['accept-encoding', 'gzip']]);
  expect(known).toBeGreaterThan(300);
  expect(found / known).toBeGreaterThan(0.75);
});
