import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveStatic } from '../src/fetch.ts';
import { makeSite, type Site } from './site.ts';

let site: Site;

beforeAll(() => {
  site = makeSite();
  writeFileSync(join(site.root, 'large.bin'), Buffer.alloc(3_000_000, 'x'));
});

afterAll(() => site.remove());

const ask = (handler: (request: Request) => Promise<Response>, path: string, init?: RequestInit): Promise<Response> =>
  handler(new Request(`http://site${path}`, init));

describe('serveStatic as a fetch handler', () => {
  test('answers with files, parts, conditions and types', async () => {
    const files = serveStatic(site.root);
    const whole = await ask(files, '/a.txt');
    expect([whole.status, await whole.text(), whole.headers.get('content-type')]).toEqual([
      200,
      '0123456789',
      'text/plain; charset=utf-8',
    ]);
    const part = await ask(files, '/a.txt', { headers: { range: 'bytes=2-4' } });
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '234', 'bytes 2-4/10']);
    const etag = whole.headers.get('etag') ?? '';
    expect((await ask(files, '/a.txt', { headers: { 'if-none-match': etag } })).status).toBe(304);
    const head = await ask(files, '/a.txt', { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['10', '']);
    expect((await ask(files, '/a.txt', { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });

  test.each([
    ['/%2e%2e/secret.txt', 404],
    ['/..%2fsecret.txt', 400],
    ['/sub/..%2f..%2fsecret.txt', 400],
    ['/a.txt%00', 400],
    ['/%ff', 400],
    ['/.env', 404],
    ['/link-out', 404],
  ])('%s is %i', async (path, status) => {
    const response = await ask(serveStatic(site.root), path);
    expect([response.status, response.headers.get('x-content-type-options')]).toEqual([status, 'nosniff']);
    expect(await response.text()).not.toContain('SECRET');
  });

  test('writes where that is on', async () => {
    const files = serveStatic(site.root, { writable: true });
    expect((await ask(files, '/up.txt', { method: 'PUT', body: 'up' })).status).toBe(201);
    expect(await (await ask(files, '/up.txt')).text()).toBe('up');
    expect((await ask(files, '/up.txt', { method: 'DELETE' })).status).toBe(204);
  });

  test.each([
    [
      'throws',
      (): void => {
        throw new Error('of the hook');
      },
    ],
    ['rejects', async (): Promise<void> => Promise.reject(new Error('of the hook'))],
  ])('answers where onError %s', async (_, onError) => {
    const files = serveStatic(site.root, { writable: true, onError });
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('broke off')) });
    const response = await ask(files, '/broken.txt', { method: 'PUT', body, duplex: 'half' });
    expect(response.status).toBe(500);
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('bytes handed out are not those remembered', async () => {
    const files = serveStatic(site.root);
    await ask(files, '/b.txt');
    const buffer = await (await ask(files, '/b.txt')).arrayBuffer();
    new Uint8Array(buffer).fill(0);
    expect(await (await ask(files, '/b.txt')).text()).toBe('abcdefghij');
  });

  test.runIf(process.platform === 'linux')('a large file streams, and is closed when cancelled', async () => {
    const files = serveStatic(site.root);
    const open = () =>
      readdirSync('/proc/self/fd').filter((name) => {
        try {
          return readlinkSync(`/proc/self/fd/${name}`).startsWith(site.root);
        } catch {
          return false; // the descriptor of the reading itself
        }
      }).length;
    expect((await (await ask(files, '/large.bin')).arrayBuffer()).byteLength).toBe(3_000_000);
    const begun = await ask(files, '/large.bin');
    const reader = begun.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await (await ask(files, '/large.bin')).body?.cancel();
    while (open() > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('in Hono', () => {
  test('serves below a mount', async () => {
    const application = new Hono();
    const files = serveStatic(site.root, { path: '/assets' });
    application.get('/assets/*', (context) => files(context.req.raw));
    expect(await (await application.request('/assets/a.txt')).text()).toBe('0123456789');
    expect((await application.request('/assets/sub?x=1')).headers.get('location')).toBe('/assets/sub/?x=1');
    expect((await application.request('/assets/none')).status).toBe(404);
    expect((await application.request('/assets/..%2f..%2fsecret.txt')).status).toBe(400);
  });
});

describe('as middleware of Hono', () => {
  test('answers what it has and leaves the rest to others', async () => {
    const site = makeSite();
    try {
      writeFileSync(join(site.root, 'own.txt'), 'own');
      const app = new Hono();
      app.use('/files/*', serveStatic(site.root, { path: '/files' }));
      app.post('/files/own.txt', (context) => context.text('posted'));
      app.get('/files/*', (context) => context.text('later', 404));
      const textOf = async (path: string, init?: RequestInit): Promise<string> =>
        (await app.request(path, init)).text();
      expect(await textOf('/files/own.txt')).toBe('own');
      expect(await textOf('/files/none.txt')).toBe('later');
      expect(await textOf('/files/own.txt', { method: 'POST' })).toBe('posted');
    } finally {
      site.remove();
    }
  });
});
