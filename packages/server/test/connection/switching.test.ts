import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AccessLogEntry, Route, ServerOptions } from '../../src/options.ts';
import { parse, readAll, readUntil, start, type Running } from '../exchange.ts';

const ASK = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

async function serve(responder: Route['responder'], options: ServerOptions = {}): Promise<Running> {
  const running = await start({ ...options, routes: [{ responder }] });
  onTestFinished(() => running.close());
  return running;
}

const echo: Route['responder'] = () => ({
  status: 101,
  fields: [['upgrade', 'echo']],
  upgrade: (stream) => void stream.pipe(stream),
});

async function connected({ connect }: Running): Promise<Socket> {
  const socket = await connect();
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe('a responder that switches protocols', () => {
  test('gets the raw connection, and first what came with the head', async () => {
    const entries: AccessLogEntry[] = [];
    const running = await serve(echo, { accessLog: (entry) => entries.push(entry) });
    const socket = await connected(running);
    const all = readAll(socket);
    socket.write(`${ASK}glued`);
    await readUntil(socket, /glued$/);
    socket.write(' and later');
    await readUntil(socket, /later$/);
    expect(running.server.requests).toBe(1);
    socket.end();
    const text = await all;
    expect(text).toMatch(
      /^HTTP\/1\.1 101 Switching Protocols\r\n[^]*upgrade: echo\r\nconnection: upgrade\r\n\r\nglued and later$/,
    );
    await expect.poll(() => entries).toMatchObject([{ status: 101, complete: true, contentBytes: 15 }]);
    expect(running.server.connections).toBe(0);
  });

  test('is slowed by a client that does not read, and loses nothing', async () => {
    const total = 20_000_000;
    const running = await serve(() => ({
      status: 101,
      fields: [['upgrade', 'echo']],
      upgrade: (stream) => {
        stream.write(Buffer.alloc(total, 'x'));
        stream.end();
      },
    }));
    const socket = await connected(running);
    socket.pause();
    socket.write(ASK);
    await new Promise((resolve) => setImmediate(resolve));
    socket.resume();
    const text = await readAll(socket);
    expect(text.length - text.indexOf('\r\n\r\n') - 4).toBe(total);
  });

  test('sees a net.Socket with the addresses of both ends', async () => {
    const running = await serve(() => ({
      status: 101,
      fields: [['upgrade', 'x']],
      upgrade: (stream) => {
        stream.setNoDelay(true).setKeepAlive(true).ref().unref();
        const { address } = stream.address() as { address: string };
        stream.end(`${stream.remoteAddress} ${stream.localPort === running.port} ${address} ${stream.readyState}`);
      },
    }));
    const socket = await connected(running);
    socket.write(ASK);
    expect(await readAll(socket)).toMatch(/\r\n\r\n127\.0\.0\.1 true 127\.0\.0\.1 open$/);
  });

  test.each([
    ['a request that offers nothing', ASK.replace('Upgrade: echo\r\n', '')],
    ['h2c', ASK.replace('echo', 'h2c')],
    ['a request with content', ASK.replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\nx')],
  ])('is refused in answer to %s', async (_, bytes) => {
    const running = await serve(echo, { onError: () => undefined });
    expect(parse(await running.exchange(bytes)).status).toBe(500);
  });

  test('is told when its client resets', async () => {
    let closed!: () => void;
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const running = await serve(() => ({
      status: 101,
      fields: [['upgrade', 'x']],
      upgrade: (stream) => {
        stream.resume();
        stream.on('close', closed);
      },
    }));
    const socket = await connected(running);
    socket.write(ASK);
    await readUntil(socket, /\r\n\r\n/);
    socket.resetAndDestroy();
    await isClosed;
    await expect.poll(() => running.server.connections).toBe(0);
  });

  test('loses its connection after the silence time-out, and at the end of the grace', async () => {
    const running = await serve(echo, { limits: { silenceTimeoutMs: 200 } });
    const silent = await connected(running);
    silent.write(ASK);
    expect(await readAll(silent)).toMatch(/^HTTP\/1\.1 101/);
    const other = await serve(echo);
    const kept = await connected(other);
    const all = readAll(kept);
    kept.write(`${ASK}x`);
    await readUntil(kept, /x$/);
    await other.server.close({ graceMs: 10 });
    expect(await all).toMatch(/x$/);
  });
});

test('interim responses leave before the answer, for HTTP/1.1 only and without what is the server’s to say', async () => {
  const running = await serve((request) => {
    request.inform?.(103, [
      ['link', '</a.css>; rel=preload'],
      ['content-length', '1'],
      ['Connection', 'close'],
    ]);
    expect(() => request.inform?.(100, [])).toThrow(RangeError);
    return { status: 200, fields: [], content: Buffer.from('x') };
  });
  expect(await running.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200/,
  );
  expect(await running.exchange('GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200/);
});

test('interim responses to a client that does not read are left out once many wait', async () => {
  const hint = [['link', `<${'a'.repeat(10_000)}>`]] as const;
  const running = await serve((request) => {
    // Nobody can read in this turn: the system takes some megabytes.
    for (let count = 0; count < 5000; count++) request.inform?.(103, hint);
    return { status: 200, fields: [], content: Buffer.from('x') };
  });
  const text = await running.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(text).toMatch(/\r\n\r\nx$/);
  expect(text.length).toBeLessThan(25_000_000);
});
