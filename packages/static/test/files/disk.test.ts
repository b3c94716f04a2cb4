// What requests ask of the file system: how many calls, of which kind, on which thread. A disk that counts or waits is injected.

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Disk, mainThreadDisk, MeasuredDisk, poolDisk } from '../../src/files/disk.ts';
import { Pace } from '../../src/files/pace.ts';
import type { Field, StaticOptions, StaticResponse } from '../../src/index.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { responderFor } from '../../src/serve-static.ts';
import { makeSite, type Site } from '../site.ts';

let site: Site;

beforeAll(async () => {
  site = makeSite();
  mkdirSync(join(site.root, 'pages'));
  for (let page = 0; page < 200; page++)
    writeFileSync(join(site.root, `pages/p${page}.html`), `<p>${page}`.repeat(500));
  writeFileSync(join(site.root, 'pages/large.bin'), Buffer.alloc(2_000_000, 'x'));
  while (Date.now() - statSync(join(site.root, 'pages/large.bin')).ctimeMs < 40) await passed(5);
});

afterAll(() => site.remove());

type Counts = Record<
  'stat' | 'isDirectoryItself' | 'open' | 'placeOf' | 'realPath' | 'read' | 'readAgain' | 'state' | 'close',
  number
>;

/** A disk on the main thread that counts, and calls `before` each call. */
function counting(disk: Disk, before: (name: keyof Counts) => void = () => {}): { disk: Disk; counts: Counts } {
  const counts: Counts = {
    stat: 0,
    isDirectoryItself: 0,
    open: 0,
    placeOf: 0,
    realPath: 0,
    read: 0,
    readAgain: 0,
    state: 0,
    close: 0,
  };
  const counted = Object.fromEntries(
    (Object.keys(counts) as (keyof Counts)[]).map((name) => [
      name,
      (...parameters: unknown[]) => {
        counts[name]++;
        before(name);
        return (disk[name] as (...all: unknown[]) => unknown)(...parameters);
      },
    ]),
  );
  return { disk: counted as unknown as Disk, counts };
}

function get(pathInfo: string, fields: readonly Field[] = []) {
  return { method: 'GET', pathInfo, fields };
}

function counted(options: StaticOptions = {}) {
  const { disk, counts } = counting(mainThreadDisk);
  const respond = responderFor(settingsOf(site.root, options), disk);
  /** The calls of one request in a turn of its own. */
  const callsOf = async (pathInfo: string, fields: readonly Field[] = []) => {
    await turned();
    for (const name of Object.keys(counts) as (keyof Counts)[]) counts[name] = 0;
    const response = await respond(get(pathInfo, fields));
    return { status: response.status, ...counts };
  };
  return { respond, callsOf, counts };
}

const NONE = {
  stat: 0,
  isDirectoryItself: 0,
  open: 0,
  placeOf: 0,
  realPath: 0,
  read: 0,
  readAgain: 0,
  state: 0,
  close: 0,
};

/** Asks for absent names until the names of their directory are known. */
async function untilNamesAreKnown(callsOf: ReturnType<typeof counted>['callsOf'], directory: string): Promise<void> {
  for (let count = 0; ; count++) {
    const { open } = await callsOf(`${directory}none${count}.html`);
    if (open === 0) return;
  }
}

