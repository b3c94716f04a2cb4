// Upgrades that are refused, or over at once, as users of WebSocket libraries do it: with the socket alone.

import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { nodeResponder } from '@onezero/server';
import { readAll, start } from '../exchange.ts';

const ASK = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: echo\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

/** All that a client gets of an application that does something with the socket of an upgrade. */
async function got(handle: (socket: Socket) => void): Promise<string> {
  const http = createServer().on('upgrade', (_, socket) => handle(socket as Socket));
  const running = await start({ reportErrors: false, routes: [{ responder: nodeResponder(http) }] });
  onTestFinished(() => running.close());
  return running.exchange(ASK, { halfClose: false });
}

test.each<[string, RegExp, (socket: Socket) => void]>([
  [
    'written and destroyed',
    /^HTTP\/1\.1 401 Unauthorized\r\n[^]*\r\n\r\n/,
    (socket) => {
      socket.write('HTTP/1.1 401 Unauthorized\r\n\r\n');
      socket.destroy();
    },
  ],
  [
    'with content that ends where the socket does',
    /^HTTP\/1\.1 401 Unauthorized\r\n[^]*\r\n\r\n[^]*not you/,
    (socket) => {
      socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\n\r\nnot you');
      socket.destroy();
    },
  ],
  ['ended', /^HTTP\/1\.1 403 No\r\n/, (socket) => socket.end('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')],
  ['nothing but a closed socket', /^HTTP\/1\.1 500 /, (socket) => socket.destroy()],
  [
    'cut short of its length',
    /^HTTP\/1\.1 500 /,
    (socket) => {
      socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\n');
      socket.destroy();
    },
  ],
])('a refusal that is %s', async (_, expected, handle) => {
  expect(await got(handle)).toMatch(expected);
});

test.each<[string, string, (socket: Socket) => void]>([
  [
    'destroyed in the same turn',
    '',
    (socket) => {
      socket.write(SWITCH);
      socket.destroy();
    },
  ],
  [
    'destroyed behind a last word',
    'bye',
    (socket) => {
      socket.write(SWITCH);
      socket.write('bye');
      socket.destroy();
    },
  ],
  [
    'ended in the same turn',
    'bye',
    (socket) => {
      socket.write(SWITCH);
      socket.end('bye');
    },
  ],
  [
    'begun with much',
    'x'.repeat(400_000),
    (socket) => {
      socket.cork();
      socket.write(SWITCH);
      socket.end('x'.repeat(400_000));
      socket.uncork();
    },
  ],
])('an upgrade that is %s', async (_, words, handle) => {
  const text = await got(handle);
  expect(text).toMatch(/^HTTP\/1\.1 101 /);
  expect(text.slice(text.indexOf('\r\n\r\n') + 4) === words).toBe(true);
});

test('an upgrade of a client that goes on talking to a destroyed socket', async () => {
  const http = createServer().on('upgrade', (_, socket) => {
    socket.write(SWITCH);
    socket.destroy();
  });
  const running = await start({ routes: [{ responder: nodeResponder(http) }] });
  onTestFinished(() => running.close());
  const client = await running.connect();
  client.write(`${ASK}and more`);
  await readAll(client);
  await expect.poll(() => running.server.connections).toBe(0);
  client.destroy();
});
