// The handlers for node:http and fetch beside what others put around them.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { webdav as fetchHandler } from '../src/fetch.ts';
import { webdav } from '../src/node.ts';
import { asking, lockInfo, makeFolder, setting } from './served.ts';

let root: string;
let server: Server | undefined;

beforeEach(() => {
  root = makeFolder({ 'a.txt': 'a', 'd/b.txt': 'b', 'large.txt': 'a line of text\n'.repeat(200_000) });
});

afterEach(async () => {
  const closed = new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  await closed;
  server = undefined;
  rmSync(root, { recursive: true, force: true });
});

async function listening(one: Server): Promise<string> {
  server = one;
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(one.address() as AddressInfo).port}`;
}

const start = (listener: RequestListener): Promise<string> => listening(createServer({ keepAlive: false }, listener));

const ask = (url: string, method: string, body?: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method, headers: { connection: 'close', ...headers }, ...(body === undefined ? {} : { body }) });

const read = (name: string): string => readFileSync(join(root, name), 'utf8');

test.each([
  ['PUT', 'new'],
  ['PROPPATCH', setting('<t:p/>')],
  ['PROPFIND', asking('<t:p/>')],
  ['LOCK', lockInfo()],
])('%s of a content that was read before is an error, and changes nothing', async (method, body) => {
  const handler = webdav({ root, fsync: false });
  const errors: unknown[] = [];
  const parsed = async (request: IncomingMessage, response: ServerResponse, hasNext: boolean): Promise<void> => {
    for await (const chunk of request) void chunk;
    if (!hasNext) return handler(request, response);
    return handler(request, response, (error) => {
      errors.push(error);
      response.writeHead(599).end();
    });
  };
  const url = await start((request, response) => void parsed(request, response, request.url === '/d/b.txt'));
  expect((await ask(`${url}/d/b.txt`, method, body)).status).toBe(599);
  expect(String(errors[0])).toMatch(/was read before/);
  expect((await ask(`${url}/a.txt`, method, body)).status).toBe(500);
  expect([read('a.txt'), read('d/b.txt')]).toEqual(['a', 'b']);
  // Without content, nothing was lost.
  expect((await ask(`${url}/a.txt`, 'PROPFIND', undefined, { depth: '0' })).status).toBe(207);
});

test('content goes out through a response whose write passes no callback on', async () => {
  const handler = webdav({ root, fsync: false });
  const url = await start((request, response) => {
    // As `compression()` does it; what it was given is used later.
    const write = response.write.bind(response) as (chunk: unknown) => boolean;
    const end = response.end.bind(response) as (chunk?: unknown) => ServerResponse;
    response.write = ((chunk: Uint8Array) => {
      setImmediate(() => {
        write(chunk);
        response.emit('drain');
      });
      return false;
    }) as ServerResponse['write'];
    response.end = ((chunk?: unknown) => {
      setImmediate(() => end(chunk));
      return response;
    }) as ServerResponse['end'];
    handler(request, response);
  });
  const listed = await ask(`${url}/`, 'PROPFIND', undefined, { depth: '1' });
  expect(await listed.text()).toContain('<D:href>/a.txt</D:href>');
  expect(await (await ask(`${url}/large.txt`, 'GET')).text()).toBe(read('large.txt'));
});

test('an answer that somebody else has begun meanwhile is left alone', async () => {
  const handler = webdav({ root, fsync: false });
  const large = Buffer.alloc(20_000_000);
  const url = await start((request, response) => {
    handler(request, response);
    response.end(large);
  });
  for (const path of ['/large.txt', '/none.txt', '/d/'])
    expect((await (await ask(`${url}${path}`, 'GET')).arrayBuffer()).byteLength).toBe(large.length);
});

test('content of a Request counts without the length of it', async () => {
  const files = fetchHandler({ root, fsync: false });
  const lock = await files(new Request('http://site/new.txt', { method: 'LOCK', body: lockInfo() }));
  expect([lock.status, existsSync(join(root, 'new.txt'))]).toEqual([201, true]);
  const init = { method: 'PROPFIND', headers: { depth: '0' }, body: asking('<t:p/>') };
  const found = await files(new Request('http://site/a.txt', init));
  expect(await found.text()).not.toContain('getetag');
});

test('content that HTTP/2 does not announce counts', async () => {
  const url = await listening(createHttp2Server(webdav({ root, fsync: false }) as never));
  const session = connect(url);
  const stream = session.request({ ':method': 'LOCK', ':path': '/new.txt' });
  stream.end(lockInfo());
  const status = await new Promise((resolve) => stream.on('response', (head) => resolve(head[':status'])));
  expect(status).toBe(201);
  session.destroy();
});

test('handlers behind are asked once, also where they throw', async () => {
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
  const asked: unknown[] = [];
  const handler = webdav({ root, path: '/dav' });
  const url = await start((request, response) =>
    handler(request, response, (error) => {
      asked.push(error);
      response.end('mine');
      throw new Error('of the handler behind');
    }),
  );
  expect(await (await ask(`${url}/elsewhere`, 'GET')).text()).toBe('mine');
  expect(await thrown).toMatchObject({ message: 'of the handler behind' });
  expect(asked).toEqual([undefined]);
});

test('a router that takes its mount off the front of url need not be told of in options', async () => {
  const handler = webdav({ root, fsync: false });
  const url = await start((request, response) => {
    // As Connect and Express do it for `app.use('/m\u00fcll', handler)`.
    const { url = '' } = request;
    const mount = '/m%C3%BCll';
    const rest = url.slice(mount.length);
    handler(Object.assign(request, { originalUrl: url, url: rest.startsWith('/') ? rest : `/${rest}` }), response);
  });
  const at = `${url}/m%C3%BCll`;
  expect((await ask(`${at}/new.txt`, 'PUT', 'new')).status).toBe(201);
  expect(read('new.txt')).toBe('new');
  for (const asked of [at, `${at}/`]) {
    const listing = await (await ask(asked, 'PROPFIND', undefined, { depth: '1' })).text();
    const hrefs = [...listing.matchAll(/<D:href>([^<]*)/g)].map(([, href]) => href);
    expect(hrefs.toSorted((a = '', b = '') => (a < b ? -1 : 1))).toEqual(
      ['', 'a.txt', 'd/', 'large.txt', 'new.txt'].map((name) => `/m%C3%BCll/${name}`),
    );
  }
  const moved = await ask(`${at}/new.txt`, 'MOVE', undefined, { destination: `${at}/d/moved.txt` });
  expect([moved.status, read('d/moved.txt')]).toEqual([201, 'new']);
});

test('a path that leads out of the mount of a router is refused', async () => {
  const handler = webdav({ root, fsync: false });
  const url = await start((request, response) => {
    handler(Object.assign(request, { originalUrl: '/dav/../a.txt', url: '/../a.txt' }), response);
  });
  expect((await ask(url, 'GET')).status).toBe(400);
});
