// Whatever a client sends, in whatever pieces, and however it ends: nothing throws, nothing stays.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RequestMessage, ResponseLike } from '../../src/message/message.ts';
import type { ServerOptions } from '../../src/options.ts';
import { fetchResponder } from '../../src/responders/fetch.ts';
import { nodeResponder } from '../../src/responders/node.ts';
import { play, settle } from './engine.ts';

async function echo({ content }: RequestMessage): Promise<ResponseLike> {
  let bytes = 0;
  for await (const chunk of content) bytes += chunk.length;
  return { status: 200, content: String(bytes) };
}

function tunnel({ upgrade }: RequestMessage): ResponseLike {
  if (upgrade === undefined) return { status: 426, fields: [['upgrade', 'x']] };
  return { status: 101, fields: [['upgrade', 'x']], upgrade: (stream) => void stream.pipe(stream) };
}

const OPTIONS: ServerOptions = {
  live: true,
  routes: [
    { path: '/echo', responder: echo },
    { path: '/fetch', responder: fetchResponder(async (given) => new Response(await given.arrayBuffer())) },
    {
      path: '/node',
      responder: nodeResponder((asked, response) => {
        asked.on('error', () => {}).on('end', () => response.end('ok'));
        asked.resume();
      }),
    },
    { path: '/up', responder: tunnel },
    { responder: () => ({ status: 200, fields: [['content-type', 'text/html']], content: '<p>' }) },
  ],
};

const HEAD = 'HTTP/1.1\r\nHost: a\r\n';
const requests = fc.constantFrom(
  `GET / ${HEAD}Accept: text/html\r\n\r\n`,
  `POST /node ${HEAD}Content-Length: 3\r\n\r\nabc`,
  `POST /echo ${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  `POST /fetch ${HEAD}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`,
  `GET /up ${HEAD}Connection: upgrade\r\nUpgrade: x\r\n\r\n`,
  `HEAD /fetch ${HEAD}\r\n`,
  'GET /node HTTP/1.0\r\n\r\n',
);
const scraps = fc.constantFrom(
  'GET ',
  'CONNECT ',
  'BREW ',
  'OPTIONS ',
  '/',
  '/echo',
  '/up',
  '*',
  'http://a/',
  'a:1',
  ' HTTP/1.1\r\n',
  ' HTTP/1.0\r\n',
  'Host: a\r\n',
  'Host: 999.1.1.1\r\n',
  'Connection: close\r\n',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Upgrade: x\r\n',
  'Expect: 100-continue\r\n',
  '\r\n',
  '\n',
  '\r',
  '3\r\nabc\r\n',
  '0\r\n\r\n',
  'abc',
  ':',
  ' ',
  '\0',
  'é',
);

const strays: unknown[] = [];
const stray = (error: unknown): void => void strays.push(error);
beforeAll(() => void process.on('uncaughtException', stray).on('unhandledRejection', stray));
afterAll(() => void process.off('uncaughtException', stray).off('unhandledRejection', stray));

test('a connection is over when its client leaves, finishes or falls silent, and so is all that it asked for', async () => {
  const texts = fc.array(fc.oneof(requests, scraps), { maxLength: 12 }).map((parts) => parts.join(''));
  const cuts = fc.array(fc.nat(), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      texts,
      cuts,
      fc.boolean(),
      fc.constantFrom('leaves', 'finishes', 'is silent'),
      async (text, places, isSlow, how) => {
        const played = play(OPTIONS);
        const positions = places.map((place) => place % (text.length + 1)).toSorted((a, b) => a - b);
        let from = 0;
        for (const to of [...positions, text.length]) {
          void played.send(text.slice(from, to));
          from = to;
          if (isSlow) await settle(1);
        }
        await settle(2);
        if (how === 'finishes') played.connection.finished();
        if (how !== 'leaves') {
          // Longer than any time-out; what waits for content is timed by the real clock.
          for (let step = 0; step < 60 && played.isWhole() === undefined; step++) {
            played.clock.pass(400_000, 100_000);
            await settle(1);
          }
          const { exchange } = played.connection;
          expect(played.isWhole() === undefined && exchange?.content?.isAwaited !== true, text).toBe(false);
        }
        played.transport.leaveAsClient();
        await settle(4);
        expect([played.service.underWay, played.closed(), played.clock.watched.size]).toEqual([0, 1, 0]);
        expect(strays).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});
