// An upstream that answers and leaves in the middle of an upload, over a real connection.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { UpstreamExchange } from '../../src/proxy/upstream-exchange.ts';
import { request } from '../request.ts';

test('gives what an upstream answered before it left, though the upload cannot be written any more', async () => {
  let leave = (): void => {};
  const hasLeft = new Promise<void>((resolve) => (leave = resolve));
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.pause();
      // All in one turn: the next piece of the upload is written before anything is read.
      socket.write(`HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large`, () => {
        socket.resetAndDestroy();
        leave();
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => void (await new Promise((resolve) => server.close(resolve))));
  const upload = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(1000);
    await hasLeft;
    yield Buffer.alloc(1000);
    yield Buffer.alloc(1000);
  };
  const exchange = new UpstreamExchange(request({ method: 'POST', contentLength: 3000, content: upload() }), {
    socket: connect((server.address() as AddressInfo).port, '127.0.0.1'),
    origin: 'http://upstream:1',
    target: '/x',
    fields: [['host', 'upstream']],
    connectTimeoutMs: 60_000,
  });
  expect((await exchange.head).head.status).toBe(413);
  let content = '';
  for await (const bytes of exchange) content += Buffer.from(bytes).toString('latin1');
  expect(content).toBe('too large');
});
