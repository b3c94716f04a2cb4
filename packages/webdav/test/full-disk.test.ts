// A disk without room: what is refused leaves what was there as it was, and nothing else.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownName } from '@onezero/static/tree';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asking, lockInfo, Served, setting } from './served.ts';

let top: string;
let root: string;

/** A file system of half a mebibyte and 64 inodes; undefined where none may be mounted. */
function mountSmall(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k,nr_inodes=64', 'tmpfs', root], { stdio: 'ignore' });
    return true;
  } catch {
    // Not root, or in a container that may not: there is no small disk here.
    return false;
  }
}

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'onezero-full-'));
  root = join(top, 'disk');
  mkdirSync(root);
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

/** Takes all blocks but `left`, in a file of its own. */
function fill(left: number): void {
  const block = Buffer.alloc(4096, 'f');
  const blocks: Buffer[] = [];
  try {
    for (;;) {
      blocks.push(block);
      writeFileSync(join(root, 'filler'), Buffer.concat(blocks));
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
  const most = blocks.length - 1 - left;
  writeFileSync(join(root, 'filler'), Buffer.concat(blocks.slice(0, most)));
}

/** Takes all inodes. */
function takeInodes(): void {
  mkdirSync(join(root, 'many'));
  try {
    for (let index = 0; ; index++) writeFileSync(join(root, 'many', String(index)), '');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}

async function onSmallDisk(
  skip: (why: string) => void,
  act: (served: Served) => Promise<void>,
  prepare = (): void => {},
): Promise<void> {
  if (!mountSmall()) skip('mounting needs privileges');
  prepare();
  const served = new Served(root);
  try {
    await served.listen();
    await act(served);
  } finally {
    await served.stop();
    // The turn of the root is kept open for a moment after a request.
    execFileSync('umount', ['--lazy', root]);
  }
}

const large = 'n'.repeat(100_000);

describe('without room for content', () => {
  test('PUT and COPY are 507; the old content stays, and nothing else does', async ({ skip }) => {
    await onSmallDisk(skip, async (served) => {
      writeFileSync(join(root, 'old.txt'), 'old');
      mkdirSync(join(root, 'd'));
      writeFileSync(join(root, 'd/a.bin'), 'a'.repeat(100_000));
      writeFileSync(join(root, 'd/b.txt'), 'b');
      fill(3);
      const before = served.paths();
      expect(await served.status('PUT', '/old.txt', {}, large)).toBe(507);
      expect(await served.status('PUT', '/new.txt', {}, large)).toBe(507);
      expect(await served.status('COPY', '/d/a.bin', { destination: '/copy.bin' })).toBe(507);
      expect(await served.status('COPY', '/d/a.bin', { destination: '/old.txt' })).toBe(507);
      expect(await served.status('COPY', '/d/', { destination: '/e/' })).toBe(507);
      expect(served.paths()).toEqual(before);
      expect(readFileSync(join(root, 'old.txt'), 'utf8')).toBe('old');
      // What needs no room goes on, and makes some.
      expect(await served.status('MOVE', '/d/b.txt', { destination: '/moved.txt' })).toBe(201);
      expect(await served.status('DELETE', '/filler')).toBe(204);
      expect(await served.status('PUT', '/new.txt', {}, large)).toBe(201);
      expect(await served.status('COPY', '/d/', { destination: '/e/' })).toBe(201);
    });
  });

  test('PROPPATCH and LOCK are 507; properties and locks stay as they were', async ({ skip }) => {
    await onSmallDisk(skip, async (served) => {
      writeFileSync(join(root, 'a.txt'), 'a');
      writeFileSync(join(root, 'b.txt'), 'b');
      const other = await served.lock('/b.txt');
      expect(await served.status('PROPPATCH', '/a.txt', {}, setting('<t:p>old</t:p>'))).toBe(207);
      const token = await served.lock('/a.txt');
      fill(0);
      const before = served.paths();
      const held = { if: `(<${token}>)` };
      const long = setting(`<t:p>${'x'.repeat(30_000)}</t:p>`);
      expect(await served.status('PROPPATCH', '/a.txt', held, long)).toBe(507);
      expect(await served.status('LOCK', '/', {}, lockInfo())).toBe(207);
      expect(await served.lock('/filler')).toBe('no lock: 507');
      expect(await served.lock('/new.txt')).toBe('no lock: 507');
      expect(served.paths()).toEqual(before);
      const said = await served.ask('PROPFIND', '/a.txt', { depth: '0' }, asking('<t:p/><D:lockdiscovery/>'));
      expect([said.text.includes('>old<'), said.text.includes(token)]).toEqual([true, true]);
      expect(await served.status('PUT', '/a.txt', {}, 'x')).toBe(423);
      // A lock ends where it stands, and the others stay.
      expect(await served.status('UNLOCK', '/a.txt', { 'lock-token': `<${token}>` })).toBe(204);
      expect(await served.status('UNLOCK', '/a.txt', { 'lock-token': `<${token}>` })).toBe(409);
      expect(await served.status('DELETE', '/b.txt')).toBe(423);
      expect(served.paths()).toEqual(before);
      expect(await served.status('UNLOCK', '/b.txt', { 'lock-token': `<${other}>` })).toBe(204);
      expect(await served.status('DELETE', '/b.txt')).toBe(204);
      expect(await served.status('DELETE', '/filler')).toBe(204);
      expect(await served.status('PROPPATCH', '/a.txt', {}, long)).toBe(207);
    });
  });
});

describe('without an inode', () => {
  test('all that makes something is 507, and leaves nothing', async ({ skip }) => {
    await onSmallDisk(skip, async (served) => {
      mkdirSync(join(root, 'd'));
      writeFileSync(join(root, 'd/a.txt'), 'a');
      const tokens = [await served.lock('/d/b.txt', {}, 'shared'), await served.lock('/d/b.txt', {}, 'shared')];
      takeInodes();
      const before = served.paths();
      for (const [method, path, fields, content] of [
        ['PUT', '/new.txt', {}, 'x'],
        ['PUT', '/d/a.txt', {}, 'x'],
        ['MKCOL', '/new', {}, undefined],
        ['COPY', '/d/', { destination: '/e/' }, undefined],
        ['COPY', '/d/a.txt', { destination: '/b.txt' }, undefined],
        ['LOCK', '/new.txt', {}, lockInfo()],
        ['PROPPATCH', '/d/a.txt', {}, setting('<t:p>1</t:p>')],
      ] as const) {
        const status = await served.status(method, path, fields, content);
        expect([method, path, status]).toEqual([method, path, 507]);
        expect(served.paths()).toEqual(before);
      }
      expect(readFileSync(join(root, 'd/a.txt'), 'utf8')).toBe('a');
      for (const token of tokens)
        expect(await served.status('UNLOCK', '/d/b.txt', { 'lock-token': `<${token}>` })).toBe(204);
      expect(await served.status('PROPFIND', '/d/', { depth: '1' })).toBe(207);
      expect(await served.status('GET', '/d/a.txt')).toBe(200);
    });
  });

  test('a start removes what a killed copy has left, which takes all room', async ({ skip }) => {
    const dead = ownName().replace(/\.\d+\.\d+\.[0-9a-f]{12}-/, '.999999999.1.0123456789ab-');
    const prepare = (): void => {
      mkdirSync(join(root, 'd/.onezero-webdav'), { recursive: true });
      takeInodes();
      renameSync(join(root, 'many'), join(root, `d/.onezero-webdav/${dead}.new`));
    };
    await onSmallDisk(
      skip,
      async (served) => {
        expect(await served.status('PUT', '/new.txt', {}, 'x')).toBe(201);
        expect(served.paths()).toEqual(['d/', 'new.txt']);
      },
      prepare,
    );
  });

  test('DELETE makes room also where a lock on nothing is noted', async ({ skip }) => {
    const gone = { token: 'urn:uuid:1', path: '/gone', depth: '0', scope: 'exclusive', href: '/gone', owner: '' };
    const prepare = (): void => {
      mkdirSync(join(root, '.onezero-webdav'));
      const lock = { ...gone, timeoutSeconds: 600, expiresAtMs: Date.now() + 600_000 };
      writeFileSync(join(root, '.onezero-webdav/locks.json'), JSON.stringify([lock]));
      takeInodes();
    };
    await onSmallDisk(
      skip,
      async (served) => {
        expect(await served.status('DELETE', '/many/0')).toBe(204);
        expect(await served.status('DELETE', '/many/')).toBe(204);
        expect(await served.status('PUT', '/new.txt', {}, 'x')).toBe(201);
      },
      prepare,
    );
  });

  test('DELETE still makes room', async ({ skip }) => {
    await onSmallDisk(skip, async (served) => {
      mkdirSync(join(root, 'd'));
      writeFileSync(join(root, 'd/a.txt'), 'a');
      takeInodes();
      expect(await served.status('DELETE', '/many/0')).toBe(204);
      expect(await served.status('DELETE', '/many/1')).toBe(204);
      expect(await served.status('DELETE', '/many/2')).toBe(204);
      expect(await served.status('DELETE', '/many/3')).toBe(204);
      expect(await served.status('DELETE', '/many/')).toBe(204);
      expect(await served.status('PUT', '/new.txt', {}, 'x')).toBe(201);
      expect(served.paths()).toEqual(['d/', 'd/a.txt', 'new.txt']);
    });
  });
});
