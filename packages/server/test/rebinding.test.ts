// What only a browser can say: that a page of another site cannot read a local server by having its own name resolved to this
// machine while it is open (DNS rebinding). Names are resolved by a SOCKS proxy here, which changes its mind in the middle.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { site, start, type Started } from './command-line/command.ts';

const place = site({
  'www/secret.txt': 'the secret',
  'cgi-bin/run.cgi': '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nran"\n',
});
afterAll(() => place.remove());

const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'].map(pathOf).find((path) => path !== undefined);

function pathOf(program: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).trim();
  } catch (error) {
    if (!(error instanceof Error && 'status' in error)) throw error;
    return undefined;
  }
}

interface Resolver {
  readonly port: number;
  /** Where every name leads from now on. */
  target: number;
  readonly server: Server;
}

/** A SOCKS 5 proxy without authentication (RFC 1928) that leads every name to one port of this machine. */
async function startResolver(target: number): Promise<Resolver> {
  const server = createServer((client) => {
    client.on('error', () => undefined);
    client.once('data', () => {
      client.write(Uint8Array.from([5, 0]));
      client.once('data', () => {
        const upstream = connect(resolver.target, '127.0.0.1', () => {
          client.write(Uint8Array.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
          join(client, upstream);
        });
        upstream.on('error', () => client.destroy());
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const resolver: Resolver = { port: (server.address() as AddressInfo).port, target, server };
  return resolver;
}

function join(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  one.on('close', () => other.destroy());
  other.on('close', () => one.destroy());
}

/** A site of somebody else; its connections end with each response, so that the next request asks for the name again. */
async function startEvilSite(): Promise<Server> {
  const server = createHttpServer((_, response) => {
    response
      .setHeader('connection', 'close')
      .setHeader('content-type', 'text/html')
      .end('<!doctype html><title>evil</title>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe.skipIf(CHROMIUM === undefined && process.env['CI'] === undefined)('a page of another site', () => {
  let evil: Server;
  let resolver: Resolver;
  let browser: Browser;

  beforeAll(async () => {
    evil = await startEvilSite();
    resolver = await startResolver(0);
    browser = await chromium.launch({
      timeout: 120_000,
      executablePath: CHROMIUM ?? '',
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
      proxy: { server: `socks5://127.0.0.1:${resolver.port}`, bypass: '<-loopback>' },
    });
  });
  afterAll(async () => {
    await browser.close();
    resolver.server.close();
    evil.close();
  });

  /** Opens the page, then has its name lead to the server; resolves to what its script gets to read there. */
  async function read(server: Started, paths: readonly string[]): Promise<readonly string[]> {
    resolver.target = (evil.address() as AddressInfo).port;
    const page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    onTestFinished(() => page.close());
    await page.goto(`http://evil.example:${server.port}/`);
    expect(await page.title()).toBe('evil');
    resolver.target = server.port;
    return page.evaluate(
      async (asked) =>
        Promise.all(
          asked.map(async (path) => {
            const response = await fetch(path);
            return `${response.status} ${await response.text()}`;
          }),
        ),
      [...paths],
    );
  }

  const asked = ['/secret.txt', '/cgi-bin/run.cgi'];

  test('reads nothing of a local server, and runs nothing', async () => {
    const server = await start(['www', '--cgi-bin', 'cgi-bin'], { cwd: place.path });
    onTestFinished(() => void server.stop());
    for (const answer of await read(server, asked)) {
      expect(answer).toMatch(/^421 /);
      expect(answer).not.toMatch(/secret|ran/);
    }
    expect(await (await server.fetch('/secret.txt')).text()).toBe('the secret');
  });

  test('reads all of a server that answers for any host', async () => {
    const server = await start(['www', '--cgi-bin', 'cgi-bin', '--hosts', '*'], { cwd: place.path });
    onTestFinished(() => void server.stop());
    expect(await read(server, asked)).toEqual(['200 the secret', '200 ran']);
  });
});
