// A folder over WebDAV as a part of a server: who may reach it, and what it must not touch.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createServer, type Server, type ServerOptions } from '../src/index.ts';

let root: string;
let server: Server | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'onezero-drive-'));
});

afterEach(async () => {
  await server?.close({ graceMs: 0 });
  rmSync(root, { recursive: true, force: true });
});

async function start(options: ServerOptions): Promise<string> {
  server = createServer({ reportErrors: false, ...options });
  const [address] = await server.listen({ port: 0, host: '127.0.0.1' });
  return address?.url ?? '';
}

const users = { ada: `{SHA}${createHash('sha1').update('countess').digest('base64')}` };
const credentials = `Basic ${Buffer.from('ada:countess').toString('base64')}`;

test('a folder that nobody guards is for this machine alone', async () => {
  const open = createServer({ webdav: root });
  await expect(open.listen({ port: 0, host: '0.0.0.0' })).rejects.toThrow(/^webdav: .* add auth, or listen/);
  expect(open.addresses).toEqual([]);
  await open.listen({ port: 0, host: '127.0.0.1' });
  await open.listen({ socket: join(root, 'socket') });
  await open.close();
});

test.each([
  [{ users }, true],
  [{ path: '/dav', users }, true],
  [{ path: '/dav/below', users }, false],
  [{ path: '/other', users }, false],
  [{ path: '/dav', methods: ['PUT', 'DELETE'], users }, false],
  [{ path: '/dav', methods: ['PUT', 'DELETE', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK'], users }, true],
])('a rule for %j guards it: %s', async (rule, guards) => {
  const one = createServer({ webdav: { root, path: '/dav' }, auth: [rule], reportErrors: false });
  const listening = one.listen({ port: 0, host: '0.0.0.0' });
  if (guards) await expect(listening).resolves.toHaveLength(1);
  else await expect(listening).rejects.toThrow('webdav');
  await one.close();
});

test('a reload cannot open what other machines reach', async () => {
  server = createServer({});
  await server.listen({ port: 0, host: '0.0.0.0' });
  await expect(server.reload({ webdav: root })).rejects.toThrow('webdav');
});

test('is locked for each user', async () => {
  const url = await start({ webdav: root, auth: [{ users: { ...users, bob: users.ada } }] });
  const as = (name: string): string => `Basic ${Buffer.from(`${name}:countess`).toString('base64')}`;
  const lock = await fetch(`${url}/a.txt`, {
    method: 'LOCK',
    headers: { authorization: credentials },
    body: '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>',
  });
  const token = lock.headers.get('lock-token') ?? '';
  const put = async (name: string): Promise<number> =>
    (await fetch(`${url}/a.txt`, { method: 'PUT', headers: { authorization: as(name), if: `(${token})` }, body: 'x' }))
      .status;
  expect([lock.status, await put('bob'), await put('ada')]).toEqual([201, 423, 204]);
  expect((await fetch(url, { method: 'PROPFIND' })).status).toBe(401);
});

test('neither shows, takes nor makes what is secret or run', async () => {
  mkdirSync(join(root, 'cgi-bin'));
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'cgi-bin/run.cgi'), '#!/bin/sh\n');
  writeFileSync(join(root, 'd/page.sh'), 'secret');
  writeFileSync(join(root, 'd/a.txt'), 'a');
  writeFileSync(join(root, 'users'), `ada:${users.ada}`);
  const url = await start({
    webdav: root,
    cgi: [
      { path: '/cgi-bin', directory: join(root, 'cgi-bin') },
      { extensions: { '.sh': '/bin/sh' }, root },
    ],
    auth: [{ path: '/elsewhere', users: { file: join(root, 'users') } }],
  });
  const ask = async (method: string, path: string, destination?: string): Promise<number> =>
    (
      await fetch(url + path, {
        method,
        headers: { depth: 'infinity', ...(destination !== undefined && { destination: url + destination }) },
      })
    ).status;
  expect(await (await fetch(`${url}/d/`, { method: 'PROPFIND', headers: { depth: '1' } })).text()).not.toContain(
    'page.sh',
  );
  expect(await ask('MOVE', '/d/a.txt', '/d/evil.sh')).toBe(404);
  expect(await ask('COPY', '/d/a.txt', '/d/evil.sh')).toBe(404);
  expect(await ask('COPY', '/d/a.txt', '/cgi-bin/evil.cgi')).toBe(409);
  expect(await ask('MKCOL', '/d/evil.sh')).toBeGreaterThanOrEqual(403);
  expect(await ask('MOVE', '/d/a.txt', '/users')).toBe(403);
  expect(await ask('DELETE', '/users')).toBe(403);
  expect(await ask('DELETE', '/d/')).toBe(403);
  expect(await ask('MOVE', '/d/', '/e/')).toBe(403);
  expect([existsSync(join(root, 'd/evil.sh')), existsSync(join(root, 'cgi-bin/evil.cgi'))]).toEqual([false, false]);
  expect(readFileSync(join(root, 'd/page.sh'), 'utf8')).toBe('secret');
});

test.each(['MOVE', 'COPY'])('nor does a tree bring what would be run to where it is run, by %s', async (method) => {
  mkdirSync(join(root, 'public'));
  mkdirSync(join(root, 'stuff/in'), { recursive: true });
  writeFileSync(join(root, 'stuff/in/page.sh'), 'text');
  const url = await start({ webdav: root, cgi: { extensions: { '.sh': '/bin/sh' }, root: join(root, 'public') } });
  for (const path of ['/stuff/', '/stuff/in/']) {
    const headers = { destination: `${url}/public/new/` };
    expect((await fetch(url + path, { method, headers })).status).toBe(403);
  }
  expect(existsSync(join(root, 'public/new'))).toBe(false);
  const { status } = await fetch(`${url}/stuff/`, { method, headers: { destination: `${url}/other/` } });
  expect([status, existsSync(join(root, 'other/in/page.sh'))]).toEqual([201, true]);
});

test('pages of other sites change nothing', async () => {
  const url = await start({ webdav: root });
  const answer = await fetch(`${url}/a`, { method: 'MKCOL', headers: { origin: 'http://evil.example' } });
  expect([answer.status, existsSync(join(root, 'a'))]).toEqual([403, false]);
});
