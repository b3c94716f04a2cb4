import { expect, onTestFinished, test } from 'vitest';
import { nodeResponder, type NodeApplication } from '@onezero/server';
import { parse, start } from '../exchange.ts';

test.each<[string, NodeApplication]>([
  [
    'many fields',
    (_, response) => {
      response.setHeader(
        'Set-Cookie',
        Array.from({ length: 400 }, (_value, index) => `c${index}=1`),
      );
      response.end('whole');
    },
  ],
  ['a long field', (_, response) => response.setHeader('X-Long', 'x'.repeat(50_000)).end('whole')],
  [
    'long early hints',
    (_, response) => {
      response.writeEarlyHints({
        link: Array.from({ length: 300 }, (_value, index) => `</${'a'.repeat(150)}${index}>; rel=preload`),
      });
      response.end('whole');
    },
  ],
  [
    'long trailers',
    (_, response) => {
      response.setHeader('Trailer', 'X-End');
      response.write('whole');
      response.addTrailers({ 'X-End': 'x'.repeat(20_000) });
      response.end();
    },
  ],
])('an application of node:http may send %s', async (_, application) => {
  const running = await start({ routes: [{ responder: nodeResponder(application) }] });
  onTestFinished(() => running.close());
  const text = await running.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const { status, content } = parse(text.replace(/^HTTP\/1\.1 103[^]*?\r\n\r\n/, ''));
  expect([status, content.replaceAll(/^\d+\r\n|\r\n0?\r?\n?/g, '').startsWith('whole')]).toEqual([200, true]);
});
