import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
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

describe('in company of other middleware', () => {
  type Middleware = (request: IncomingMessage & { originalUrl?: string }, response: ServerResponse) => void;

  /** The handler behind a middleware, and before one that says that it was reached. */
  async function behind(middleware: Middleware, options: NodeStaticOptions = {}): Promise<number> {
    const handler = serveStatic(site.root, options);
    return listen((request, response) => {
      Object.assign(request, { originalUrl: request.url });
      middleware(request, response);
      handler(request, response, (error) => response.end(`next ${error instanceof Error ? error.message : ''}`));
    });
  }

  test('serves the path that was written over the one asked for', async () => {
    const port = await behind((request) => {
      if (request.url === '/users/7') request.url = '/about.html';
      if (request.url === '/bare') request.url = 'a.txt?x=1';
    });
    expect((await exchange(port, '/users/7')).content.toString()).toBe('<p>about</p>');
    expect((await exchange(port, '/bare')).content.toString()).toBe('0123456789');
    expect((await exchange(port, '/users/8')).content.toString()).toBe('next ');
  });

  test('does not send clients to the names of paths that they do not know', async () => {
    const rewrite: Middleware = (request) => {
      request.url = request.url?.replace(/^\/v2\/start/, '/sub').replace(/^\/app.*/, '/sub/index.html');
    };
    const port = await behind(rewrite, { cleanUrls: 'redirect' });
    expect((await exchange(port, '/v2/start?x=1')).field('location')).toBe('/v2/start/?x=1');
    expect((await exchange(port, '/app/deep')).content.toString()).toBe('<p>sub</p>');
  });

  test('answers OPTIONS where there is a file, and passes it on elsewhere', async () => {
    const port = await behind(() => {}, { cors: true });
    const preflight = { Origin: 'https://a.test', 'Access-Control-Request-Method': 'POST' };
    expect((await exchange(port, '/a.txt', { method: 'OPTIONS' })).field('allow')).toBe('GET, HEAD, OPTIONS');
    expect((await exchange(port, '/none', { method: 'OPTIONS' })).content.toString()).toBe('next ');
    expect((await exchange(port, '/none', { method: 'OPTIONS', fields: preflight })).content.toString()).toBe('next ');
    expect((await exchange(port, '/a.txt', { method: 'OPTIONS', fields: preflight })).content.toString()).toBe('next ');
  });

  test('waits for drain where a wrapper passes on no callbacks, and gives it bytes to keep', async () => {
    const kept: Uint8Array[] = [];
    const wrap: Middleware = (_request, response) => {
      const write = response.write.bind(response);
      response.write = ((chunk: Uint8Array): boolean => {
        kept.push(chunk);
        return write(chunk);
      }) as typeof response.write;
    };
    const content = randomBytes(3_000_000);
    writeFileSync(join(site.root, 'large.bin'), content);
    const got = await exchange(await behind(wrap), '/large.bin');
    expect(got.content.equals(content)).toBe(true);
    expect(Buffer.concat(kept).equals(content)).toBe(true);
    expect(kept.length).toBeGreaterThan(1);
  });

  test('joins Vary, and lets stand what others said of caching, type and status', async () => {
    const port = await behind((request, response) => {
      response.setHeader('Vary', 'Origin');
      response.setHeader('Cache-Control', 'private, no-store');
      response.setHeader('Content-Type', 'text/x-own');
      if (request.url === '/gone') [request.url, response.statusCode] = ['/about.html', 404];
    });
    const big = await exchange(port, '/big.js', { fields: { 'Accept-Encoding': 'gzip' } });
    expect([big.field('vary'), big.field('cache-control')]).toEqual(['Origin, accept-encoding', 'private, no-store']);
    expect(big.field('content-type')).toBe('text/x-own');
    const fields = { Range: 'bytes=0-1', 'If-None-Match': '*' };
    const gone = await exchange(port, '/gone', { fields });
    expect([gone.status, gone.content.toString()]).toEqual([404, '<p>about</p>']);
  });

  test('keeps no word about a file beside an error', async () => {
    const port = await behind(
      (_request, response) => {
        response.setHeader('Content-Type', 'text/javascript');
        response.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
        response.setHeader('ETag', '"x"');
      },
      { fallthrough: false },
    );
    const none = await exchange(port, '/none.js');
    expect([none.status, none.field('content-type')]).toEqual([404, 'text/plain; charset=utf-8']);
    expect([none.field('cache-control'), none.field('etag')]).toEqual([undefined, undefined]);
  });

  test('evaluates conditions under the tag that was set in front', async () => {
    const port = await behind((_request, response) => void response.setHeader('ETag', '"own"'));
    const ask = async (fields: Readonly<Record<string, string>>) => exchange(port, '/a.txt', { fields });
    expect((await ask({})).field('etag')).toBe('"own"');
    const same = await ask({ 'If-None-Match': 'W/"own"' });
    expect([same.status, same.content.length, same.field('content-length')]).toEqual([304, 0, undefined]);
    expect((await ask({ 'If-Match': '"other"' })).status).toBe(412);
    expect((await ask({ 'If-None-Match': '"other"' })).status).toBe(200);
    expect((await ask({ Range: 'bytes=0-1', 'If-Range': '"own"' })).status).toBe(206);
    expect((await ask({ Range: 'bytes=0-1', 'If-Range': '"other"' })).status).toBe(200);
  });

  test('has no strong tag on what others code', async () => {
    const code: Middleware = (_request, response) => {
      const end = response.end.bind(response);
      response.end = ((chunk: Uint8Array): ServerResponse => {
        response.setHeader('Content-Encoding', 'gzip');
        response.removeHeader('Content-Length');
        return end(gzipSync(chunk));
      }) as typeof response.end;
    };
    const got = await exchange(await behind(code, { compression: false }), '/about.html');
    expect(got.field('content-encoding')).toBe('gzip');
    expect(got.field('etag')).toMatch(/^W\/"/);
    const strong = await exchange(await behind(() => {}, { compression: false }), '/a.txt');
    expect(strong.field('etag')).toMatch(/^"/);
  });

  test('reads the fields that others have edited, not those of the wire', async () => {
    const port = await behind((request) => {
      delete request.headers['if-none-match'];
      request.headers['accept-encoding'] = 'identity';
    });
    const fields = { 'If-None-Match': '*', 'Accept-Encoding': 'gzip' };
    const got = await exchange(port, '/big.js', { fields });
    expect([got.status, got.field('content-encoding')]).toEqual([200, undefined]);
  });

  test('stores no empty file in place of content that others have read', async () => {
    const handler = serveStatic(site.root, { writable: true });
    const port = await listen((request, response) => {
      request.resume().on('end', () => handler(request, response, (error) => response.end(String(error))));
    });
    const got = await exchange(port, '/read-before.txt', { method: 'PUT', content: 'gone' });
    expect(got.content.toString()).toMatch(/was read before/);
    expect(existsSync(join(site.root, 'read-before.txt'))).toBe(false);
  });

  test('leaves alone a response that others have begun', async () => {
    const port = await listen((request, response) => {
      response.write('others ');
      serveStatic(site.root, { onError: (cause) => response.end(`end it: ${(cause as Error).message}`) })(
        request,
        response,
      );
    });
    expect((await exchange(port, '/a.txt')).content.toString()).toMatch(/^others end it: .* had begun/);
  });

  test('calls setHeaders with the file and its state, and for nothing else', async () => {
    const called: string[] = [];
    const port = await behind(() => {}, {
      setHeaders(response, path, stats) {
        called.push(`${path} ${stats.size}`);
        response.setHeader('Content-Disposition', 'attachment');
        response.setHeader('Content-Type', 'text/x-own');
      },
    });
    const got = await exchange(port, '/a.txt');
    expect([got.field('content-disposition'), got.field('content-type')]).toEqual(['attachment', 'text/x-own']);
    await exchange(port, '/none');
    expect(called).toEqual([`${join(site.root, 'a.txt')} 10`]);
  });

  test('passes on a directory without its slash where redirects are off', async () => {
    const port = await behind(() => {}, { redirect: false });
    expect((await exchange(port, '/sub')).content.toString()).toBe('next ');
    expect((await exchange(port, '/sub/')).content.toString()).toBe('<p>sub</p>');
  });

  test('passes on what is no path here, and refuses it where nobody follows', async () => {
    expect((await exchange(await behind(() => {}), '/%ff')).content.toString()).toBe('next ');
    expect((await exchange(await listen(serveStatic(site.root)), '/%ff')).status).toBe(400);
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

test.runIf(process.platform === 'linux').each([['plain'], ['compressed']])(
  'a file is closed when the client leaves while its request waits behind another: %s',
  async (kind) => {
    const own = makeSite();
    onTestFinished(() => own.remove());
    writeFileSync(join(own.root, 'large.bin'), Buffer.alloc(3_000_000, 'x'));
    const files = serveStatic(own.root);
    let isAsked = false;
    const port = await listen((request, response) => {
      if (request.url === '/first') {
        response.write('never ends');
        return;
      }
      isAsked = true;
      if (kind === 'compressed') {
        const write = response.write.bind(response) as (bytes: Uint8Array) => boolean;
        response.write = (bytes: Uint8Array) => write(bytes);
      }
      files(request, response);
    });
    const open = (): number =>
      readdirSync('/proc/self/fd').filter((name) => {
        try {
          return readlinkSync(`/proc/self/fd/${name}`).endsWith('large.bin');
        } catch {
          return false; // the descriptor of the reading itself
        }
      }).length;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /first HTTP/1.1\r\nHost: h\r\n\r\nGET /large.bin HTTP/1.1\r\nHost: h\r\n\r\n');
    await expect.poll(() => isAsked && open()).toBe(1);
    socket.destroy();
    await expect.poll(open).toBe(0);
  },
);
