// A disk that ignores case, as those of Windows and macOS do also where Linux has them mounted: it opens a name by any spelling, and
// what is open has the spelling that was asked for.

import fs, { rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Disk, mainThreadDisk } from '../../src/files/disk.ts';
import type { StaticOptions } from '../../src/index.ts';
import { settingsOf } from '../../src/options/settings.ts';
import { responderFor } from '../../src/serve-static.ts';
import { makeSite, type Site, writeTree } from '../site.ts';

let site: Site;
beforeEach(() => {
  site = makeSite();
  writeTree(site.root, { 'private/secret.txt': 'secret', 'cgi-bin/run.sh': 'source', 'list/a.txt': 'listed' });
  const { lstatSync, readdirSync } = fs;
  vi.spyOn(fs, 'lstatSync').mockImplementation(((path: string, options: object) =>
    onIt(lstatSync(stored(path), options))) as typeof lstatSync);
  vi.spyOn(fs, 'readdirSync').mockImplementation(((path: string, options: object) =>
    readdirSync(stored(path), options)) as never);
  syncBuiltinESMExports();
});
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  rmSync(site.top, { recursive: true });
});

/** The one spelling that the disk has: all in small letters. */
function stored(path: string): string {
  if (path.startsWith(site.root)) return site.root + path.slice(site.root.length).toLowerCase();
  return path.startsWith('/proc/self/fd/') ? path.toLowerCase() : path;
}

/** What is known of a disk is known by its device, and that of the tests is another. */
function onIt<Looked extends fs.Stats | undefined>(stats: Looked): Looked {
  return stats && Object.assign(stats, { dev: 7_777_777 });
}

function askerOf(options: StaticOptions): (pathInfo: string, method?: string) => Promise<number> {
  const asked = new Map<number, string>();
  const disk: Disk = {
    ...mainThreadDisk,
    stat: (path) => onIt(fs.statSync(stored(path), { throwIfNoEntry: false })),
    state: (descriptor) => onIt(fs.fstatSync(descriptor)),
    isDirectoryItself: (path) => mainThreadDisk.isDirectoryItself(stored(path)),
    open: (path) => {
      const opened = mainThreadDisk.open(stored(path));
      if (!('stats' in opened)) return opened;
      asked.set(opened.descriptor, path);
      return { ...opened, stats: onIt(opened.stats) };
    },
    placeOf: (descriptor) => asked.get(descriptor),
  };
  const respond = responderFor(settingsOf(site.root, options), disk);
  return async (pathInfo, method = 'GET') => (await respond({ method, pathInfo, fields: [] })).status;
}

test.runIf(process.platform === 'linux')('only the spelling that the disk has is served', async () => {
  const ask = askerOf({ listing: true, deny: [`${site.root}/cgi-bin`] });
  for (const path of ['/private/secret.txt', '/list/', '/a.txt']) expect(await ask(path), path).toBe(200);
  for (const path of ['/PRIVATE/secret.txt', '/private/Secret.txt', '/Private/', '/LIST/', '/A.TXT', '/List/a.txt'])
    expect(await ask(path), path).toBe(404);
  for (const path of ['/cgi-bin/run.sh', '/CGI-BIN/run.sh', '/cgi-bin/RUN.SH']) expect(await ask(path), path).toBe(404);
});

test.runIf(process.platform === 'linux')('what has another spelling is not written or removed', async () => {
  const ask = askerOf({ writable: { fsync: false } });
  expect(await ask('/a.txt')).toBe(200);
  for (const path of ['/A.TXT', '/Private/secret.txt', '/private/SECRET.txt'])
    for (const method of ['PUT', 'DELETE']) expect(await ask(path, method), `${method} ${path}`).not.toBeLessThan(400);
  expect(await ask('/a.txt', 'PUT')).toBe(204);
  expect(await ask('/a.txt', 'DELETE')).toBe(204);
});
