import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type NodeStaticOptions, serveStatic } from '../src/node.ts';
import { fromFamiliarNames } from '../src/options/node-options.ts';
import { exchange, exchangeBytes, makeSite, parseResponse, type Site } from './site.ts';

let site: Site;
const servers: Server[] = [];

beforeAll(() => {
  site = makeSite();
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

afterAll(() => site.remove());

async function listen(handler: RequestListener): Promise<number> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('in node:http', () => {
  test('renders the smallest page for a bare status', async () => {
    const port = await listen(serveStatic(site.root));
    const response = await exchange(port, '/none.txt');
    expect([response.status, response.content.toString()]).toEqual([404, '404 Not Found\n']);
    expect(response.field('content-security-policy')).toBe("default-src 'none'");
    expect(response.field('x-content-type-options')).toBe('nosniff');
    expect(response.bytes.includes(site.root)).toBe(false);
  });

  test('keeps the connection for the next request, also after HEAD, 304 and errors', async () => {
    const port = await listen(serveStatic(site.root));
    const requests = ['HEAD /a.txt', 'GET /none.txt', 'GET /a.txt'].map(
      (line) => `${line} HTTP/1.1\r\nHost: a\r\n\r\n`,
    );
    const bytes = await exchangeBytes(
      port,
      `${requests.join('')}GET /b.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(bytes.toString().match(/HTTP\/1\.1 \d+/g)).toEqual(
      ['200', '404', '200', '200'].map((one) => `HTTP/1.1 ${one}`),
    );
    expect(bytes.toString().endsWith('abcdefghij')).toBe(true);
  });

  test('takes PUT and DELETE where writing is on', async () => {
    const port = await listen(serveStatic(site.root, { writable: { maxFileBytes: 10 } }));
    expect((await exchange(port, '/up.txt', { method: 'PUT', content: 'up' })).status).toBe(201);
    expect((await exchange(port, '/up.txt')).content.toString()).toBe('up');
    expect((await exchange(port, '/up.txt', { method: 'PUT', content: 'much too long' })).status).toBe(413);
    const chunks = '8\r\n12345678\r\n'.repeat(3);
    const chunked = `PUT /up.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`;
    expect(parseResponse(await exchangeBytes(port, chunked), 'PUT').status).toBe(413);
    expect((await exchange(port, '/up.txt')).content.toString()).toBe('up');
    expect((await exchange(port, '/up.txt', { method: 'DELETE' })).status).toBe(204);
  });

  test('streams what is coded on the way, chunked to 1.1 and not to 1.0', async () => {
    const port = await listen(serveStatic(site.root, { maxCachedFileBytes: 10 }));
    for (const version of ['1.1', '1.0']) {
      const response = await exchange(port, '/made.js', { version, fields: { 'Accept-Encoding': 'gzip' } });
      expect(response.field('transfer-encoding')).toBe(version === '1.1' ? 'chunked' : undefined);
      expect(response.field('content-encoding')).toBe('gzip');
      expect(response.content.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    }
  });
});

describe('in Express 5', () => {
  async function app(options: NodeStaticOptions = {}): Promise<number> {
    const application = express();
    application.use('/files', serveStatic(site.root, options));
    application.get('/files/none.txt', (_request, response) => void response.end('from the next handler'));
    return listen(application);
  }

  test('serves below its mount and passes on what it has not', async () => {
    const port = await app();
    expect((await exchange(port, '/files/a.txt')).content.toString()).toBe('0123456789');
    expect((await exchange(port, '/files/none.txt')).content.toString()).toBe('from the next handler');
    expect((await exchange(port, '/a.txt')).status).toBe(404);
  });

  test('redirects with the mount, and the mount itself', async () => {
    const port = await app({ listing: true });
    expect((await exchange(port, '/files/sub?x=1')).field('location')).toBe('/files/sub/?x=1');
    expect((await exchange(port, '/files?x=1')).field('location')).toBe('/files/?x=1');
    expect((await exchange(port, '/files/')).status).toBe(200);
  });

  test.each([
    '/files/..%2fsecret.txt',
    '/files/%2e%2e/%2e%2e/secret.txt',
    '/files/../../secret.txt',
    '/files/a.txt%00',
  ])('refuses %s', async (target) => {
    expect((await exchange(await app(), target)).status).toBeGreaterThanOrEqual(400);
  });

  test('ends 404 and 405 itself without fallthrough', async () => {
    const port = await app({ fallthrough: false });
    expect((await exchange(port, '/files/none.txt')).content.toString()).toBe('404 Not Found\n');
    expect((await exchange(port, '/files/a.txt', { method: 'POST' })).field('allow')).toBe('GET, HEAD, OPTIONS');
  });
});

describe('a handler after it that throws', () => {
  test('throws outside of promises', async () => {
    const thrown: unknown[] = [];
    const handler = serveStatic(site.root);
    const port = await listen((request, response) =>
      handler(request, response, () => {
        thrown.push('next was called');
        response.end('next');
      }),
    );
    expect((await exchange(port, '/none.txt')).content.toString()).toBe('next');
    expect(thrown).toEqual(['next was called']);
  });
});

describe('familiar names', () => {
  test.each([
    [{ dotfiles: 'ignore' }, { dotfiles: 'deny' }],
    [{ dotfiles: true }, { dotfiles: 'allow' }],
    [{ etag: true }, { etag: 'strong' }],
    [{ index: 'home.html' }, { index: ['home.html'] }],
    [{ extensions: ['html', 'htm'] }, { extensions: ['html', 'htm'], cleanUrls: 'lookup' }],
    [{ extensions: false }, { cleanUrls: undefined }],
    [{ maxAge: 1500 }, { maxAgeSeconds: 1 }],
    [{ maxAge: '1d' }, { maxAgeSeconds: 86_400 }],
    [{ maxAge: '2 h', maxAgeSeconds: 5 }, { maxAgeSeconds: 5 }],
    [
      { maxAge: '1y', immutable: true },
      { cacheControl: [{ glob: '**', value: 'public, max-age=31536000, immutable' }] },
    ],
    [{ maxAge: Number.POSITIVE_INFINITY }, { maxAgeSeconds: 31_536_000 }],
    [{ maxAge: '1.5 hours' }, { maxAgeSeconds: 5400 }],
    [{ maxAge: '2 mins' }, { maxAgeSeconds: 120 }],
    [{ maxAge: '10 Days' }, { maxAgeSeconds: 864_000 }],
    [{ maxAge: '90000 milliseconds' }, { maxAgeSeconds: 90 }],
    [{ maxAge: '30sec' }, { maxAgeSeconds: 30 }],
    [{ maxAge: 1e300 }, { maxAgeSeconds: 31_536_000 }],
    [{ cacheControl: false }, { cacheControl: [{ glob: '**', value: '' }] }],
    [{ cacheControl: true }, { cacheControl: [] }],
    [{ redirect: false }, { directoryRedirect: false }],
    [{ extensions: 'html' }, { extensions: ['html'], cleanUrls: 'lookup' }],
    [{ acceptRanges: false }, { ranges: false }],
    [{ single: true }, { fallback: '/index.html' }],
    [{ single: 'app.html' }, { fallback: '/app.html' }],
    [{ gzip: true }, { precompressed: true }],
    [{ gzip: false, brotli: false }, { precompressed: false }],
  ] satisfies [NodeStaticOptions, object][])('%j means %j', (familiar, ours) => {
    expect(fromFamiliarNames(familiar)).toMatchObject(ours);
  });
});

test('a response is well-formed to the last byte', async () => {
  const port = await listen(serveStatic(site.root));
  const bytes = await exchangeBytes(port, 'GET /a.txt HTTP/1.0\r\n\r\n');
  expect(parseResponse(bytes, 'GET').content.toString()).toBe('0123456789');
});
