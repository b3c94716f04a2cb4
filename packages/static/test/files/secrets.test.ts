// Files and directories that no request may have, whatever name leads to them.

import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turned } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serveStatic, type StaticOptions } from '../../src/index.ts';
import { makeSite, type Site, writeTree } from '../site.ts';

let site: Site;

beforeEach(() => {
  site = makeSite();
  writeTree(site.root, {
    users: 'SECRET hash',
    'users.gz': 'SECRET coded',
    'cgi-bin/id.sh': 'SECRET source',
    'cgi-bin/deep/more.sh': 'SECRET source',
    'page.txt': 'page',
    'app/run.py': 'SECRET source',
  });
  symlinkSync('users', join(site.root, 'alias'));
  symlinkSync('cgi-bin', join(site.root, 'scripts'));
  symlinkSync('cgi-bin/id.sh', join(site.root, 'id.txt'));
  linkSync(join(site.root, 'users'), join(site.root, 'hard.txt'));
  linkSync(join(site.root, 'cgi-bin/deep/more.sh'), join(site.root, 'more.txt'));
  linkSync(join(site.root, 'page.txt'), join(site.root, 'second.txt'));
  symlinkSync('www', join(site.top, 'current'));
});

afterEach(() => site.remove());

async function statusesOf(root: string, options: StaticOptions, paths: readonly string[]): Promise<readonly number[]> {
  const respond = serveStatic(root, options);
  const ask = async (pathInfo: string, method: string) => (await respond({ method, pathInfo, fields: [] })).status;
  return Promise.all(paths.flatMap((path) => [ask(path, 'GET'), ask(path, 'HEAD')]));
}

test.each(['www', 'current'])('are missing by every name: root %s', async (root) => {
  const deny = [join(site.root, 'users'), join(site.top, 'current/cgi-bin')];
  const paths = [
    '/users',
    '/users.gz',
    '/alias',
    '/hard.txt',
    '/more.txt',
    '/cgi-bin/id.sh',
    '/scripts/id.sh',
    '/id.txt',
    '/cgi-bin/deep/more.sh',
  ];
  const more = ['/cgi-bin/', '/scripts/', '/cgi-bin/deep/'];
  for (const symlinks of ['inside', 'all'] as const) {
    const options = { deny, symlinks, listing: true };
    expect(new Set(await statusesOf(join(site.top, root), options, [...paths, ...more]))).toEqual(new Set([404]));
    expect(await statusesOf(join(site.top, root), options, ['/page.txt', '/second.txt'])).toEqual([200, 200, 200, 200]);
  }
});

test('are those that the paths lead to now, and those that are still to come', async () => {
  const deny = [join(site.root, 'log'), join(site.root, 'users'), join(site.top, 'later/key')];
  const respond = serveStatic(site.root, { deny });
  const ask = async (pathInfo: string) => {
    await turned();
    return (await respond({ method: 'GET', pathInfo, fields: [] })).status;
  };
  expect(await ask('/log')).toBe(404);
  writeFileSync(join(site.root, 'log'), 'SECRET');
  expect(await ask('/log')).toBe(404);
  linkSync(join(site.root, 'log'), join(site.root, 'log.txt'));
  expect(await ask('/log.txt')).toBe(404);
  writeFileSync(join(site.root, 'users.new'), 'SECRET');
  renameSync(join(site.root, 'users.new'), join(site.root, 'users'));
  linkSync(join(site.root, 'users'), join(site.root, 'users.txt'));
  expect([await ask('/users'), await ask('/alias'), await ask('/users.txt')]).toEqual([404, 404, 404]);
  mkdirSync(join(site.top, 'later'));
  rmSync(join(site.root, 'page.txt'));
  linkSync(join(site.root, 'a.txt'), join(site.top, 'later/key'));
  expect([await ask('/a.txt'), await ask('/b.txt')]).toEqual([404, 200]);
});

test('stand in no listing, nor do the links to them', async () => {
  const deny = [join(site.root, 'users'), join(site.top, 'current/cgi-bin')];
  const isSource = (path: string): boolean => path.endsWith('.py');
  const root = join(site.top, 'current');
  const namesIn = async (pathInfo: string, options: StaticOptions): Promise<readonly string[]> => {
    const respond = serveStatic(root, { listing: true, ...options });
    const fields = [['accept', 'application/json']] as const;
    const { content } = await respond({ method: 'GET', pathInfo, fields });
    const chunks: Uint8Array[] = [];
    if (content instanceof Uint8Array) chunks.push(content);
    else for await (const chunk of content ?? []) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString()).entries.map(({ name }: { name: string }) => name);
  };
  // A hard link shows only once it is open, and its request is refused.
  const all = await namesIn('/', {});
  const left = await namesIn('/', { deny, isSource });
  expect(all.filter((name) => !left.includes(name))).toEqual([
    'cgi-bin',
    'scripts',
    'alias',
    'id.txt',
    'users',
    'users.gz',
  ]);
  expect([await namesIn('/app/', {}), await namesIn('/app/', { deny, isSource })]).toEqual([['run.py'], []]);
});

test('can be known for sources by a hook, under the name asked for and the real one', async () => {
  symlinkSync('app/run.py', join(site.root, 'notes.txt'));
  writeFileSync(join(site.root, 'app/run.py.gz'), 'SECRET');
  const isSource = (path: string): boolean => path.toLowerCase().endsWith('.py');
  const statuses = await statusesOf(site.root, { isSource }, ['/app/run.py', '/notes.txt', '/app/run.py.gz']);
  expect(new Set(statuses)).toEqual(new Set([404]));
  expect(await statusesOf(site.root, { isSource }, ['/page.txt'])).toEqual([200, 200]);
});

test('are not written into either', async () => {
  const respond = serveStatic(site.root, { deny: [join(site.root, 'cgi-bin')], writable: true });
  const put = { method: 'PUT', fields: [], content: (async function* () {})() };
  expect((await respond({ ...put, pathInfo: '/cgi-bin/new.sh' })).status).toBe(404);
  expect((await respond({ ...put, pathInfo: '/scripts/new.sh' })).status).toBe(404);
});

test('are not written or removed by any name, nor made', async () => {
  const isSource = (path: string): boolean => path.endsWith('.py');
  const deny = [join(site.root, 'users'), join(site.top, 'current/later'), join(site.root, 'cgi-bin')];
  for (const root of [site.root, join(site.top, 'current')]) {
    const respond = serveStatic(root, { deny, isSource, writable: true });
    const statusOf = async (method: string, pathInfo: string): Promise<number> => {
      const content = (async function* () {
        yield Buffer.from('evil');
      })();
      return (await respond({ method, pathInfo, fields: [], content })).status;
    };
    for (const path of ['/users', '/hard.txt', '/more.txt', '/later', '/app/run.py', '/app/new.py', '/cgi-bin']) {
      expect([path, await statusOf('PUT', path), await statusOf('DELETE', path)]).toEqual([path, 404, 404]);
    }
    expect([await statusOf('PUT', '/app/n.txt'), await statusOf('DELETE', '/app/n.txt')]).toEqual([201, 204]);
  }
  const read = (name: string): string => readFileSync(join(site.root, name), 'utf8');
  expect([read('users'), read('hard.txt'), read('app/run.py')]).toEqual([
    'SECRET hash',
    'SECRET hash',
    'SECRET source',
  ]);
  expect(readdirSync(join(site.root, 'app'))).toEqual(['run.py']);
});
