import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createServer, fetchResponder, type Server, type ServerOptions } from '@onezero/server';

function make(options: ServerOptions): Server {
  const server = createServer(options);
  onTestFinished(() => server.close({ graceMs: 0 }));
  return server;
}

describe('server.fetch', () => {
  test('answers without a socket, as over one', async () => {
    const seen: string[] = [];
    const server = make({
      routes: [
        { path: '/hello', responder: ({ method, authority }) => ({ status: 200, content: `${method} ${authority}` }) },
      ],
      accessLog: ({ status, target }) => seen.push(`${status} ${target}`),
      fields: [['x-everywhere', 'yes']],
    });
    const response = await server.fetch('/hello?x');
    expect([response.status, response.statusText, await response.text()]).toEqual([200, 'OK', 'GET localhost']);
    expect(response.headers.get('x-everywhere')).toBe('yes');
    expect((await server.fetch('/none')).status).toBe(404);
    expect(await (await server.fetch(new Request('http://shop.example/hello'))).text()).toBe('GET shop.example');
    expect(seen).toEqual(['200 /hello?x', '404 /none', '200 /hello']);
    expect(server.addresses).toEqual([]);
    expect(server.connections).toBe(0);
  });

  test('sends content, of a length or in chunks', async () => {
    const server = make({
      routes: [
        {
          responder: async ({ content, contentLength }) => {
            const chunks: Uint8Array[] = [];
            for await (const chunk of content) chunks.push(chunk);
            return { status: 200, content: `${contentLength} ${Buffer.concat(chunks).length}` };
          },
        },
      ],
    });
    const post = async (body: string | ReadableStream, headers = {}): Promise<string> =>
      (await server.fetch('/', { method: 'POST', body, headers, duplex: 'half' })).text();
    expect(await post('abc')).toMatch(/^(?:3|undefined) 3$/);
    expect(await post('abc', { 'content-length': '3' })).toBe('3 3');
    expect(await post(new Blob([Buffer.alloc(1_000_000)]).stream())).toBe('undefined 1000000');
  });

  test('streams at the pace of the reader, and tells the responder when it leaves', async () => {
    let made = 0;
    let hasEnded = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          made += 65_536;
          yield Buffer.alloc(65_536);
        }
      } finally {
        hasEnded = true;
      }
    }
    const server = make({ routes: [{ responder: () => ({ status: 200, content: endless() }) }] });
    const { body } = await server.fetch('/');
    const reader = body!.getReader();
    expect((await reader.read()).value?.length).toBeGreaterThan(0);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(made).toBeLessThan(4_000_000);
    await reader.cancel();
    for (let turn = 0; turn < 50 && !hasEnded; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([hasEnded, server.connections]).toEqual([true, 0]);
  });

  test('rejects a body that breaks off', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error('broken');
    }
    const server = make({ routes: [{ responder: () => ({ status: 200, content: broken() }) }], reportErrors: false });
    const response = await server.fetch('/');
    await expect(response.text()).rejects.toThrow();
  });

  test.each([204, 205, 304])('%i has no body', async (status) => {
    const server = make({ routes: [{ responder: () => ({ status }) }] });
    const response = await server.fetch('/');
    expect([response.status, response.body]).toEqual([status, null]);
  });

  test('reads files and answers HEAD', async () => {
    const root = mkdtempSync(join(tmpdir(), 'onezero-fetch-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    writeFileSync(join(root, 'large.bin'), Buffer.alloc(3_000_000, 'x'));
    const server = make({ root });
    expect((await (await server.fetch('/large.bin')).arrayBuffer()).byteLength).toBe(3_000_000);
    const head = await server.fetch('/large.bin', { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['3000000', '']);
  });

  test('is refused once the server is closed', async () => {
    const server = createServer();
    await server.close();
    await expect(server.fetch('/')).rejects.toThrow('closed');
  });
});

describe('base', () => {
  test('is what everything is below, and rules too', async () => {
    const server = make({
      base: '/app/',
      routes: [
        {
          path: '/x',
          responder: ({ scriptName, pathInfo }) => ({ status: 200, content: `${scriptName} ${pathInfo}` }),
        },
        { path: '/secret', responder: () => ({ status: 200 }) },
        { responder: ({ scriptName, pathInfo }) => ({ status: 200, content: `${scriptName} ${pathInfo}` }) },
      ],
      auth: [{ path: '/secret', users: () => false }],
    });
    const textOf = async (path: string): Promise<string> => (await server.fetch(path)).text();
    expect(await textOf('/app/x/y')).toBe('/app/x /y');
    expect(await textOf('/app/other')).toBe('/app /other');
    expect(await textOf('/app')).toBe('/app ');
    const statuses = ['/', '/x', '/secret', '/application', '/app/secret', '/app/../app/secret/'].map(
      async (path) => (await server.fetch(path)).status,
    );
    expect(await Promise.all(statuses)).toEqual([404, 404, 404, 404, 401, 401]);
  });

  test('is where files and the redirects among them are', async () => {
    const root = mkdtempSync(join(tmpdir(), 'onezero-base-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    writeFileSync(join(root, 'index.html'), 'page');
    const server = make({ base: '/app', root });
    expect(await (await server.fetch('/app/')).text()).toBe('page');
    const redirect = await server.fetch('/app', { redirect: 'manual' });
    expect(redirect.status).toBe(301);
    const location = new URL(redirect.headers.get('location') ?? '', 'http://localhost/app');
    expect(location.pathname).toBe('/app/');
  });
});

describe('a signal', () => {
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield Buffer.alloc(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  test('that was aborted before sends nothing, and rejects with its reason', async () => {
    let asked = 0;
    const server = make({ routes: [{ responder: () => ({ status: 200, content: String(++asked) }) }] });
    const reason = new Error('no time');
    await expect(server.fetch('/', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(server.fetch('/', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(asked).toBe(0);
    expect(server.connections).toBe(0);
  });

  test('that is aborted meanwhile rejects with its reason, and tells the responder', async () => {
    const seen: AbortSignal[] = [];
    const responder = ({ signal }: { signal: AbortSignal }): Promise<never> => {
      seen.push(signal);
      return new Promise(() => {});
    };
    const server = make({ routes: [{ responder }] });
    const controller = new AbortController();
    const answer = server.fetch('/', { signal: controller.signal });
    await expect.poll(() => seen).toHaveLength(1);
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => seen[0]?.aborted).toBe(true);
    expect(server.connections).toBe(0);
  });

  test('that is aborted later, when all that can be collected was, rejects as well', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    let isAsked = false;
    const responder = (): Promise<never> => {
      isAsked = true;
      return new Promise(() => {});
    };
    const server = make({ routes: [{ responder }] });
    const controller = new AbortController();
    const answer = server.fetch('/', { signal: controller.signal });
    await expect.poll(() => isAsked).toBe(true);
    for (let times = 0; times < 3; times++) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('that is aborted in the middle of the content breaks the reading of it with its reason', async () => {
    const server = make({ routes: [{ responder: () => ({ status: 200, content: endless() }) }] });
    const controller = new AbortController();
    const { body } = await server.fetch('/', { signal: controller.signal });
    const reader = body?.getReader();
    expect((await reader?.read())?.value).toHaveLength(1000);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(reader?.closed).rejects.toBe(reason);
    await expect.poll(() => server.connections).toBe(0);
  });

  test('that is aborted behind the end changes nothing', async () => {
    const server = make({ routes: [{ responder: () => ({ status: 200, content: 'all' }) }] });
    const controller = new AbortController();
    const response = await server.fetch('/', { signal: controller.signal });
    expect(await response.text()).toBe('all');
    controller.abort();
    expect(response.status).toBe(200);
  });
});

describe('a host that no URL can name', () => {
  test('is 400 to an application in the manner of fetch, and no failure to report', async () => {
    const causes: unknown[] = [];
    const server = make({
      routes: [{ responder: fetchResponder(() => new Response('hi')) }],
      onError: ({ status }) => void causes.push(status),
    });
    expect((await server.fetch('/', { headers: { host: '999.1.1.1' } })).status).toBe(400);
    expect((await server.fetch('/', { headers: { host: 'a.org' } })).status).toBe(200);
    expect(causes).toEqual([400]);
  });
});