describe.runIf(process.platform === 'linux')('calls of a request', () => {
  test('for a remembered page: its state, the directory above its own, and its own where siblings have a say', async () => {
    const { callsOf } = counted();
    await untilNamesAreKnown(callsOf, '/pages/');
    await callsOf('/pages/p1.html');
    await callsOf('/pages/p1.html');
    expect(await callsOf('/pages/p1.html')).toEqual({ ...NONE, status: 200, stat: 2 });
    const coded: readonly Field[] = [['accept-encoding', 'gzip']];
    await callsOf('/pages/p1.html', coded);
    await callsOf('/pages/p1.html', coded);
    expect(await callsOf('/pages/p1.html', coded)).toEqual({ ...NONE, status: 200, stat: 3 });
  });

  test('for a page that is not remembered: one open, one read, and looks at the root and, for codings, the directory', async () => {
    const { callsOf } = counted({ cacheMemoryBytes: 100_000, maxCachedFileBytes: 50_000 });
    await untilNamesAreKnown(callsOf, '/pages/');
    // Some pages fill what the cache has; looks at the directory are remembered apart from it.
    for (let page = 0; page < 60; page++) await callsOf(`/pages/p${page}.html`);
    const found = { ...NONE, status: 200, open: 1, placeOf: 1, read: 1, state: 1, close: 1 };
    expect(await callsOf('/pages/p198.html')).toEqual({ ...found, stat: 1 });
    expect(await callsOf('/pages/p199.html', [['accept-encoding', 'gzip']])).toEqual({ ...found, stat: 2 });
  });

  test('for one that was checked and is in the same state: one read, with which it is opened, looked at and closed', async () => {
    // A full cache lets in one newcomer of sixteen: none here.
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    onTestFinished(() => void vi.restoreAllMocks());
    const { callsOf } = counted({ cacheMemoryBytes: 100_000, maxCachedFileBytes: 50_000 });
    await untilNamesAreKnown(callsOf, '/pages/');
    for (let page = 0; page < 60; page++) await callsOf(`/pages/p${page}.html`);
    await callsOf('/pages/p198.html');
    await callsOf('/pages/p198.html');
    const again = { ...NONE, status: 200, readAgain: 1 };
    expect(await callsOf('/pages/p198.html')).toEqual({ ...again, stat: 1 });
    expect(await callsOf('/pages/p198.html', [['accept-encoding', 'gzip']])).toEqual({ ...again, stat: 2 });
  });

  test('for a path that is missing: a look at the directory, whatever the name, with clean URLs too', async () => {
    for (const options of [{}, { cleanUrls: 'lookup' as const }]) {
      const { callsOf } = counted(options);
      await untilNamesAreKnown(callsOf, '/pages/');
      expect(await callsOf('/pages/never-asked-before.html')).toEqual({ ...NONE, status: 404, stat: 1 });
      expect(await callsOf('/pages/asked/deep/down')).toEqual({ ...NONE, status: 404, stat: 1 });
    }
  });

  test('of one turn share their looks at a directory, and at those above it', async () => {
    const { respond, callsOf, counts } = counted();
    for (let page = 0; page < 200; page++) await callsOf(`/pages/p${page}.html`);
    await turned();
    counts.stat = 0;
    for (let page = 0; page < 200; page++) await respond(get(`/pages/p${page}.html`));
    expect(counts.stat).toBe(201);
    await untilNamesAreKnown(callsOf, '/pages/');
    await callsOf('/pages/gone.html');
    await turned();
    counts.stat = 0;
    for (let count = 0; count < 1000; count++) await respond(get(`/pages/gone${count}`));
    expect(counts).toEqual({ ...NONE, stat: 1 });
  });

  test('for a large file: one open for the response, and none for 304', async () => {
    const { respond, callsOf } = counted();
    await callsOf('/pages/large.bin');
    await closed(await respond(get('/pages/large.bin')));
    await callsOf('/pages/large.bin', [['if-none-match', '*']]);
    const calls = await callsOf('/pages/large.bin', [['if-none-match', '*']]);
    expect(calls).toEqual({ ...NONE, status: 304, stat: 2 });
    await turned();
    expect(await callsOf('/pages/large.bin', [['range', 'bytes=0-9']])).toMatchObject({
      status: 206,
      open: 1,
      state: 0,
    });
  });
});

async function closed({ content }: StaticResponse): Promise<void> {
  if (content !== undefined && !(content instanceof Uint8Array)) await content[Symbol.asyncIterator]().return?.();
}

describe('slow storage', () => {
  test('is asked through the pool, where it holds up nobody, until it is fast again', async () => {
    let nowMs = 0;
    let callMs = 3;
    const slow = counting(mainThreadDisk, () => (nowMs += callMs));
    const pool = counting(poolDisk);
    const disk = new MeasuredDisk(slow.disk, pool.disk, () => nowMs);
    const respond = responderFor(settingsOf(site.root, {}), disk);
    let blockedMs = 0;
    for (let page = 0; page < 150; page++) {
      const before = nowMs;
      const response = respond(get(`/pages/p${page}.html`));
      blockedMs += nowMs - before;
      expect((await response).status).toBe(200);
      await turned();
    }
    expect(blockedMs).toBeLessThan(100);
    expect(disk.isSlow).toBe(true);
    expect(pool.counts.open + pool.counts.stat).toBeGreaterThan(100);
    // Ranges, missing paths and directories go the same way.
    for (const path of ['/pages/large.bin', '/pages/none', '/sub/', '/sub', '/pages/p1.html']) {
      const response = respond(get(path));
      expect(response).toBeInstanceOf(Promise);
      await closed(await response);
      await turned();
    }
    callMs = 0.01;
    nowMs += 10_000;
    expect(respond(get('/pages/p7.html'))).not.toBeInstanceOf(Promise);
    expect(disk.isSlow).toBe(false);
  });

  test('answers as fast storage does', async () => {
    const fast = responderFor(settingsOf(site.root, {}), mainThreadDisk);
    const slow = responderFor(settingsOf(site.root, {}), poolDisk);
    const paths = [
      '/a.txt',
      '/big.js',
      '/sub/',
      '/sub',
      '/none',
      '/a.txt/',
      '/fifo',
      '/link-in',
      '/link-out',
      '/linkdir/o.txt',
      '/old.js',
      '/pages/large.bin',
    ];
    for (const path of paths) {
      for (const fields of [[], [['accept-encoding', 'br']], [['range', 'bytes=1-3']]] as const) {
        const [one, other] = await Promise.all([fast, slow].map(async (respond) => respond(get(path, fields))));
        expect([other?.status, other?.fields]).toEqual([one?.status, one?.fields]);
        await Promise.all([one, other].map(async (response) => response && closed(response)));
      }
    }
  });

  test('is found by several slow calls, not by one that took long', () => {
    const pace = new Pace();
    pace.record(80, 80);
    expect(pace.isSlow(80)).toBe(false);
    for (let call = 1; call < 5; call++) pace.record(1, 80 + call);
    expect(pace.isSlow(84)).toBe(true);
  });

  test('is told from a machine that is interrupted now and then', () => {
    const pace = new Pace();
    let nowMs = 0;
    for (let call = 0; call < 100_000; call++) {
      const tookMs = call % 200 === 0 ? 8 : 0.005;
      nowMs += tookMs;
      pace.record(tookMs, nowMs);
      expect(pace.isSlow(nowMs)).toBe(false);
    }
  });
});
