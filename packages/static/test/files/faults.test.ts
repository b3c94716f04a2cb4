// A file system that fails, waits, or has a coarse clock: what is asked for beside is answered as if it did not.

import { createHash } from 'node:crypto';
import fs, {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Digests } from '../../src/files/digests.ts';
import { Directories } from '../../src/files/directories.ts';
import { type Disk, mainThreadDisk, poolDisk } from '../../src/files/disk.ts';
import { statusOf } from '../../src/files/open-file.ts';
import type { Field, StaticOptions } from '../../src/index.ts';
import { stampOf } from '../../src/http/validators.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { responderFor } from '../../src/serve-static.ts';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'onezero-faults-'))));
afterEach(() => rmSync(root, { recursive: true }));

/** Writes a file that no clock tick hides a change of. */
async function rested(name: string, content: string | Uint8Array): Promise<void> {
  writeFileSync(join(root, name), content);
  await untilRested(join(root, name));
}

async function untilRested(path: string): Promise<void> {
  while (Date.now() - statSync(path).ctimeMs < 50) await passed(5);
}

/** A disk whose reads of one file fail while `isFailing` says so. */
function failing(name: string, code: string, isFailing: () => boolean): Disk {
  const failed = new Set<number>();
  return {
    ...mainThreadDisk,
    open: (path) => {
      const opened = mainThreadDisk.open(path);
      if (!(opened instanceof Error) && 'descriptor' in opened) {
        if (path.endsWith(name)) failed.add(opened.descriptor);
        else failed.delete(opened.descriptor);
      }
      return opened;
    },
    read: (descriptor, bytes, position) =>
      failed.has(descriptor) && isFailing()
        ? Object.assign(new Error(code), { code })
        : mainThreadDisk.read(descriptor, bytes, position),
  };
}

const asker = (options: StaticOptions, disk: Disk) => {
  const respond = responderFor(settingsOf(root, options), disk);
  return async (pathInfo: string, fields: readonly Field[] = []) => {
    await turned();
    const { status, fields: answered, content } = await respond({ method: 'GET', pathInfo, fields });
    const coding = answered.find(([name]) => name === 'content-encoding')?.[1];
    const bytes = content instanceof Uint8Array ? Buffer.from(content) : Buffer.alloc(0);
    return { status, coding, text: (coding === 'gzip' ? gunzipSync(bytes) : bytes).toString() };
  };
};

const GZIP: readonly Field[] = [['accept-encoding', 'gzip']];

test('a page whose precompressed file cannot be read is sent as it is, until that can be', async () => {
  await rested('page.html', 'page');
  await rested('page.html.gz', gzipSync('page'));
  let isFailing = true;
  const disk = failing('.gz', 'EIO', () => isFailing);
  const ask = asker({ compression: false }, disk);
  for (let asks = 0; asks < 2; asks++)
    expect(await ask('/page.html', GZIP)).toEqual({ status: 200, coding: undefined, text: 'page' });
  isFailing = false;
  expect(await ask('/page.html', GZIP)).toEqual({ status: 200, coding: 'gzip', text: 'page' });
});

test('a page whose precompressed file could not be opened for want of descriptors is coded again when there are some', async () => {
  await rested('page.html', 'page');
  await rested('page.html.gz', gzipSync('page'));
  let isShort = true;
  const open: Disk['open'] = (path) =>
    path.endsWith('.gz') && isShort ? Object.assign(new Error('none'), { code: 'EMFILE' }) : mainThreadDisk.open(path);
  const ask = asker({ compression: false }, { ...mainThreadDisk, open });
  expect((await ask('/page.html', GZIP)).coding).toBeUndefined();
  isShort = false;
  expect((await ask('/page.html', GZIP)).coding).toBe('gzip');
});

