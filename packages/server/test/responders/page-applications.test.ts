// Error pages that applications make: they are asked like for any page, whatever the request was and what became of it.

import { expect, onTestFinished, test } from 'vitest';
import { fetchResponder, nodeResponder, type Responder } from '@onezero/server';
import { parse, start } from '../exchange.ts';

const APPLICATIONS: [string, Responder][] = [
  [
    'fetch',
    fetchResponder(async (request) => {
      request.signal.throwIfAborted();
      return new Response(`mine for ${request.method} with ${(await request.text()).length}`);
    }),
  ],
  [
    'node:http',
    nodeResponder((request, response) => {
      let length = 0;
      request.on('data', (bytes: Buffer) => (length += bytes.length));
      request.on('end', () => response.end(`mine for ${request.method} with ${length}`));
    }),
  ],
];

const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc';

test.each(APPLICATIONS)('an application of %s makes the page of a responder that read the content', async (_, page) => {
  const responder: Responder = async ({ content }) => {
    for await (const bytes of content) void bytes;
    throw new Error('after reading');
  };
  const running = await start({ reportErrors: false, errorPages: { 500: page }, routes: [{ responder }] });
  onTestFinished(() => running.close());
  expect(parse(await running.exchange(POST))).toMatchObject({ status: 500, content: 'mine for POST with 0' });
});

test.each(APPLICATIONS)('an application of %s makes the page of a responder that was given up', async (_, page) => {
  const responder: Responder = () => new Promise(() => {});
  const limits = { answerTimeoutMs: 50 };
  const running = await start({ reportErrors: false, limits, errorPages: { 503: page }, routes: [{ responder }] });
  onTestFinished(() => running.close());
  const text = await running.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', { halfClose: false });
  expect(parse(text).content).toContain('mine for GET with 0');
});
