// A missing path is looked for once in a turn of the event loop, and no longer than that turn.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turned } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Absences } from '../../src/files/absences.ts';
import { rename } from '../../src/files/calls.ts';
import { type Disk, mainThreadDisk } from '../../src/files/disk.ts';
import { loopTurn } from '../../src/files/loop-turn.ts';
import type { StaticRequest } from '../../src/message.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { responderFor } from '../../src/serve-static.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'onezero-absences-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const get = (pathInfo: string): StaticRequest => ({ method: 'GET', pathInfo, fields: [], version: '1.1' });

test('one of many requests for a missing path has it looked for', async () => {
  const looks: string[] = [];
  const note = <Name extends 'open' | 'stat'>(name: Name): Disk[Name] =>
    ((path: string) => {
      looks.push(`${name} ${path}`);
      return mainThreadDisk[name](path);
    }) as Disk[Name];
  const respond = responderFor(settingsOf(root, {}), { ...mainThreadDisk, open: note('open'), stat: note('stat') });
  for (const path of ['/none', '/none/', '/none/at/all', '/.none']) {
    expect(await respond(get(path))).toMatchObject({ status: 404 });
    await turned();
    looks.length = 0;
    expect(await respond(get(path))).toMatchObject({ status: 404 });
    const once = looks.length;
    for (let count = 0; count < 10; count++) expect(await respond(get(path))).toMatchObject({ status: 404 });
    expect(looks).toHaveLength(once);
  }
});

test('what is there by the next turn is found', async () => {
  const respond = responderFor(settingsOf(root, {}), mainThreadDisk);
  expect(await respond(get('/new'))).toMatchObject({ status: 404 });
  writeFileSync(join(root, 'new'), 'new');
  await turned();
  expect(await respond(get('/new'))).toMatchObject({ status: 200 });
});

test('what was changed by a call of ours is found in the same turn', async () => {
  const respond = responderFor(settingsOf(root, { cleanUrls: 'off' }), mainThreadDisk);
  writeFileSync(join(root, 'old'), 'old');
  const answers = [respond(get('/new'))];
  const before = loopTurn();
  // Where storage is slow the call is made elsewhere, and this turn is over by itself.
  const renamed = rename(join(root, 'old'), join(root, 'new'));
  if (renamed === undefined) expect(loopTurn()).not.toBe(before);
  await renamed;
  answers.push(respond(get('/new')), respond(get('/old')));
  const statuses: number[] = [];
  for (const answer of answers) statuses.push((await answer).status);
  expect(statuses).toEqual([404, 200, 404]);
});

test('a flood of different paths is not kept', () => {
  const absences = new Absences();
  for (let count = 0; count < 1000; count++) absences.add(`/${count}`);
  expect(Array.from({ length: 1000 }, (_, count) => absences.has(`/${count}`)).filter(Boolean)).toHaveLength(256);
});
