// A folder with another file system in it.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turned } from 'node:timers/promises';
import { SiteTree } from '@onezero/static/tree';
import { expect, test } from 'vitest';
import { removeTree } from '../../src/store/staging.ts';
import { asking, makeFolder, Served, setting } from '../served.ts';

async function withMount(skip: (why: string) => void, act: (served: Served) => Promise<void>): Promise<void> {
  const root = makeFolder({ 'a.txt': 'a', 'd/x.txt': 'x', 'd/sub/y.txt': 'y', 'mount/': '' });
  const mount = join(root, 'mount');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount], { stdio: 'ignore' });
  } catch {
    // Not root, or in a container that may not.
    rmSync(root, { recursive: true });
    skip('mounting needs privileges');
  }
  const served = new Served(root);
  try {
    await served.listen();
    await act(served);
  } finally {
    await served.stop();
    execFileSync('umount', ['--lazy', mount]);
    rmSync(root, { recursive: true, force: true });
  }
}

const paths = (served: Served): readonly string[] => served.paths().filter((path) => !path.includes('.onezero'));

test('MOVE between file systems takes content and properties along, of files and of trees', async ({ skip }) => {
  await withMount(skip, async (served) => {
    for (const path of ['/a.txt', '/d/', '/d/sub/y.txt'])
      await served.ask('PROPPATCH', path, {}, setting(`<t:p>of ${path}</t:p>`));
    const token = await served.lock('/a.txt');
    expect(await served.status('MOVE', '/a.txt', { destination: '/mount/a.txt' })).toBe(423);
    const held = { if: `(<${token}>)` };
    expect(await served.status('MOVE', '/a.txt', { destination: '/mount/a.txt', ...held })).toBe(201);
    expect(await served.status('MOVE', '/d/', { destination: '/mount/d/' })).toBe(201);
    const there = ['mount/', 'mount/a.txt', 'mount/d/', 'mount/d/sub/', 'mount/d/sub/y.txt', 'mount/d/x.txt'];
    expect(paths(served)).toEqual(there);
    for (const path of ['/a.txt', '/d/', '/d/sub/y.txt']) {
      const { text } = await served.ask('PROPFIND', `/mount${path}`, { depth: '0' }, asking('<t:p/>'));
      expect(text).toContain(`>of ${path}<`);
    }
    // The lock has ended with what it was on.
    expect(await served.status('PUT', '/a.txt', {}, 'new')).toBe(201);
    expect(await served.status('MOVE', '/mount/d/', { destination: '/d/' })).toBe(201);
    expect(await served.status('MOVE', '/mount/a.txt', { destination: '/a.txt', overwrite: 'F' })).toBe(412);
    expect(await served.status('MOVE', '/mount/a.txt', { destination: '/a.txt' })).toBe(204);
    expect(paths(served)).toEqual(['a.txt', 'd/', 'd/sub/', 'd/sub/y.txt', 'd/x.txt', 'mount/']);
    expect(served.read('a.txt')).toBe('a');
  });
});

test('MOVE between file systems over what is there leaves nothing else', async ({ skip }) => {
  await withMount(skip, async (served) => {
    mkdirSync(join(served.root, 'mount/d'));
    writeFileSync(join(served.root, 'mount/d/old'), 'old');
    writeFileSync(join(served.root, 'mount/a.txt'), 'old');
    await served.ask('PROPPATCH', '/a.txt', {}, setting('<t:p>of a</t:p>'));
    expect(await served.status('MOVE', '/d/', { destination: '/mount/d/' })).toBe(204);
    expect(served.paths().filter((path) => path.startsWith('mount/.onezero'))).toEqual([]);
    expect(await served.status('MOVE', '/a.txt', { destination: '/mount/a.txt' })).toBe(204);
    expect(paths(served)).toEqual([
      'mount/',
      'mount/a.txt',
      'mount/d/',
      'mount/d/sub/',
      'mount/d/sub/y.txt',
      'mount/d/x.txt',
    ]);
    // The one record of its properties.
    expect(served.paths().filter((path) => path.startsWith('mount/.onezero-webdav/'))).toHaveLength(2);
  });
});

test('MOVE between file systems takes nothing away that came meanwhile', async ({ skip }) => {
  await withMount(skip, async (served) => {
    for (let index = 0; index < 200; index++) writeFileSync(join(served.root, `d/sub/${index}`), '');
    const moved = served.status('MOVE', '/d/', { destination: '/mount/d/' });
    const work = join(served.root, 'mount/.onezero-webdav');
    while (!existsSync(work) || readdirSync(work).length === 0) await turned();
    // It is copied, and not there yet.
    writeFileSync(join(served.root, 'd/sub/y.txt'), 'changed');
    writeFileSync(join(served.root, 'd/sub/late.txt'), 'late');
    expect(await moved).toBe(409);
    expect([served.read('d/sub/y.txt'), served.read('d/sub/late.txt')]).toEqual(['changed', 'late']);
    expect(await served.status('MOVE', '/d/', { destination: '/mount/d/' })).toBe(204);
    expect(existsSync(join(served.root, 'd'))).toBe(false);
    expect(served.read('mount/d/sub/late.txt')).toBe('late');
  });
});

test.for(['nowhere', '.', '/etc/passwd'])('nor a link to %s, which cannot be copied', async (goal, { skip }) => {
  await withMount(skip, async (served) => {
    symlinkSync(goal, join(served.root, 'd/sub/link'));
    expect(await served.status('MOVE', '/d/', { destination: '/mount/d/' })).toBe(403);
    expect(readdirSync(join(served.root, 'd/sub'))).toEqual(['link', 'y.txt']);
    expect(readdirSync(join(served.root, 'mount'))).toEqual([]);
    expect(await served.status('COPY', '/d/', { destination: '/mount/d/' })).toBe(201);
  });
});

