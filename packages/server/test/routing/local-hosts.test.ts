import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createServer, type ServerOptions } from '@onezero/server';
import { localHosts } from '../../src/routing/local-hosts.ts';
import { parse, start, textResponse, type Running } from '../exchange.ts';

const responder = (): ReturnType<typeof textResponse> => textResponse('here');

async function serve(options: ServerOptions): Promise<Running> {
  const running = await start({ hosts: 'local', routes: [{ responder }], ...options });
  onTestFinished(() => running.close());
  return running;
}

const status = async ({ exchange }: Running, line: string, host?: string): Promise<number> =>
  parse(await exchange(`${line}\r\n${host === undefined ? '' : `Host: ${host}\r\n`}\r\n`)).status;

describe("hosts: 'local'", () => {
  test.each(['localhost', 'localhost:8080', 'LOCALHOST.', 'app.localhost:1', '127.0.0.1:80', '[::1]:80', '192.0.2.7'])(
    'answers for %s',
    async (host) => {
      expect(await status(await serve({}), 'GET / HTTP/1.1', host)).toBe(200);
    },
  );

  test.each([
    'evil.example',
    'localhost.evil.example',
    'notlocalhost',
    '127.0.0.1.evil.example',
    'localhost@evil.example',
  ])('refuses %s, also in the target', async (host) => {
    const running = await serve({});
    expect([421, 400]).toContain(await status(running, 'GET / HTTP/1.1', host));
    expect([421, 400]).toContain(await status(running, `GET http://${host}/ HTTP/1.1`, 'localhost'));
    expect(await status(running, 'GET / HTTP/1.1', 'localhost')).toBe(200);
  });

  test('answers a request without a host, and for names that the options have', async () => {
    const running = await serve({
      serverName: 'shop.example',
      routes: [{ responder }, { host: '*.blog.example', responder }],
    });
    expect(await status(running, 'GET / HTTP/1.0')).toBe(200);
    for (const host of ['shop.example', 'ann.blog.example']) {
      expect(await status(running, 'GET / HTTP/1.1', host)).toBe(200);
    }
    expect(await status(running, 'GET / HTTP/1.1', 'blog.example')).toBe(421);
  });

  test('is off once a proxy on this machine is trusted, and not for one elsewhere', async () => {
    const here = await serve({ trustedProxies: ['127.0.0.0/8'] });
    expect(await status(here, 'GET / HTTP/1.1', 'shop.example')).toBe(200);
    const elsewhere = await serve({ trustedProxies: ['192.0.2.1'] });
    expect(await status(elsewhere, 'GET / HTTP/1.1', 'shop.example')).toBe(421);
  });

  test('is off where other machines can connect', async () => {
    const server = createServer({ hosts: 'local', routes: [{ responder }] });
    onTestFinished(() => server.close({ graceMs: 0 }));
    const [address] = await server.listen({ host: '0.0.0.0', port: 0 });
    const rule = localHosts({ hosts: 'local' }, () => server.addresses);
    expect(rule?.('shop.example', '127.0.0.1')).toBe(true);
    expect(address?.port).toBeGreaterThan(0);
  });

  test('is what explain tells', () => {
    const server = createServer({ hosts: 'local', routes: [{ responder }] });
    expect(server.explain({ target: 'http://evil.example/' })).toMatchObject({ status: 421 });
    expect(server.explain({ target: 'http://localhost/' }).status).toBeUndefined();
  });
});

describe('a writable root', () => {
  const put = 'PUT /new.txt HTTP/1.1\r\nHost: here.example\r\nContent-Length: 1\r\n';

  test.each([
    ['no browser', '', 201],
    ['the same origin', 'Sec-Fetch-Site: same-origin\r\nOrigin: http://here.example\r\n', 201],
    ['the user', 'Sec-Fetch-Site: none\r\n', 201],
    ['another site', 'Sec-Fetch-Site: cross-site\r\nOrigin: http://evil.example\r\n', 403],
    ['another port of this host', 'Sec-Fetch-Site: same-site\r\nOrigin: http://here.example:3000\r\n', 403],
    ['another site, told by its origin alone', 'Origin: http://evil.example\r\n', 403],
    ['a page without an origin', 'Origin: null\r\n', 403],
    ['the same host behind TLS', 'Origin: https://here.example\r\n', 201],
    ['an origin that cors allows', 'Sec-Fetch-Site: cross-site\r\nOrigin: http://friend.example\r\n', 201],
  ])('is changed by whom it may: %s', async (_, fields, expected) => {
    const folder = mkdtempSync(join(tmpdir(), 'onezero-writes-'));
    const running = await start({
      root: folder,
      static: { writable: true, cors: { origins: ['http://friend.example'] } },
    });
    onTestFinished(async () => {
      await running.close();
      rmSync(folder, { recursive: true });
    });
    expect(parse(await running.exchange(`${put}${fields}\r\nx`)).status).toBe(expected);
    expect(existsSync(join(folder, 'new.txt'))).toBe(expected === 201);
  });
});
