import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestMessage } from '@onezero/server';
import { parse, start, textResponse, type Running } from './exchange.ts';

describe('a connection', () => {
  let running: Running;

  beforeAll(async () => {
    running = await start({
      routes: [
        { path: '/hello', responder: () => textResponse('hello') },
        { path: '/path', responder: ({ pathInfo }: RequestMessage) => textResponse(pathInfo) },
        { path: '/echo', responder: ({ content }: RequestMessage) => ({ status: 200, fields: [], content }) },
        {
          path: '/later',
          responder: async () => {
            await new Promise((resolve) => setImmediate(resolve));
            return textResponse('later');
          },
        },
      ],
    });
  });

  afterAll(() => running.close());

  test('answers a request of each version', async () => {
    expect(await running.exchange('GET /hello\r\n')).toBe('hello');
    const old = await running.exchange('GET /hello HTTP/1.0\r\n\r\n');
    expect(old).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*content-length: 5\r\nconnection: close\r\n\r\nhello$/);
    const current = await running.exchange('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(current).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*content-length: 5\r\n\r\nhello$/);
  });

  test('answers pipelined requests in order, whether at once or later', async () => {
    const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const text = await running.exchange(
      request('/later') + request('/path/1') + request('/later') + request('/path/2'),
    );
    expect(text.match(/\r\n\r\n(later|\/\d)/g)).toEqual(['\r\n\r\nlater', '\r\n\r\n/1', '\r\n\r\nlater', '\r\n\r\n/2']);
  });

  test('answers as many pipelined requests as a client sends, each after a wait', async () => {
    const request = `GET /later HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(1000)}\r\n\r\n`;
    const text = await running.exchange(request.repeat(1000));
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(Array.from({ length: 1000 }, () => 'HTTP/1.1 200'));
  });

  test('sends answers that are due before an error', async () => {
    const text = await running.exchange('GET /later HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*laterHTTP\/1\.1 400 [^]*connection: close/);
  });

  test('carries content of all octets, framed either way, in any pieces', async () => {
    const octets = String.fromCharCode(...Array.from({ length: 256 }, (_, octet) => octet));
    const plain = await running.exchange(['POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 256\r\n\r\n', octets]);
    expect(parse(plain).content).toBe(`100\r\n${octets}\r\n0\r\n\r\n`);
    const old = await running.exchange(['POST /echo HTTP/1.0\r\nContent-Length: 256\r\n\r\n', octets]);
    expect(parse(old).content).toBe(octets);
    const chunked = [
      'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n',
      `${octets}\r\n0\r\n\r\n`,
    ];
    expect(parse(await running.exchange(chunked)).content).toContain(octets);
  });
});
