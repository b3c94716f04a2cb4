// Applications of frameworks and libraries as their users write them: nothing is changed for onezero but the last line.

import { once } from 'node:events';
import { createServer as createHttpServer, request as httpRequest, type Server as HttpServer } from 'node:http';
import { Readable } from 'node:stream';
import { createAdaptorServer, upgradeWebSocket } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { earlyHints } from '@hono/node-server/early-hints';
import { createServer, fetchResponder, nodeResponder, type Responder, type ServerOptions } from '@onezero/server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { Server as SocketServer } from 'socket.io';
import { io } from 'socket.io-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

const PIECES = ['event: a\n', 'data: 1\n', '\n', 'x'.repeat(100_000), 'end'];
const WHOLE = PIECES.join('');

async function serve(responder: Responder, options: ServerOptions = {}): Promise<string> {
  const server = createServer({ ...options, routes: [{ responder }] });
  const [address] = await server.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => server.close({ graceMs: 0 }));
  return `http://127.0.0.1:${address?.port}`;
}

const text = async (url: string, options?: RequestInit): Promise<string> => (await fetch(url, options)).text();

describe('an application of', () => {
  test('Express', async () => {
    const app = express();
    app.get('/pipe', (_, response) => void Readable.from(PIECES).pipe(response));
    app.get('/writes', (_, response) => {
      for (const piece of PIECES) response.write(piece);
      response.end();
    });
    app.post('/echo', express.text({ limit: '1mb' }), (request, response) => void response.send(request.body));
    const url = await serve(nodeResponder(app));
    expect(await text(`${url}/pipe`)).toBe(WHOLE);
    expect(await text(`${url}/writes`)).toBe(WHOLE);
    const headers = { 'content-type': 'text/plain' };
    expect(await text(`${url}/echo`, { method: 'POST', body: WHOLE, headers })).toBe(WHOLE);
  });

  test('Koa', async () => {
    const app = new Koa();
    app.use((context) => {
      if (context.path === '/throw') context.throw(418, 'short');
      context.body = context.path === '/echo' ? context.req : Readable.from(PIECES);
    });
    const url = await serve(nodeResponder(app.callback()));
    expect(await text(`${url}/`)).toBe(WHOLE);
    expect(await text(`${url}/echo`, { method: 'POST', body: WHOLE })).toBe(WHOLE);
    expect((await fetch(`${url}/throw`)).status).toBe(418);
  });

  test('Fastify', async () => {
    const app = fastify();
    app.get('/stream', (_, reply) => reply.send(Readable.from(PIECES)));
    app.get('/object', () => Promise.resolve({ a: 1 }));
    app.post('/echo', (request) => Promise.resolve(request.body));
    await app.ready();
    onTestFinished(() => app.close());
    const url = await serve(nodeResponder((request, response) => app.routing(request, response)));
    expect(await text(`${url}/stream`)).toBe(WHOLE);
    expect(await text(`${url}/object`)).toBe('{"a":1}');
    const headers = { 'content-type': 'application/json' };
    expect(await text(`${url}/echo`, { method: 'POST', body: '{"b":2}', headers })).toBe('{"b":2}');
  });

  test('Hono, which learns the address of its client', async () => {
    const app = new Hono();
    app.get('/address', (context) => context.text(getConnInfo(context).remote.address ?? 'unknown'));
    app.get(
      '/stream',
      () => new Response(Readable.toWeb(Readable.from(PIECES.map((piece) => Buffer.from(piece)))) as never),
    );
    const url = await serve(fetchResponder(app));
    expect(await text(`${url}/address`)).toBe('127.0.0.1');
    expect(await text(`${url}/stream`)).toBe(WHOLE);
  });

  test('Hono, which learns the address that a trusted proxy names, and no other', async () => {
    const app = new Hono().get('/', (context) => {
      const { address, addressType } = getConnInfo(context).remote;
      return context.text(`${address} ${addressType}`);
    });
    const headers = { 'x-forwarded-for': '2001:db8::7' };
    const trusting = await serve(fetchResponder(app), { trustedProxies: ['127.0.0.1'] });
    expect(await text(trusting, { headers })).toBe('2001:db8::7 IPv6');
    expect(await text(await serve(fetchResponder(app)), { headers })).toBe('127.0.0.1 IPv4');
    // Its own adapter sees the same through a server of node:http.
    const adapted = createAdaptorServer({ fetch: app.fetch }) as HttpServer;
    expect(await text(await serve(nodeResponder(adapted)))).toBe('127.0.0.1 IPv4');
  });

  describe('those who say something before their answer:', () => {
    const before = async (url: string): Promise<unknown> => {
      const seen: unknown[] = [];
      const asked = httpRequest(url).on('information', ({ statusCode, headers }) => seen.push([statusCode, headers]));
      const [response] = (await once(asked.end(), 'response')) as [Readable];
      response.resume();
      return seen;
    };
    const link = '</a.css>; rel=preload';

    test('node:http', async () => {
      const responder = nodeResponder((_, response) => {
        response.writeProcessing();
        response.writeEarlyHints({ link });
        response.end('page');
      });
      expect(await before(await serve(responder))).toEqual([
        [102, {}],
        [103, { link }],
      ]);
    });

    test("Hono, by its adapter's middleware", async () => {
      const app = new Hono().get('/', earlyHints({ link: [link, '</b.js>; rel=preload'] }), (context) =>
        context.text('page'),
      );
      const hints = [[103, { link: `${link}, </b.js>; rel=preload` }]];
      expect(await before(await serve(fetchResponder(app)))).toEqual(hints);
    });
  });
});

