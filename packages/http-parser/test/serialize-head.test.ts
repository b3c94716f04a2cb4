// Whatever is written can be read, by our own parser and by Node's, and says the same.

import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Field, RequestParser, ResponseParser } from '../src/index.ts';
import { serializeHead, SerializeError } from '../src/serializer.ts';

/** Names and values that mean something to framing are many among them, rightly written and not. */
const names = fc.constantFrom(
  'a',
  'X-B',
  'content-length',
  'Transfer-Encoding',
  'connection',
  'host',
  'set-cookie',
  'a b',
  '',
  'é',
  'a:',
);
const values = fc.constantFrom(
  '',
  'x',
  ' x ',
  'é',
  '5',
  '0',
  '05',
  '-1',
  '9007199254740992',
  'chunked',
  'Chunked',
  'gzip',
  'a\r\nb: c',
  '\0',
  'close',
  '日',
);
const fields: fc.Arbitrary<Field[]> = fc.array(fc.tuple(names, values), { maxLength: 5 });

const trimmed = (all: readonly Field[]): readonly Field[] =>
  all.map(([name, value]) => [name.toLowerCase(), value.replace(/^[ \t]+|[ \t]+$/g, '')]);

/** The head as bytes, or undefined where it is refused. */
function written(head: Parameters<typeof serializeHead>[0]): Uint8Array | undefined {
  try {
    return serializeHead(head);
  } catch (error) {
    if (error instanceof SerializeError) return undefined;
    throw error;
  }
}

describe('what is written is read as it was meant', () => {
  test('a request, in 1.0 and 1.1', () => {
    const methods = fc.constantFrom('GET', 'POST', 'OPTIONS', 'CONNECT', 'get', 'M-SEARCH', '', 'A B');
    const targets = fc.constantFrom('/', '/a?b', '*', 'a:80', 'http://a/b', '', '/ a', '/#', '/\u00e9', 'a');
    const version = fc.constantFrom('1.0' as const, '1.1' as const);
    fc.assert(
      fc.property(methods, targets, version, fields, fc.boolean(), (method, target, version, others, hasHost) => {
        const all: readonly Field[] = hasHost ? [['Host', 'a.example'], ...others] : others;
        const bytes = written({ method, target, version, fields: all });
        if (bytes === undefined) return;
        const [event] = new RequestParser().push(bytes);
        if (event?.type !== 'head')
          throw new Error(`not read: ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`);
        expect([event.head.method, event.head.target, event.head.version]).toEqual([method, target, version]);
        expect(event.head.fields).toEqual(trimmed(all));
      }),
      { numRuns: 5000 },
    );
  });

  test('a response, to any method', () => {
    const statuses = fc.constantFrom(100, 103, 200, 204, 205, 304, 404, 599, 999);
    const reasons = fc.constantFrom(undefined, '', 'OK', 'So \u00e9', 'a\tb', 'a\r\nb', '日');
    const version = fc.constantFrom('1.0' as const, '1.1' as const);
    const methods = fc.constantFrom('GET', 'HEAD', 'CONNECT');
    fc.assert(
      fc.property(statuses, reasons, version, fields, methods, (status, reason, version, all, method) => {
        const bytes = written({ status, reason, version, fields: all });
        if (bytes === undefined) return;
        const parser = new ResponseParser();
        parser.next({ method });
        const [event] = parser.push(bytes);
        if (event === undefined || !('head' in event)) {
          throw new Error(`not read: ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`);
        }
        expect([event.head.status, event.head.version]).toEqual([status, version]);
        expect(event.head.fields).toEqual(trimmed(all));
        if (reason !== undefined) expect(event.head.reason).toBe(reason);
      }),
      { numRuns: 5000 },
    );
  });

  test('by a server of Node', async () => {
    const seen: IncomingMessage[] = [];
    const server = createServer((message, response) => {
      seen.push(message);
      response.end();
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const all: readonly Field[] = [
      ['Host', 'a.example:80'],
      ['X-Latin', 'caf\u00e9'],
      ['x-empty', ''],
      ['connection', 'close'],
    ];
    const bytes = serializeHead({ method: 'PROPFIND', target: '/a%20b?c=d', fields: all });
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
      socket
        .on('error', reject)
        .on('close', () => resolve())
        .resume();
    });
    const [message] = seen;
    expect([message?.method, message?.url, message?.httpVersion]).toEqual(['PROPFIND', '/a%20b?c=d', '1.1']);
    expect(message?.headers).toMatchObject({
      host: 'a.example:80',
      'x-latin': 'caf\u00e9',
      'x-empty': '',
      connection: 'close',
    });
  });

  test('by a client of Node', async () => {
    const head = serializeHead({
      status: 418,
      reason: 'So \u00e9',
      fields: [
        ['content-length', '2'],
        ['Set-Cookie', 'a'],
        ['set-cookie', 'b'],
      ],
    });
    const server = createTcpServer((socket) => {
      socket.once('data', () => socket.end(Buffer.concat([head, Buffer.from('ok')])));
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ port, host: '127.0.0.1', agent: false }, resolve).on('error', reject).end();
    });
    message.resume();
    expect([message.statusCode, message.headers['set-cookie'], message.headers['content-length']]).toEqual([
      418,
      ['a', 'b'],
      '2',
    ]);
  });
});
