// Files that were checked once and did not fit the cache: served by one read while they are what was checked, and by no other name.

import { execFileSync } from 'node:child_process';
import { linkSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turned, setTimeout as passed } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Disk, mainThreadDisk, poolDisk } from '../../src/files/disk.ts';
import { KnownFiles } from '../../src/files/known-files.ts';
import type { StaticOptions } from '../../src/index.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { responderFor } from '../../src/serve-static.ts';
import { makeSite, type Site } from '../site.ts';

const SHA256 = 'abcdefghijklmnopqrstuvwxyz';

function fileOf(ino: number) {
  return {
    stamp: { dev: 1, ino, size: 2 ** 40, mtimeMs: 1.5, ctimeMs: 2.25 },
    sha256: SHA256,
    contentType: `text/${ino % 9}`,
  };
}

/** Too long for the cache, which has room for one file. */
function long(text: string): string {
  return text.padEnd(14_000);
}

describe('the table', () => {
  test('knows what was added in this revision, and nothing else', () => {
    const known = new KnownFiles(1024 * 1024);
    const locations = Array.from({ length: 6_000 }, (_, index) => `/www/folder/page${index}.html`);
    // Twice, as the table forgets when it grows.
    const all = [...locations.entries(), ...locations.entries()];
    for (const [ino, location] of all) known.add(location, fileOf(ino), 0);
    for (const [ino, location] of locations.entries()) {
      const found = known.find(location);
      if (found !== undefined) expect(found).toEqual({ ...fileOf(ino), sha256: SHA256.slice(0, 22) });
      expect(known.find(`${location}x`)).toBeUndefined();
    }
    expect(locations.filter((location) => known.find(location) !== undefined).length).toBeGreaterThan(5_500);
    expect([known.isOf(0), known.isOf(7)]).toEqual([true, false]);
    known.add('/www/late', fileOf(1), 7);
    expect(locations.some((location) => known.find(location) !== undefined)).toBe(false);
    known.add('/www/early', fileOf(1), 6);
    expect([known.find('/www/late'), known.find('/www/early')]).toEqual([expect.anything(), undefined]);
  });

  test('overwrites what it has no room for, and holds nothing without memory', () => {
    const known = new KnownFiles(10_000);
    for (let ino = 0; ino < 10_000; ino++) known.add(`/www/${ino}`, fileOf(ino), 0);
    const found = Array.from({ length: 10_000 }, (_, ino) => known.find(`/www/${ino}`)).filter(Boolean);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThanOrEqual(10_000 / 72);
    const none = new KnownFiles(0);
    none.add('/www/a', fileOf(1), 0);
    expect(none.find('/www/a')).toBeUndefined();
  });
});

describe.runIf(process.platform === 'linux').each([
  ['on the main thread', mainThreadDisk],
  ['through the pool', poolDisk],
])('a known file, %s', (_, disk: Disk) => {
  let site: Site;
  let page: string;

  beforeEach(async () => {
    site = makeSite();
    page = join(site.root, 'page.html');
    writeFileSync(page, long('first'));
    await untilRested();
  });

  afterEach(() => site.remove());

  async function untilRested(): Promise<void> {
    while (Date.now() - statSync(page).ctimeMs < 40) await passed(5);
  }

  /** A responder that remembers no file, and has the page in its table; `ask` says what it answers, and by which calls. */
  async function knowing(options: StaticOptions = {}) {
    const calls: string[] = [];
    const watch = <Name extends 'open' | 'readAgain'>(name: Name): Disk[Name] =>
      ((...words: Parameters<Disk[Name]>) => {
        calls.push(name);
        return (disk[name] as (...all: unknown[]) => unknown)(...words);
      }) as Disk[Name];
    const settings = settingsOf(site.root, {
      cacheMemoryBytes: 20_000,
      maxCachedFileBytes: 15_000,
      compression: false,
      ...options,
    });
    const respond = responderFor(settings, { ...disk, open: watch('open'), readAgain: watch('readAgain') });
    const ask = async () => {
      await turned();
      calls.length = 0;
      const { status, content, fields } = await respond({ method: 'GET', pathInfo: '/page.html', fields: [] });
      const text = content instanceof Uint8Array ? Buffer.from(content).toString().trimEnd() : '';
      return { status, text, calls: calls.join(' '), etag: fields.find(([name]) => name === 'etag')?.[1] };
    };
    await ask();
    await ask();
    expect(await ask()).toMatchObject({ status: 200, text: 'first', calls: 'readAgain' });
    return ask;
  }

  test('has the tag that it had', async () => {
    const { etag } = await (await knowing())();
    expect(etag).toBe((await (await knowing())()).etag);
    expect(etag).toMatch(/^"asw-[\w-]{22}"$/);
  });

  test('is read anew when it was written in place, with the length and the time that it had', async () => {
    const ask = await knowing();
    const first = await ask();
    const { atime, mtime } = statSync(page);
    writeFileSync(page, long('other'));
    utimesSync(page, atime, mtime);
    const second = await ask();
    expect(second).toMatchObject({ status: 200, text: 'other' });
    expect(second.etag).not.toBe(first.etag);
    writeFileSync(page, 'longer than before');
    expect(await ask()).toMatchObject({ text: 'longer than before' });
  });

  test('is not served when its name has become a link to it', async () => {
    for (const symlinks of ['deny', 'inside'] as const) {
      const ask = await knowing({ symlinks });
      const place = join(symlinks === 'deny' ? site.root : site.top, 'moved.html');
      renameSync(page, place);
      symlinkSync(place, page);
      expect(await ask()).toMatchObject({ status: 404 });
      rmSync(page);
      renameSync(place, page);
      await untilRested();
    }
  });

  test('with another name is asked where it lies each time', async () => {
    const ask = await knowing();
    linkSync(page, join(site.root, 'other.html'));
    await untilRested();
    await ask();
    expect(await ask()).toMatchObject({ status: 200, calls: 'readAgain open' });
  });

  test('is not served when it has become a secret, or a hook says so', async () => {
    let isSource = false;
    const ask = await knowing({ deny: [join(site.top, 'key')], isSource: () => isSource });
    isSource = true;
    expect(await ask()).toMatchObject({ status: 404 });
    isSource = false;
    expect(await ask()).toMatchObject({ status: 200, calls: 'readAgain' });
    symlinkSync(page, join(site.top, 'key'));
    expect(await ask()).toMatchObject({ status: 404 });
  });

  test('that has become a pipe, a directory or nothing takes nothing from anybody', async () => {
    const ask = await knowing();
    rmSync(page);
    execFileSync('mkfifo', [page]);
    expect(await ask()).toMatchObject({ status: 404 });
    rmSync(page);
    expect(await ask()).toMatchObject({ status: 404 });
    symlinkSync(site.root, page);
    expect(await ask()).toMatchObject({ status: 404 });
  });
});
