// Every kind of life that a connection can have, on bare handles and in the documented way.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Duplex } from 'node:stream';
import { createServer } from '@onezero/server';
import { takeConnections } from '../../src/transport/accept.ts';
import { SocketTransport } from '../../src/transport/socket-transport.ts';
import type { Receiver, Transport } from '../../src/transport/transport.ts';
import type { ResponseMessage } from '../../src/message/message.ts';
import type { AccessLogEntry, ServerOptions } from '../../src/options.ts';
import { parse, readAll, readUntil, start, textResponse, type Running } from '../exchange.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

// More than the system takes for a client that does not read.
const LARGE = Buffer.alloc(16_000_000, 'onezero');

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < LARGE.length; at += 1_000_000) {
    yield LARGE.subarray(at, at + 1_000_000);
    await Promise.resolve();
  }
}

// What one read of the engine brings at most.
const FULL_READ = 65_536;

async function* steps(): AsyncGenerator<Uint8Array> {
  for (let step = 0; step < 100_000; step++) {
    yield Buffer.from('step');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function breaks(): ResponseMessage {
  const content = (async function* () {
    yield Buffer.from('begun');
    await Promise.resolve();
    throw new Error('broken');
  })();
  return { status: 200, fields: [['content-length', '10']], content };
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe.each([
  ['bare handles', undefined],
  ['sockets of node:net', '1'],
])('on %s', (_, setting) => {
  const entries: AccessLogEntry[] = [];
  let running: Running;
  const aborts: string[] = [];
  let counted = 0;

  beforeAll(async () => {
    if (setting !== undefined) process.env['ONEZERO_NO_SHARED_READS'] = setting;
    const options: ServerOptions = {
      accessLog: (entry) => entries.push(entry),
      // The clock ticks as fast as its shortest time-out needs.
      limits: { idleTimeoutMs: 1000, drainTimeoutMs: 1000, closeTimeoutMs: 10_000 },
      routes: [
        { path: '/hello', responder: () => textResponse('hello') },
        { path: '/large', responder: () => ({ status: 200, fields: [], content: LARGE }) },
        { path: '/pieces', responder: () => ({ status: 200, fields: [], content: pieces() }) },
        { path: '/echo', responder: ({ content }) => ({ status: 200, fields: [], content }) },
        {
          path: '/count',
          responder: async ({ content }) => {
            counted = 0;
            for await (const { length } of content) counted += length;
            return textResponse(`${counted} bytes`);
          },
        },
        {
          path: '/steps',
          responder: ({ signal, target }) => {
            signal.addEventListener('abort', () => aborts.push(target));
            return { status: 200, fields: [], content: steps() };
          },
        },
        {
          path: '/ends',
          responder: ({ remote, local }) => textResponse(`${remote.address}:${remote.port} ${local.port}`),
        },
        { path: '/breaks', responder: breaks },
        {
          path: '/silent',
          responder: ({ signal, target }) => {
            signal.addEventListener('abort', () => aborts.push(target));
            return new Promise(() => {});
          },
        },
      ],
    };
    running = await start(options);
    delete process.env['ONEZERO_NO_SHARED_READS'];
  });
  afterAll(() => running.close());

  test('many requests follow one another, in packets and pieces of packets', async () => {
    const socket = await running.connect();
    onTestFinished(() => void socket.destroy());
    for (let turn = 0; turn < 3; turn++) {
      const answers = readUntil(socket, /(hello[^]*){4}$/);
      const bytes = get('/hello').repeat(4);
      socket.write(bytes.slice(0, 50));
      await new Promise((resolve) => setImmediate(resolve));
      socket.write(bytes.slice(50));
      await answers;
    }
  });

  test('both ends have names', async () => {
    const socket = await running.connect();
    const { localPort } = socket;
    const text = readAll(socket);
    socket.end(get('/ends'));
    expect(parse(await text).content).toBe(`127.0.0.1:${localPort} ${running.port}`);
  });

  test('content that the system does not take at once arrives whole, and what was asked behind it', async () => {
    for (const path of ['/large', '/pieces']) {
      const socket = await running.connect();
      socket.pause();
      socket.write(`${get('/hello')}GET ${path} HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.0\r\n\r\n`);
      const { server } = running;
      await expect.poll(() => server.requests).toBe(1);
      const text = readAll(socket);
      socket.resume();
      const all = await text;
      expect(all.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
      expect(all.endsWith('hello')).toBe(true);
      expect(all.length).toBeGreaterThan(LARGE.length);
      socket.destroy();
    }
  });

  test('content goes both ways while the client waits for 100', async () => {
    const socket = await running.connect();
    const begun = readUntil(socket, /100 Continue\r\n\r\n/);
    socket.write(`POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${LARGE.length}\r\n\r\n`);
    await begun;
    const text = readAll(socket);
    socket.end(LARGE);
    const all = await text;
    expect(all.length).toBeGreaterThan(LARGE.length);
  });

  test('a client that finishes sending gets its answer; one that says nothing is let go', async () => {
    expect(await running.exchange(get('/hello'))).toMatch(/hello$/);
    expect(await running.exchange('')).toBe('');
    const socket = await running.connect();
    expect(await readAll(socket)).toBe('');
    socket.destroy();
  });

  test('a client that resets aborts what is asked at once', async () => {
    const socket = await running.connect();
    socket.write(get('/silent/reset'));
    await expect.poll(() => running.server.requests).toBe(1);
    socket.resetAndDestroy();
    await expect.poll(() => aborts).toContain('/silent/reset');
  });

  test('a client that has reset its connection before it was accepted is nobody, as it has no address any more', async () => {
    entries.length = 0;
    const program = `const socket = require('node:net').connect(${running.port}, '127.0.0.1', () => {
      socket.write(${JSON.stringify(get('/hello/gone'))}, () => socket.resetAndDestroy()); });`;
    // Nothing is accepted meanwhile.
    execFileSync(process.execPath, ['-e', program]);
    expect(await running.exchange(get('/hello/here'))).toMatch(/hello$/);
    await expect.poll(() => entries.map(({ target }) => target)).toContain('/hello/here');
    expect(entries.map(({ target }) => target)).toEqual(['/hello/here']);
  });

  test('a client that resets is missed also while nothing is read from it', async () => {
    const socket = await running.connect();
    socket.write(`POST /silent/held HTTP/1.1\r\nHost: a\r\nContent-Length: ${LARGE.length}\r\n\r\n`);
    socket.write(LARGE);
    await expect.poll(() => running.server.requests).toBe(1);
    // More than is taken ahead, so reading has stopped.
    await expect.poll(() => socket.writableLength).toBeGreaterThan(0);
    socket.resetAndDestroy();
    await expect.poll(() => aborts).toContain('/silent/held');
  });

  test('a client that resets in the middle of a download is logged as such', async () => {
    entries.length = 0;
    const socket = await running.connect();
    const begun = readUntil(socket, /onezero/);
    socket.write(get('/large/reset'));
    await begun;
    socket.resetAndDestroy();
    await expect.poll(() => entries).toMatchObject([{ complete: false, status: 200, target: '/large/reset' }]);
  });

  test('a client that closes while it is sent to is logged as such', async () => {
    entries.length = 0;
    const socket = await running.connect();
    const begun = readUntil(socket, /step/);
    socket.write(get('/steps/close'));
    await begun;
    socket.destroy();
    await expect.poll(() => entries).toMatchObject([{ complete: false, status: 200, target: '/steps/close' }]);
    expect(aborts).toContain('/steps/close');
  });

  test('an answer that nobody is there to take is logged as such', async () => {
    entries.length = 0;
    const socket = await running.connect();
    socket.write(get('/large/nobody'));
    // Both are with the system before the server has its turn.
    socket.resetAndDestroy();
    await expect.poll(() => entries).toMatchObject([{ complete: false, target: '/large/nobody' }]);
  });

  test('content that comes in reads as large as can be is not cut off', async () => {
    for (const reads of [1, 2]) {
      const socket = await running.connect();
      const text = readUntil(socket, /bytes$/);
      const head = `POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: ${3 * FULL_READ}\r\n\r\n`;
      const first = reads * FULL_READ - head.length;
      socket.write(head + 'x'.repeat(first));
      await expect.poll(() => counted).toBe(first);
      socket.write('x'.repeat(3 * FULL_READ - first));
      expect(parse(await text)).toMatchObject({ status: 200, content: `${3 * FULL_READ} bytes` });
      socket.destroy();
    }
  });

  test('an answer that breaks ends the connection, half of it sent', async () => {
    entries.length = 0;
    const socket = await running.connect();
    const text = readAll(socket);
    socket.write(get('/breaks'));
    expect(await text).toMatch(/begun$/);
    expect(entries).toMatchObject([{ complete: false, status: 200, contentBytes: 5 }]);
    socket.destroy();
  });

  test('a refused upload gets its answer before the connection ends', async () => {
    const socket = await running.connect();
    const text = readAll(socket);
    socket.write(`POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n`);
    socket.write('x'.repeat(50_000));
    expect(parse(await text).status).toBe(400);
    socket.destroy();
  });

  test('stopping lets a slow reader have its answer', async () => {
    const other = await startOther(setting);
    const socket = await other.connect();
    socket.pause();
    socket.write(get('/'));
    await expect.poll(() => other.server.requests).toBe(1);
    const closed = other.server.close();
    const text = readAll(socket);
    socket.on('end', () => socket.end());
    socket.resume();
    expect((await text).length).toBeGreaterThan(LARGE.length);
    await closed;
    expect(other.server.connections).toBe(0);
  });

  test('no descriptor stays', async () => {
    await expect.poll(() => running.server.connections).toBe(0);
    const before = openDescriptors();
    const leaving = ['/large', '/silent', '/pieces', '/silent', '/large'];
    for (let turn = 0; turn < 10; turn++) {
      await running.exchange('GET /hello HTTP/1.0\r\n\r\n');
      const sockets = await Promise.all(leaving.map(() => running.connect()));
      for (const [index, socket] of sockets.entries()) socket.write(get(leaving[index] ?? ''));
      await expect.poll(() => running.server.requests, { interval: 2 }).toBe(leaving.length);
      for (const socket of sockets) socket.resetAndDestroy();
      await expect.poll(() => running.server.connections, { interval: 2 }).toBe(0);
    }
    await expect.poll(openDescriptors).toBeLessThanOrEqual(before + 2);
  });
});

async function startOther(setting: string | undefined): Promise<Running> {
  if (setting !== undefined) process.env['ONEZERO_NO_SHARED_READS'] = setting;
  const running = await start({ routes: [{ responder: () => ({ status: 200, fields: [], content: LARGE }) }] });
  delete process.env['ONEZERO_NO_SHARED_READS'];
  return running;
}

test('a Unix socket carries what a port does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'transport-'));
  const entries: AccessLogEntry[] = [];
  const server = createServer({
    accessLog: (entry) => entries.push(entry),
    routes: [
      { path: '/echo', responder: ({ content }) => ({ status: 200, fields: [], content }) },
      { path: '/breaks', responder: breaks },
    ],
  });
  onTestFinished(async () => {
    await server.close({ graceMs: 0 });
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'socket');
  await server.listen({ socket: path });
  const socket = connect({ path, allowHalfOpen: true });
  const text = readAll(socket);
  socket.write(`POST /echo HTTP/1.0\r\nContent-Length: ${LARGE.length}\r\n\r\n`);
  socket.end(LARGE);
  expect(parse(await text).content.length).toBe(LARGE.length);
  const other = connect(path);
  const begun = readAll(other);
  other.write(get('/breaks'));
  expect(await begun).toMatch(/begun$/);
  expect(entries).toMatchObject([{ complete: true }, { complete: false, contentBytes: 5 }]);
});

test('the end of a connection is told once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'transport-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const path of [join(folder, 'socket'), { port: 0, host: '127.0.0.1' }]) {
    const told: string[] = [];
    const server = createNetServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const receiver = { received() {}, finished: () => told.push('finished'), closed: () => told.push('closed') };
    const accept = (transport: Transport): Receiver => ({
      ...receiver,
      finished: () => {
        receiver.finished();
        transport.end();
      },
    });
    takeConnections(server, accept, (error) => told.push(error.message));
    const client = connect(typeof path === 'string' ? { path } : { port: (server.address() as AddressInfo).port });
    client.end();
    await new Promise((resolve) => client.on('close', resolve));
    await expect.poll(() => told).toContain('closed');
    server.close();
    await new Promise((resolve) => server.on('close', resolve));
    expect(told).toEqual(['finished', 'closed']);
  }
});

test('a socket that fails has taken nothing', async () => {
  const failing = (fail: (done: () => void) => void): SocketTransport => {
    const write = (_bytes: unknown, _encoding: unknown, done: (error: Error) => void): void => {
      fail(() => done(new Error('broken')));
    };
    const transport = new SocketTransport(new Duplex({ read() {}, write }) as Socket, false, true);
    transport.open({ received() {}, finished() {}, closed() {} });
    return transport;
  };
  const atOnce = failing((done) => done());
  expect(atOnce.write(Buffer.from('a'))).toBe(false);
  expect(await atOnce.flushed()).toBe(false);
  const later = failing((done) => setImmediate(done));
  expect(later.write(Buffer.from('a'))).toBe(false);
  expect(await later.flushed()).toBe(false);
});
