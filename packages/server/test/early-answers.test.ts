import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fetchResponder, nodeResponder } from '@onezero/server';
import type { Responder } from '@onezero/server';
import { readUntil, start, textResponse } from './exchange.ts';

/** What reading came to. */
type Outcome = { readonly length: number } | { readonly error: unknown };

const SIZE = 300_000;

const outcomeOf = (reading: Promise<{ length: number }>): Promise<Outcome> =>
  reading.then(
    ({ length }) => ({ length }),
    (error: unknown) => ({ error }),
  );

/** Responders that answer at once, and then read. */
const EARLY: [string, (tell: (outcome: Promise<Outcome>) => void) => Responder][] = [
  [
    'a responder',
    (tell) => (request) => {
      tell(outcomeOf(text(request.content)));
      return textResponse('early');
    },
  ],
  [
    'an application of fetch',
    (tell) =>
      fetchResponder((request) => {
        tell(outcomeOf(request.text()));
        return new Response('early');
      }),
  ],
  [
    'an application of node:http',
    (tell) =>
      nodeResponder((request, response) => {
        response.end('early');
        tell(outcomeOf(text(request)));
      }),
  ],
];

function head(framing: string, connection = 'keep-alive'): string {
  return `POST / HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n${framing}\r\n\r\n`;
}

const LENGTH = `Content-Length: ${SIZE}`;

const FRAMINGS: [string, string, string][] = [
  [LENGTH, 'x'.repeat(SIZE), ''],
  ['Transfer-Encoding: chunked', `${SIZE.toString(16)}\r\n${'x'.repeat(SIZE)}`, '\r\n0\r\n\r\n'],
];

describe.each(EARLY)('%s that has answered', (_, make) => {
  test.each(FRAMINGS)('reads on to the end, and the next request follows: %s', async (framing, content, rest) => {
    const outcomes: Promise<Outcome>[] = [];
    const running = await start({ routes: [{ responder: make((outcome) => outcomes.push(outcome)) }] });
    onTestFinished(() => running.close());
    const client = await running.connect();
    client.write(head(framing));
    await readUntil(client, /early/);
    client.write(content + rest);
    client.write(head('Content-Length: 0'));
    await readUntil(client, /early/);
    expect(await Promise.all(outcomes)).toEqual([{ length: SIZE }, { length: 0 }]);
    client.destroy();
  });

  test('gets no part for the whole where the connection ends with the answer', async () => {
    const outcomes: Promise<Outcome>[] = [];
    const running = await start({ routes: [{ responder: make((outcome) => outcomes.push(outcome)) }] });
    onTestFinished(() => running.close());
    const client = await running.connect();
    client.write(head(FRAMINGS[1]![0], 'close') + FRAMINGS[1]![1].slice(0, 1000));
    await readUntil(client, /early/);
    client.end();
    expect(await outcomes[0]).toEqual({ error: expect.any(Error) });
  });

  test('gets no part for the whole where the client leaves', async () => {
    const outcomes: Promise<Outcome>[] = [];
    const running = await start({ routes: [{ responder: make((outcome) => outcomes.push(outcome)) }] });
    onTestFinished(() => running.close());
    const client = await running.connect();
    client.write(head(LENGTH) + 'x'.repeat(1000));
    await readUntil(client, /early/);
    client.resetAndDestroy();
    expect(await outcomes[0]).toEqual({ error: expect.any(Error) });
  });
});

test('a reader that stops after the answer does not keep the next request waiting', async () => {
  const responder: Responder = async ({ content, contentLength }) => {
    if (contentLength !== 0) await content[Symbol.asyncIterator]().next();
    return textResponse('early');
  };
  const running = await start({ limits: { drainTimeoutMs: 0 }, routes: [{ responder }] });
  onTestFinished(() => running.close());
  const client = await running.connect();
  client.write(head(LENGTH) + 'x');
  await readUntil(client, /early/);
  client.write('x'.repeat(SIZE - 1) + head('Content-Length: 0'));
  await readUntil(client, /early/);
  client.destroy();
});