test('a page for what is missing that cannot be read leaves the status', async () => {
  await rested('404.html', 'nothing here');
  let isFailing = true;
  const ask = asker(
    { statusPages: true },
    failing('404.html', 'EIO', () => isFailing),
  );
  expect(await ask('/none')).toMatchObject({ status: 404, text: '' });
  isFailing = false;
  expect(await ask('/none')).toMatchObject({ status: 404, text: 'nothing here' });
});

/** Times in steps of 10 ms, as many kernels have them. */
const coarse = <Seen extends object>(stats: Seen): Seen =>
  'mtimeMs' in stats && 'ctimeMs' in stats
    ? Object.assign(stats, { mtimeMs: tick(stats.mtimeMs), ctimeMs: tick(stats.ctimeMs) })
    : stats;
const tick = (milliseconds: unknown): number => Math.floor(Number(milliseconds) / 10) * 10 + 0.5;

/** A disk with a coarse clock. */
const coarseDisk: Disk = {
  ...mainThreadDisk,
  stat: (path) => {
    const stats = mainThreadDisk.stat(path);
    return stats === undefined ? stats : coarse(stats);
  },
  open: (path) => {
    const opened = mainThreadDisk.open(path);
    if ('stats' in opened) coarse(opened.stats);
    return opened;
  },
  state: async (descriptor) => coarse(await mainThreadDisk.state(descriptor)),
};

/** Waits for a tick to begin, so that the next two changes have the same times. */
async function atTick(): Promise<void> {
  for (let before = tick(Date.now()); tick(Date.now()) === before;) await turned();
}

test('a precompressed file that changed twice within a tick is sent as it is now', async () => {
  await rested('page.html', 'page');
  const ask = asker({ compression: false }, coarseDisk);
  for (let round = 0; ; round++) {
    await atTick();
    writeFileSync(join(root, 'page.html.gz'), gzipSync('one'));
    const before = coarse(statSync(join(root, 'page.html.gz')));
    expect((await ask('/page.html', GZIP)).text).toBe('one');
    writeFileSync(join(root, 'page.html.gz'), gzipSync('two'));
    const after = coarse(statSync(join(root, 'page.html.gz')));
    await untilRested(join(root, 'page.html.gz'));
    // A busy machine may take longer than a tick for that: then it says nothing.
    if (before.ctimeMs !== after.ctimeMs && round < 100) continue;
    expect((await ask('/page.html', GZIP)).text).toBe('two');
    return;
  }
});

test('a file that changed twice within a tick, and was read slowly in between, is sent as it is now', async () => {
  const path = join(root, 'page.txt');
  const slowly: Disk = {
    ...coarseDisk,
    read: async (...words) => {
      const count = mainThreadDisk.read(...words);
      await passed(40);
      return count;
    },
  };
  for (let round = 0; ; round++) {
    const respond = responderFor(settingsOf(root, {}), slowly);
    const request = { method: 'GET', pathInfo: '/page.txt', fields: [] };
    await atTick();
    writeFileSync(path, 'one');
    const before = coarse(statSync(path));
    const answer = respond(request);
    writeFileSync(path, 'two');
    const after = coarse(statSync(path));
    const { content: first } = await answer;
    await untilRested(path);
    if (before.ctimeMs !== after.ctimeMs && round < 100) continue;
    if (before.ctimeMs === after.ctimeMs) expect(Buffer.from(first as Uint8Array).toString()).toBe('one');
    await turned();
    const { content } = await respond(request);
    expect(Buffer.from(content as Uint8Array).toString()).toBe('two');
    return;
  }
});

test('one directory that several look at at once is remembered once', async () => {
  const late: Disk = { ...mainThreadDisk, stat: async (path) => poolDisk.stat(path) };
  const names = Array.from({ length: 20 }, (_, number) => join(root, `d${number}`));
  for (const name of names) mkdirSync(name);
  const room = names.length * (700 + root.length);
  const directories = new Directories(late, room);
  for (const name of names) await Promise.all(Array.from({ length: 8 }, async () => directories.look(name)));
  expect(names.filter((name) => !directories.expects(join(name, 'file')))).toEqual([]);
});

