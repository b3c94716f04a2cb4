// Eight clients who read large responses at 20 kB/s stall nobody else, however the application makes them.

import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { start, type Running } from './exchange.ts';

const READERS = 8;
const OTHERS = 40;
/** As in the application. What the kernel holds for a connection is less. */
const SIZE = 12_000_000;

const python = process.env['PYTHON'] ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');
const cwd = join(import.meta.dirname, '../../python/test/fixtures');
// The application keeps its file until it is killed.
const scratch = mkdtempSync(join(tmpdir(), 'onezero-slow-readers-'));
const env = { PYTHONDONTWRITEBYTECODE: '1', TMPDIR: scratch };
const common = { cwd, python, processes: 1, env, log: () => {} };

let running: Running;
beforeAll(async () => {
  running = await start({
    wsgi: { ...common, application: 'slow_readers:wsgi', path: '/wsgi', threads: 2 },
    asgi: { ...common, application: 'slow_readers:asgi', path: '/asgi' },
  });
  await running.server.ready();
});
afterAll(async () => {
  await running.close();
  rmSync(scratch, { recursive: true });
});

interface SlowReader {
  readonly socket: Socket;
  received: number;
}

/** Reads 2 kB each tenth of a second. */
async function readSlowly(path: string): Promise<SlowReader> {
  const socket = await running.connect();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await once(socket, 'readable');
  const reader = { socket, received: 0 };
  const timer = setInterval(() => {
    const piece = (socket.read(2000) ?? socket.read()) as Buffer | null;
    reader.received += piece?.length ?? 0;
  }, 100);
  onTestFinished(() => {
    clearInterval(timer);
    socket.destroy();
  });
  return reader;
}

const hello = async (mount: string): Promise<string> =>
  (await fetch(`http://127.0.0.1:${running.port}${mount}/hello`)).text();

test.each([
  '/wsgi/blocks',
  '/wsgi/whole',
  '/wsgi/file',
  '/wsgi/other-file',
  '/asgi/blocks',
  '/asgi/whole',
  '/asgi/path',
])('eight who read %s slowly stall nobody', async (path) => {
  const readers = await Promise.all(Array.from({ length: READERS }, () => readSlowly(path)));
  const mount = path.slice(0, '/wsgi'.length);
  const answers: string[] = [];
  for (let count = 0; count < OTHERS; count++) answers.push(await hello(mount));
  expect(answers).toEqual(Array.from({ length: OTHERS }, () => 'hello'));
  // Nobody was sent away, and nobody had all of it meanwhile.
  for (const { socket, received } of readers) {
    expect(received).toBeLessThan(SIZE / 2);
    expect(socket.readableEnded || socket.destroyed).toBe(false);
  }
  const [last] = readers;
  last!.socket.read();
  let rest = last!.received;
  last!.socket.on('data', (piece: Buffer) => (rest += piece.length));
  await expect.poll(() => rest).toBeGreaterThan(SIZE - 1_000_000);
});
