import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Connection, openConnection } from '../../src/fastcgi/connection.ts';
import { FakeSocket } from './socket.ts';

const TIME_MS = 60_000;

describe('Connection', () => {
  test('closes where something comes while nothing was asked', async () => {
    const fake = new FakeSocket();
    const connection = new Connection(fake.socket);
    fake.connection = connection;
    connection.rest(true);
    expect([connection.isOpen, fake.isReferenced, connection.hasServed]).toEqual([true, false, true]);
    fake.say(Buffer.from('x'));
    await expect.poll(() => connection.isOpen).toBe(false);
  });

  test('is not open any more when its application has closed it', async () => {
    const fake = new FakeSocket();
    const connection = new Connection(fake.socket);
    fake.connection = connection;
    connection.rest(true);
    fake.say(null);
    await expect.poll(() => connection.isOpen).toBe(false);
  });

  test('tells the request on it what comes and how it ends, and reads no more than that wants', async () => {
    const fake = new FakeSocket();
    const connection = new Connection(fake.socket);
    fake.connection = connection;
    const told: unknown[] = [];
    connection.receiver = {
      receive: (bytes) => told.push(bytes.toString()) !== 2,
      closed: (error) => told.push(error),
    };
    for (const text of ['one', 'two', 'three']) fake.say(Buffer.from(text));
    expect(told).toEqual(['one', 'two']);
    connection.resume();
    expect(told).toEqual(['one', 'two', 'three']);
    const error = new Error('reset');
    fake.destroy(error);
    await expect.poll(() => told[3]).toBe(error);
  });

  test('reads nothing more where its request is over', () => {
    const fake = new FakeSocket();
    fake.connection = new Connection(fake.socket);
    fake.say(Buffer.from('late'));
    expect([fake.isHeld, fake.destroyed]).toEqual([true, false]);
  });
});

describe('openConnection', () => {
  async function listening(answer: (socket: Socket) => void): Promise<number> {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(async () => void (await new Promise((resolve) => server.close(resolve))));
    return (server.address() as AddressInfo).port;
  }

  test('gives a connection that no timer or listener of its opening is left on', async () => {
    const port = await listening(() => {});
    const { socket } = await openConnection({ host: '127.0.0.1', port }, TIME_MS);
    expect([socket.timeout, socket.listenerCount('error'), socket.pending]).toEqual([0, 1, false]);
    expect(['timeout', 'connect'].map((name) => socket.listenerCount(name))).toEqual([0, 0]);
    socket.destroy();
  });

  test('reads what its application wrote before it left, where a write fails', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'onezero-connection-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'socket');
    let hasLeft = false;
    const server = createServer((socket) => {
      socket.on('close', () => (hasLeft = true)).on('error', () => {});
      socket.once('data', () => socket.pause().write(Buffer.alloc(150_000), () => socket.destroy()));
    }).listen(path);
    await once(server, 'listening');
    onTestFinished(async () => void (await new Promise((resolve) => server.close(resolve))));
    const connection = await openConnection({ path }, TIME_MS);
    let [bytes, ends] = [0, 0];
    connection.receiver = {
      receive: (_, count) => (bytes += count) < 0,
      closed: () => ends++,
    };
    connection.write('x');
    await expect.poll(() => hasLeft && bytes > 0).toBe(true);
    expect(bytes).toBeLessThan(150_000);
    connection.socket.write('y');
    await expect.poll(() => ends).toBeGreaterThan(0);
    expect(bytes).toBe(150_000);
  });

  test('is closed although its application reads nothing more', async () => {
    const theirs: Socket[] = [];
    const port = await listening((socket) => void theirs.push(socket.pause()));
    const connection = await openConnection({ host: '127.0.0.1', port }, TIME_MS);
    connection.write('x'.repeat(50_000_000));
    expect(connection.socket.writableLength).toBeGreaterThan(0);
    connection.leave();
    await expect.poll(() => connection.socket.destroyed, { timeout: TIME_MS }).toBe(true);
    for (const socket of theirs) socket.destroy();
  });

  test('rejects where nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await expect(openConnection({ host: '127.0.0.1', port }, TIME_MS)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(openConnection({ path: '/no/such/socket' }, TIME_MS)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('sends all of a text, more than the system takes at once, in order with what follows', async () => {
    const got: Buffer[] = [];
    let reader: Socket | undefined;
    const port = await listening((socket) => (reader = socket.pause()));
    const connection = await openConnection({ host: '127.0.0.1', port }, TIME_MS);
    connection.write(`a${'\xff'.repeat(8_000_000)}`);
    connection.write('b');
    connection.socket.end('c');
    await expect.poll(() => reader).toBeDefined();
    for await (const bytes of reader as Socket) got.push(bytes as Buffer);
    const all = Buffer.concat(got).toString('latin1');
    expect([all.length, all.slice(0, 2), all.slice(-3)]).toEqual([8_000_003, 'a\xff', '\xffbc']);
  });

  test('tells the request on it where the application has gone, and throws nothing', async () => {
    const port = await listening((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const connection = await openConnection({ host: '127.0.0.1', port }, TIME_MS);
    let isTold = false;
    connection.receiver = { receive: () => true, closed: () => (isTold = true) };
    for (let count = 0; count < 3; count++) connection.write('x');
    await expect.poll(() => isTold).toBe(true);
    connection.write('y');
  });

  test('tells of an end behind what came last, and of nothing more', async () => {
    const port = await listening((socket) => void socket.end('bye'));
    const connection = await openConnection({ host: '127.0.0.1', port }, TIME_MS);
    const told: string[] = [];
    connection.receiver = {
      receive: (bytes, count) => told.push(bytes.toString('latin1', 0, count)) > 0,
      closed: (error) => told.push(`closed ${error}`),
    };
    await expect.poll(() => connection.socket.closed).toBe(true);
    expect([...new Set(told)]).toEqual(['bye', 'closed undefined']);
    expect(told[0]).toBe('bye');
  });

  test.each(['past their sockets', 'by them'])('never mixes what comes over several, read %s', async (way) => {
    if (way === 'by them') vi.stubEnv('ONEZERO_NO_SHARED_READS', '1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const port = await listening((socket) => {
      socket.on('error', () => {});
      socket.once('data', (mark) => socket.end(Buffer.alloc(300_000, mark)));
    });
    const read = async (mark: string, isSlow: boolean): Promise<void> => {
      const connection = await openConnection({ host: '127.0.0.1', port }, TIME_MS);
      let length = 0;
      let wrong = 0;
      await new Promise<void>((resolve) => {
        connection.receiver = {
          receive: (bytes, count) => {
            length += count;
            if (bytes.subarray(0, count).some((byte) => byte !== mark.charCodeAt(0))) wrong++;
            if (isSlow) setImmediate(() => connection.resume());
            return !isSlow;
          },
          closed: () => resolve(),
        };
        connection.socket.write(mark);
      });
      expect([length, wrong]).toEqual([300_000, 0]);
    };
    await Promise.all('abcdefgh'.split('').map(async (mark, index) => read(mark, index % 2 === 0)));
  });
});
