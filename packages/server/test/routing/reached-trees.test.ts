// Rules for a part of a tree hold for requests that reach it from outside.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createServer, type Server, type ServerOptions } from '../../src/index.ts';

let root: string;
let server: Server | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'onezero-trees-'));
  for (const [name, text] of [
    ['open/a.txt', 'open'],
    ['team/t.txt', 'team'],
    ['team/bob/b.txt', 'of bob'],
  ] as const) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  }
});

afterEach(async () => {
  await server?.close({ graceMs: 0 });
  rmSync(root, { recursive: true, force: true });
});

const hash = `{SHA}${createHash('sha1').update('x').digest('base64')}`;
const bob = { bob: hash };
const both = { ann: hash, bob: hash };

type Ask = (method: string, path: string, user?: string, headers?: Record<string, string>) => Promise<Response>;

async function start(options: ServerOptions): Promise<Ask> {
  server = createServer({ reportErrors: false, ...options });
  const [address] = await server.listen({ port: 0, host: '127.0.0.1' });
  const url = address?.url ?? '';
  return async (method, path, user, headers = {}) => {
    const authorization = user && `Basic ${Buffer.from(`${user}:x`).toString('base64')}`;
    const { destination } = headers;
    const all = {
      ...headers,
      ...(authorization && { authorization }),
      ...(destination && { destination: url + destination }),
    };
    return fetch(url + path, { method, headers: all });
  };
}

test('an archive of what is around a guarded folder asks for its password', async () => {
  const ask = await start({
    root,
    base: '/b%C3%A4se',
    static: { listing: { archives: true } },
    auth: [{ path: '/team/bob', users: bob }],
  });
  for (const path of ['/?format=tar', '/team/?format=zip', '/team/?%66ormat=tar']) {
    const refused = await ask('GET', `/b%C3%A4se${path}`);
    expect([path, refused.status, refused.headers.get('www-authenticate')]).toEqual([
      path,
      401,
      'Basic realm="onezero", charset="UTF-8"',
    ]);
    const given = await ask('GET', `/b%C3%A4se${path}`, 'bob');
    expect(given.status).toBe(200);
    await given.arrayBuffer();
  }
  expect((await ask('GET', '/b%C3%A4se/open/?format=tar')).status).toBe(200);
  expect((await ask('GET', '/b%C3%A4se/team/')).status).toBe(200);
});

test('a guarded page asks for its password by each of its names', async () => {
  for (const name of [
    'page.html',
    'page.html.br',
    'plan.html',
    'data.json',
    'data.json.gz',
    'page2.html',
    'team/index.html',
  ])
    writeFileSync(join(root, name), name);
  const rules = ['/page', '/plan.html', '/data.json', '/team/index.html'];
  const ask = await start({
    root,
    static: { cleanUrls: 'lookup' },
    auth: rules.map((path) => ({ path, users: bob })),
  });
  const guarded = [
    '/page',
    '/page.html',
    '/page.html.br',
    '/plan',
    '/plan.html',
    '/data.json',
    '/data.json.gz',
    '/team/',
  ];
  for (const path of [...guarded, '//page.html']) {
    const answers = [await ask('GET', path), await ask('HEAD', path), await ask('GET', path, 'bob')];
    expect([path, ...answers.map(({ status }) => status)]).toEqual([path, 401, 401, 200]);
  }
  for (const path of ['/page2', '/page2.html', '/team/t.txt', '/open/a.txt']) {
    const { status } = await ask('GET', path);
    expect([path, status]).toEqual([path, 200]);
  }
});

test.each([
  ['COPY', '/dav/open/a.txt', '/dav/team/bob/b.txt'],
  ['COPY', '/dav/open/a.txt', '/dav/team/bob/new.txt'],
  ['COPY', '/dav/open/a.txt', '/dav//team/./%62ob/b.txt?x'],
  ['MOVE', '/dav/open/a.txt', '/dav/team/bob/b.txt'],
  ['COPY', '/dav/open/', '/dav/team/'],
  ['COPY', '/dav/team/', '/dav/copy/'],
  ['MOVE', '/dav/team/', '/dav/moved/'],
  ['DELETE', '/dav/team/', undefined],
  ['LOCK', '/dav/team/', undefined],
  ['GET', '/dav/team/?format=tar', undefined],
])('%s %s to %s asks for the password of what it reaches', async (method, path, destination) => {
  const ask = await start({
    webdav: { root, path: '/dav', fsync: false, files: { listing: { archives: true } } },
    auth: [
      { path: '/dav', users: both },
      { path: '/dav/team/bob', users: bob },
    ],
  });
  const headers = destination === undefined ? {} : { destination };
  expect((await ask(method, path, 'ann', headers)).status).toBe(401);
  expect(readFileSync(join(root, 'team/bob/b.txt'), 'utf8')).toBe('of bob');
  expect(['open/a.txt', 'team/t.txt', 'copy', 'team/bob/new.txt'].map((name) => existsSync(join(root, name)))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  const given = await ask(method, path, 'bob', headers);
  expect(given.status).not.toBe(401);
  await given.arrayBuffer();
});

test('what reaches no other rule is asked for no other password', async () => {
  const ask = await start({
    webdav: { root, path: '/dav', fsync: false },
    auth: [
      { path: '/dav', users: both },
      { path: '/dav/team/bob', users: bob },
    ],
  });
  expect((await ask('COPY', '/dav/team/t.txt', 'ann', { destination: '/dav/open/t.txt' })).status).toBe(201);
  expect((await ask('COPY', '/dav/team/', 'ann', { destination: '/dav/empty/', depth: '0' })).status).toBe(201);
  expect((await ask('MOVE', '/dav/open/', 'ann', { destination: '/dav/team/open/' })).status).toBe(201);
  expect((await ask('DELETE', '/dav/team/open/', 'ann')).status).toBe(204);
  expect((await ask('COPY', '/dav/team/t.txt', 'ann')).status).toBe(400);
});

test('a lock at the other end is the user’s who is let in there', async () => {
  const ask = await start({
    webdav: { root, path: '/dav', fsync: false },
    auth: [{ path: '/dav/team', users: both }],
  });
  const url = server?.addresses[0]?.url ?? '';
  const authorization = `Basic ${Buffer.from('ann:x').toString('base64')}`;
  const body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';
  const lock = await fetch(`${url}/dav/team/t.txt`, { method: 'LOCK', headers: { authorization, depth: '0' }, body });
  const token = lock.headers.get('lock-token') ?? '';
  const condition = `</dav/team/t.txt> (${token})`;
  const headers = { destination: '/dav/team/t.txt', if: condition };
  expect((await ask('COPY', '/dav/open/a.txt', 'bob', headers)).status).toBe(423);
  expect((await ask('COPY', '/dav/open/a.txt', 'ann', headers)).status).toBe(204);
});