test('a listing on storage that becomes slow is looked at through the pool from then on', async () => {
  for (let number = 0; number < 100; number++) writeFileSync(join(root, `f${number}`), '');
  await untilRested(root);
  const respond = responderFor(settingsOf(root, { listing: true }));
  const request = { method: 'GET', pathInfo: '/', fields: [] };
  await respond(request);
  const { statSync: fast } = fs;
  let calls = 0;
  const slow = vi.spyOn(fs, 'statSync').mockImplementation((...words: Parameters<typeof fast>) => {
    calls++;
    for (const end = performance.now() + 15; performance.now() < end;);
    return fast(...words);
  });
  syncBuiltinESMExports();
  try {
    for (let asks = 0; asks < 2; asks++) {
      await turned();
      expect((await respond(request)).status).toBe(200);
    }
    // Five tell that it is slow, in each of two places, and again after each half second that a busy machine takes longer; without
    // that there are more than a hundred.
    expect(calls).toBeLessThan(100);
  } finally {
    slow.mockRestore();
    syncBuiltinESMExports();
  }
});

test('a small file is hashed beside a large one', async () => {
  const digests = new Digests();
  const ended: string[] = [];
  const hash = async (name: string, bytes: number): Promise<void> => {
    const path = join(root, name);
    const descriptor = openSync(path, 'w+');
    ftruncateSync(descriptor, bytes);
    await untilRested(path);
    await digests.compute(path, stampOf(statSync(path)), descriptor);
    ended.push(name);
    closeSync(descriptor);
  };
  const large = hash('large', 400_000_000);
  await untilRested(root);
  await Promise.all([large, hash('small', 2_000_000)]);
  expect(ended).toEqual(['small', 'large']);
});

test('a large file of which a part cannot be read is sent as far as it can be', async () => {
  await rested('large', Buffer.alloc(2_000_000));
  let opens = 0;
  const open: Disk['open'] = (path) => {
    // The second time it is opened to be hashed: reading fails then, as at a bad sector.
    if (++opens !== 2) return mainThreadDisk.open(path);
    const descriptor = openSync(path, 'a');
    return { descriptor, stats: fstatSync(descriptor) };
  };
  const respond = responderFor(settingsOf(root, {}), { ...mainThreadDisk, open });
  const { status, fields } = await respond({ method: 'HEAD', pathInfo: '/large', fields: [] });
  expect(opens).toBe(2);
  expect(status).toBe(200);
  expect(fields.find(([name]) => name === 'etag')?.[1]).toMatch(/^W\//);
});

test('a response whose file is unknown to its file system at its end has been sent all the same', async () => {
  await rested('file', 'x');
  const digests = new Digests();
  const stamp = stampOf(statSync(join(root, 'file')));
  const tap = digests.tap('file', stamp);
  tap?.see(Buffer.from('x'));
  // No such descriptor is open.
  expect(() => tap?.complete(2_000_000_000)).not.toThrow();
  tap?.leave();
  expect(digests.find('file', stamp)).toBeUndefined();
  const again = digests.tap('file', stamp);
  again?.see(Buffer.from('x'));
  const descriptor = openSync(join(root, 'file'), 'r');
  again?.complete(descriptor);
  closeSync(descriptor);
  again?.leave();
  expect(digests.find('file', stamp)).toBe(createHash('sha256').update('x').digest('base64url'));
});

test.each([
  ['ENOENT', 404],
  ['ENOTDIR', 404],
  ['EACCES', 403],
  ['EMFILE', 503],
  ['ENFILE', 503],
  ['ENOMEM', 503],
  ['EIO', 500],
  ['ESTALE', 500],
])('%s is %i', (code, status) => {
  expect(statusOf(Object.assign(new Error(code), { code }))).toBe(status);
});
