// Thousands of paths that no name may lead to, as a server with a key for each of its sites has them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Disk, mainThreadDisk } from '../../src/files/disk.ts';
import { forgetTurn } from '../../src/files/loop-turn.ts';
import { secretsOf } from '../../src/files/secrets.ts';
import { settingsOf } from '../../src/options/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));

let looks = 0;
const disk: Disk = {
  ...mainThreadDisk,
  stat: (path) => {
    looks += 1;
    return mainThreadDisk.stat(path);
  },
};

const NOTHING = { dev: 0, ino: 0, nlink: 1 };

test('are looked at once for all sites that have them', async () => {
  const deny = Array.from({ length: 5 }, (_, index) => join(folder, `key-${index}`));
  for (const path of deny) writeFileSync(path, '');
  const sites = [1, 2, 3].map(() => secretsOf(settingsOf(folder, { deny }), disk));
  looks = 0;
  forgetTurn();
  for (const site of sites) expect(await site.cover(NOTHING, deny[3] ?? '', '/key-3')).toBe(true);
  expect(looks).toBe(deny.length);
});

test('are not all looked at in every turn, and are known all the same', async () => {
  const deny = Array.from({ length: 2000 }, (_, index) => join(folder, `many-${index}`));
  const secrets = secretsOf(settingsOf(folder, { deny }), disk);
  looks = 0;
  for (let turn = 0; turn < 10; turn++) {
    forgetTurn();
    expect(await secrets.cover(NOTHING, deny[1999] ?? '', '/many-1999')).toBe(true);
  }
  expect(looks).toBeLessThan(3 * deny.length);
});

test('are no others for what is written into one, as into a log', async () => {
  const log = join(folder, 'log');
  writeFileSync(log, 'a');
  const secrets = secretsOf(settingsOf(folder, { deny: [log] }), disk);
  const first = await secrets.revisionFor('/x', '/x');
  writeFileSync(log, 'more');
  forgetTurn();
  expect(await secrets.revisionFor('/x', '/x')).toBe(first);
  rmSync(log);
  writeFileSync(join(folder, 'another'), 'b');
  writeFileSync(log, 'c');
  forgetTurn();
  expect(await secrets.cover(NOTHING, log, '/log')).toBe(true);
});