describe('WebSockets of', () => {
  const upgradeServer = (): HttpServer => createHttpServer((_, response) => response.end('page'));

  test('ws, with messages of every size, a ping, and a close', async () => {
    const http = upgradeServer();
    const sockets = new WebSocketServer({ server: http });
    sockets.on('connection', (socket, request) => {
      socket.send(request.socket.remoteAddress ?? '');
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const url = await serve(nodeResponder(http));
    expect(await text(url)).toBe('page');
    const client = new WebSocket(url.replace('http', 'ws'));
    const [first] = (await once(client, 'message')) as [Buffer];
    expect(first.toString()).toBe('127.0.0.1');
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 3_000_000]) {
      const message = 'm'.repeat(length);
      const answer = once(client, 'message');
      client.send(message);
      const [data] = (await answer) as [Buffer];
      expect(data.toString()).toBe(message);
    }
    const pong = once(client, 'pong');
    client.ping();
    await pong;
    const closed = once(client, 'close');
    client.close(4000, 'done');
    expect((await closed)[0]).toBe(4000);
    // Without an upgrade listener that wants it, the handshake is refused by ws itself.
    sockets.shouldHandle = () => false;
    const refused = new WebSocket(url.replace('http', 'ws'));
    const [error] = (await once(refused, 'error')) as [Error];
    expect(error.message).toContain('400');
  });

  test('ws behind a listener that a function finds at its socket', async () => {
    const sockets = new WebSocketServer({ noServer: true });
    const url = await serve(
      nodeResponder((request, response) => {
        const { server } = request.socket as unknown as { server: HttpServer };
        if (server.listenerCount('upgrade') === 0) {
          server.on('upgrade', (asked, socket, head) => {
            sockets.handleUpgrade(asked, socket, head, (opened) => opened.send('hello'));
          });
        }
        response.end('page');
      }),
    );
    await text(url);
    const client = new WebSocket(url.replace('http', 'ws'));
    const [data] = (await once(client, 'message')) as [Buffer];
    expect(data.toString()).toBe('hello');
    client.terminate();
  });

  test('Hono, by the server of its adapter', async () => {
    const app = new Hono();
    app.get(
      '/echo',
      upgradeWebSocket((context) => ({
        onMessage: ({ data }, socket) => socket.send(`${getConnInfo(context).remote.address} ${String(data)}`),
      })),
    );
    // Its types and those of ws disagree under exactOptionalPropertyTypes.
    const websocket = { server: new WebSocketServer({ noServer: true }) as never };
    const url = await serve(nodeResponder(createAdaptorServer({ fetch: app.fetch, websocket }) as HttpServer));
    const client = new WebSocket(`${url.replace('http', 'ws')}/echo`);
    await once(client, 'open');
    client.send('hello');
    const [data] = (await once(client, 'message')) as [Buffer];
    expect(data.toString()).toBe('127.0.0.1 hello');
    client.terminate();
    const [error] = (await once(new WebSocket(`${url.replace('http', 'ws')}/none`), 'error')) as [Error];
    expect(error.message).toMatch(/Unexpected server response: 4\d\d/);
  });

  test('socket.io, which begins with polling and upgrades', async () => {
    const http = upgradeServer();
    const sockets = new SocketServer(http);
    sockets.on('connection', (socket) => {
      socket.on('ask', (value: number, answer: (value: number) => void) => answer(value + 1));
    });
    const url = await serve(nodeResponder(http));
    const client = io(url);
    onTestFinished(() => {
      client.close();
      sockets.disconnectSockets(true);
    });
    const upgraded = new Promise((resolve) => client.io.engine.once('upgrade', resolve));
    expect(await client.emitWithAck('ask', 1)).toBe(2);
    await upgraded;
    expect(await client.emitWithAck('ask', 2)).toBe(3);
  });
});
