// The proxy with the programs that people put behind it: the ws library at both ends, an upstream of node:https, large uploads.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer } from '@onezero/server';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { isInstalled, scratchFolder, startOnezero } from '../peers.mjs';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function proxied(port: number): Promise<number> {
  const server = createServer({ proxy: { path: '/live', target: `http://127.0.0.1:${port}` }, reportErrors: false });
  const [address] = await server.listen({ port: 0, host: '127.0.0.1' });
  ends.push(() => server.close({ graceMs: 0 }));
  return address?.port ?? 0;
}

describe('WebSocket by ws', () => {
  async function sockets(): Promise<{ upstream: WebSocketServer; open: (words?: string) => Promise<WebSocket> }> {
    const server = createHttpServer();
    const upstream = new WebSocketServer({
      server,
      perMessageDeflate: true,
      handleProtocols: (protocols) => [...protocols][1] ?? false,
    });
    upstream.on('connection', (socket, request) => {
      socket.send(`welcome to ${request.url}`);
      socket.on('error', () => {});
      socket.on('message', (bytes, isBinary) => socket.send(bytes, { binary: isBinary }));
    });
    const port = await proxied(await portOf(server));
    ends.push(() => {
      for (const client of upstream.clients) client.terminate();
      server.close();
    });
    const open = async (words = ''): Promise<WebSocket> => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/live/x${words}`, ['a', 'b']);
      ends.push(() => socket.terminate());
      const [welcome] = (await once(socket, 'message')) as [Buffer];
      expect(welcome.toString()).toBe(`welcome to /live/x${words}`);
      return socket;
    };
    return { upstream, open };
  }

  test('carries texts, bytes of any size, pings, a subprotocol and the code of its end', async () => {
    const { upstream, open } = await sockets();
    const socket = await open('?a=b');
    expect([socket.protocol, socket.extensions]).toEqual(['b', 'permessage-deflate']);
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      const bytes = Buffer.alloc(size, size);
      socket.send(bytes);
      const [got, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
      expect([got.equals(bytes), isBinary]).toEqual([true, true]);
    }
    const pong = once(socket, 'pong');
    socket.ping('x');
    expect(String((await pong)[0])).toBe('x');
    const [their] = upstream.clients;
    const closed = once(socket, 'close');
    their?.close(4001, 'enough');
    expect((await closed).map(String)).toEqual(['4001', 'enough']);
  });

  test('ends at one end when the other is gone', async () => {
    const { upstream, open } = await sockets();
    const first = await open();
    const gone = once(first, 'close');
    for (const client of upstream.clients) client.terminate();
    expect((await gone)[0]).toBe(1006);
    const second = await open();
    const [their] = upstream.clients;
    const theirEnd = once(their as WebSocket, 'close');
    second.terminate();
    await theirEnd;
  });

  test('never mixes fifty of them up', async () => {
    const { open } = await sockets();
    const texts = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const socket = await open(`?${index}`);
        socket.send(`text ${index}`);
        return String((await once(socket, 'message'))[0]);
      }),
    );
    expect(texts).toEqual(Array.from({ length: 50 }, (_, index) => `text ${index}`));
  });
});

describe.skipIf(!isInstalled('openssl'))('an upstream over TLS', () => {
  test('is asked where its certificate is trusted, and is 502 where it is not', async () => {
    const folder = scratchFolder('tls');
    ends.push(() => folder.remove());
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder.path, name)) as [string, string];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', [...words, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const upstream = createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      response.end([request.headers['x-forwarded-proto'], request.headers.host].join(' '));
    });
    const port = await portOf(upstream);
    ends.push(() => upstream.close());
    const ask = async (env: Record<string, string>, host: string): Promise<string> => {
      const server = await startOnezero(['--proxy', `/=https://${host}:${port}`], { env });
      const response = await fetch(server.origin);
      const text = await response.text();
      await server.stop();
      return `${response.status} ${response.status === 200 ? text : ''}`;
    };
    expect(await ask({ NODE_EXTRA_CA_CERTS: cert }, 'localhost')).toMatch(/^200 http 127\.0\.0\.1:\d+$/);
    expect(await ask({}, 'localhost')).toBe('502 ');
    // A certificate for another name is none.
    expect(await ask({ NODE_EXTRA_CA_CERTS: cert }, '127.0.0.1')).toBe('502 ');
  });
});

test('an upload waits for an upstream that does not read, and arrives whole when it does', async () => {
  const SIZE = 64 * 1024 * 1024;
  let resume = (): void => {};
  const upstream = createHttpServer((request, response) => {
    let bytes = 0;
    resume = () => request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.end(String(bytes)));
  });
  const port = await proxied(await portOf(upstream));
  ends.push(
    () => upstream.closeAllConnections(),
    () => upstream.close(),
  );
  const socket = connect(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  socket.write(`POST /live HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${SIZE}\r\nConnection: close\r\n\r\n`);
  const piece = Buffer.alloc(1_048_576);
  let sent = 0;
  const send = (): void => {
    while (sent < SIZE) {
      sent += piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on('drain', send);
  await once(upstream, 'request');
  send();
  // Until nothing has moved for a while: what is under way is in buffers, of which none grows.
  for (let before = -1; before !== socket.bytesWritten - socket.writableLength;) {
    before = socket.bytesWritten - socket.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(sent).toBeLessThan(SIZE);
  resume();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  expect(Buffer.concat(chunks).toString()).toMatch(new RegExp(`${SIZE}\\r?\\n?`));
});
