// Byte strings past the socket's own queue: all of them, in order, also when the system takes them in parts or not at all.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { writeDirectly, writePieces } from '../../src/exchange/direct-write.ts';
import { makeSite } from '../site.ts';

async function pair(): Promise<{ near: Socket; far: Socket }> {
  const path = makeSite().path('socket');
  const server = createServer({ pauseOnConnect: true }).listen(path);
  await once(server, 'listening');
  const near = connect(path);
  const [[far]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(near, 'connect')]);
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('what the system does not take waits in the socket, and nothing overtakes it', async () => {
  const { near, far } = await pair();
  let sent = '';
  for (let number = 0; number < 300; number++) {
    const text = `${number} \xe9\xff`.repeat(1 + (number % 7) * 2000);
    writeDirectly(near, text);
    sent += text;
  }
  expect(near.writableLength).toBeGreaterThan(0);
  near.end();
  expect((await readAll(far)).equals(Buffer.from(sent, 'latin1'))).toBe(true);
});

test('pieces may be used again at once, whether or not they have left', async () => {
  const { near, far } = await pair();
  const sent: Buffer[] = [];
  const shared = Buffer.alloc(70_000);
  const header = Buffer.alloc(8);
  let rooms = 0;
  for (let number = 0; number < 200; number++) {
    const piece = shared.subarray(0, 1 + ((number * 7919) % shared.length)).fill(number);
    header.fill(255 - number);
    sent.push(Buffer.from(header), Buffer.from(piece));
    if (writePieces(near, [header, piece])) rooms++;
  }
  expect(rooms).toBeGreaterThan(0);
  expect(rooms).toBeLessThan(200);
  near.end();
  expect((await readAll(far)).equals(Buffer.concat(sent))).toBe(true);
});

test('it goes behind what the socket has been given', async () => {
  const { near, far } = await pair();
  near.cork();
  near.write('first ');
  writeDirectly(near, 'second');
  near.uncork();
  near.end();
  expect((await readAll(far)).toString()).toBe('first second');
});

test('a worker that is gone is an error of the socket', async () => {
  const { near, far } = await pair();
  far.destroy();
  await once(far, 'close');
  const failed = once(near, 'error').catch((error: unknown) => [error]);
  for (let count = 0; count < 100 && !near.destroyed; count++) writeDirectly(near, 'x'.repeat(1000));
  const [error] = (await failed) as [NodeJS.ErrnoException];
  expect(error.code).toMatch(/^(?:EPIPE|ECONNRESET)$/);
  writeDirectly(near, 'nobody reads this');
});
