import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeResponder, type NodeApplication } from '@onezero/server';
import { readUntil, start } from '../exchange.ts';

const turns = async (): Promise<void> => {
  for (let count = 0; count < 5; count++) await new Promise((resolve) => setImmediate(resolve));
};

/** A stream that ends some turns behind its last byte, as those of files do. */
async function* lateStream(): AsyncGenerator<string> {
  yield 'content';
  await turns();
}

const APPLICATIONS: [string, string, NodeApplication][] = [
  [
    'content of a known length, from a stream',
    'GET',
    async (_, response) => {
      response.setHeader('Content-Length', 7);
      await pipeline(Readable.from(lateStream()), response);
    },
  ],
  [
    'a head to HEAD',
    'HEAD',
    async (_, response) => {
      response.flushHeaders();
      await turns();
      response.end();
    },
  ],
  [
    'a 204',
    'GET',
    async (_, response) => {
      response.statusCode = 204;
      response.flushHeaders();
      await turns();
      response.end();
    },
  ],
];

describe('an application of node:http that ends its response some turns behind the last byte', () => {
  test.each(APPLICATIONS)('is let to its end: %s', async (_, method, application) => {
    const events: string[] = [];
    const followed: NodeApplication = async (request, response) => {
      for (const name of ['finish', 'close']) response.once(name, () => events.push(name));
      request.once('aborted', () => events.push('aborted'));
      try {
        await application(request, response);
      } catch {
        events.push('failed');
      }
    };
    const running = await start({ routes: [{ responder: nodeResponder(followed) }] });
    onTestFinished(() => running.close());
    const client = await running.connect();
    const ask = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
    client.write(ask + ask);
    await readUntil(client, /HTTP\/1\.1 2[^]*HTTP\/1\.1 2/);
    await expect.poll(() => events).toEqual(['finish', 'close', 'finish', 'close']);
    client.destroy();
  });
});

test('one that never ends a response whose bytes are out is told when its client leaves', async () => {
  let isClosed = false;
  const responder = nodeResponder((_, response) => {
    response.once('close', () => (isClosed = true));
    response.setHeader('Content-Length', 7);
    response.write('content');
  });
  const running = await start({ routes: [{ responder }] });
  onTestFinished(() => running.close());
  const client = await running.connect();
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await readUntil(client, /content$/);
  client.resetAndDestroy();
  await expect.poll(() => isClosed).toBe(true);
});