test('COPY and PUT go there too, and what does not fit stays where it was', async ({ skip }) => {
  await withMount(skip, async (served) => {
    writeFileSync(join(served.root, 'd/large.bin'), Buffer.alloc(3_000_000));
    expect(await served.status('COPY', '/a.txt', { destination: '/mount/a.txt' })).toBe(201);
    expect(await served.status('PUT', '/mount/b.txt', {}, 'b')).toBe(201);
    const before = paths(served);
    expect(await served.status('MOVE', '/d/', { destination: '/mount/d/' })).toBe(507);
    expect(await served.status('MOVE', '/d/large.bin', { destination: '/mount/a.txt' })).toBe(507);
    expect(await served.status('COPY', '/d/', { destination: '/mount/d/' })).toBe(507);
    expect(paths(served)).toEqual(before);
    expect(readFileSync(join(served.root, 'mount/a.txt'), 'utf8')).toBe('a');
  });
});

test('a place where another file system is mounted can neither be moved nor removed', async ({ skip }) => {
  await withMount(skip, async (served) => {
    mkdirSync(join(served.root, 'mount/kept'));
    const before = paths(served);
    for (const [method, headers] of [
      ['DELETE', {}],
      ['MOVE', { destination: '/other/' }],
    ] as const) {
      const status = await served.status(method, '/mount/', headers);
      expect([method, status]).toEqual([method, 403]);
      expect(paths(served)).toEqual(before);
    }
  });
});

test('a collection with such a place in it is moved with it, and neither removed nor replaced', async ({ skip }) => {
  await withMount(skip, async (served) => {
    writeFileSync(join(served.root, 'mount/kept'), '');
    execFileSync('mount', ['--bind', join(served.root, 'mount'), join(served.root, 'd/sub')]);
    try {
      const before = paths(served);
      expect(await served.status('DELETE', '/d/')).toBe(403);
      expect(await served.status('MKCOL', '/e')).toBe(201);
      expect(await served.status('COPY', '/e/', { destination: '/d/' })).toBe(403);
      expect(await served.status('DELETE', '/e')).toBe(204);
      expect(paths(served)).toEqual(before);
      await expect(removeTree(join(served.root, 'd'))).rejects.toMatchObject({ code: 'EBUSY' });
      expect(await served.status('MOVE', '/d/', { destination: '/e/' })).toBe(201);
    } finally {
      for (const name of ['d', 'e']) {
        const place = join(served.root, name, 'sub');
        if (existsSync(place)) execFileSync('umount', ['--lazy', place]);
      }
    }
  });
});

test('a collection is replaced, whatever was mounted in the old one before it gave way', async ({ skip }) => {
  await withMount(skip, async (served) => {
    for (const path of ['new/n', 'old/sub/o']) {
      mkdirSync(join(served.root, path, '..'), { recursive: true });
      writeFileSync(join(served.root, path), path);
    }
    const others = new SiteTree(served.root, { writable: { fsync: false } });
    let moved = Promise.resolve(0);
    await others.inTurn('webdav', async () => {
      moved = served.status('MOVE', '/new/', { destination: '/old/' });
      // It waits for its turn: it has looked at both ends.
      while (readdirSync(join(served.root, '.onezero-partial-webdav')).length < 2) await turned();
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(served.root, 'old/sub')]);
    });
    try {
      expect(await moved).toBe(204);
      expect(served.read('old/n')).toBe('new/n');
    } finally {
      const gone = served.paths().find((path) => path.endsWith('.del/old/sub/'));
      execFileSync('umount', ['--lazy', join(served.root, gone ?? 'old/sub')]);
    }
  });
});

test('nor is one in which a directory or a file of the same file system is mounted', async ({ skip }) => {
  await withMount(skip, async (served) => {
    mkdirSync(join(served.root, 'kept here'));
    writeFileSync(join(served.root, 'kept here/k'), 'k');
    for (const [from, to] of [
      ['kept here', 'd/sub'],
      ['a.txt', 'd/x.txt'],
    ] as const) {
      const place = join(served.root, to);
      execFileSync('mount', ['--bind', join(served.root, from), place]);
      try {
        const before = paths(served);
        expect(await served.status('DELETE', '/d/')).toBe(403);
        expect(await served.status('COPY', '/kept%20here/', { destination: '/d/' })).toBe(403);
        expect(paths(served)).toEqual(before);
        expect(served.read('kept here/k')).toBe('k');
      } finally {
        execFileSync('umount', ['--lazy', place]);
      }
    }
    expect(await served.status('DELETE', '/d/')).toBe(204);
  });
});

test('MOVE between file systems takes nothing away that was locked meanwhile', async ({ skip }) => {
  await withMount(skip, async (served) => {
    for (let index = 0; index < 200; index++) writeFileSync(join(served.root, `d/sub/${index}`), '');
    const moved = served.status('MOVE', '/d/', { destination: '/mount/d/' });
    const work = join(served.root, 'mount/.onezero-webdav');
    while (!existsSync(work) || readdirSync(work).length === 0) await turned();
    const token = await served.lock('/d/sub/y.txt');
    expect(await moved).toBe(423);
    expect(await served.status('PUT', '/d/sub/y.txt', { if: `(<${token}>)` }, 'mine')).toBe(204);
  });
});
