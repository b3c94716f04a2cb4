import { describe, expect, test } from 'vitest';
import type { Field, Version } from '../src/index.ts';
import {
  type AnsweredRequest,
  encodeChunk,
  type RequestHeadInput,
  reasonPhrase,
  RequestWriter,
  type ResponseContent,
  ResponseWriter,
  serializeHead,
  SerializeError,
} from '../src/serializer.ts';
import { bytesOf, textOf } from './replay.ts';

const written = (...pieces: readonly (Uint8Array | readonly Uint8Array[])[]): string =>
  pieces.flat().map(textOf).join('');

function request(method: string, version: Version = '1.1', more: Partial<AnsweredRequest> = {}): AnsweredRequest {
  return { persistent: version === '1.1', upgrade: undefined, head: { method, version }, ...more };
}

describe('serializeHead', () => {
  test('writes responses and requests', () => {
    expect(
      textOf(
        serializeHead({
          status: 200,
          fields: [
            ['a', 'b'],
            ['C', ''],
          ],
        }),
      ),
    ).toBe('HTTP/1.1 200 OK\r\na: b\r\nC: \r\n\r\n');
    expect(textOf(serializeHead({ status: 799, reason: 'So \u00e9', version: '1.0', fields: [] }))).toBe(
      'HTTP/1.0 799 So \u00e9\r\n\r\n',
    );
    expect(textOf(serializeHead({ method: 'GET', target: '/a?b', fields: [['host', 'a']] }))).toBe(
      'GET /a?b HTTP/1.1\r\nhost: a\r\n\r\n',
    );
    expect(textOf(serializeHead({ method: 'GET', target: '/', version: '0.9', fields: [] }))).toBe('GET /\r\n');
    expect(serializeHead({ status: 200, version: '0.9', fields: [['a', 'b']] })).toHaveLength(0);
  });

  const response = (...fields: Field[]): { status: number; fields: Field[] } => ({ status: 200, fields });

  test.each<[string, Parameters<typeof serializeHead>[0]]>([
    ['CR in a value', response(['a', 'b\rc'])],
    ['LF in a value', response(['a', 'b\nset-cookie: x'])],
    ['NUL in a value', response(['a', 'b\0'])],
    ['another control in a value', response(['a', 'b\u001b'])],
    ['a character beyond Latin-1', response(['a', '\u0100'])],
    ['a character whose low octet is LF', response(['a', '\u010a'])],
    ['an empty name', response(['', 'b'])],
    ['a space in a name', response(['a b', 'c'])],
    ['a colon in a name', response(['a:', 'c'])],
    ['LF in a name', response(['a\n', 'c'])],
    ['LF in a reason', { status: 200, reason: 'a\r\nb', fields: [] }],
    ['a status of two digits', { status: 99, fields: [] }],
    ['a status of four digits', { status: 1000, fields: [] }],
    ['a broken status', { status: 200.5, fields: [] }],
    ['no status', { status: Number.NaN, fields: [] }],
    ['Content-Length twice', response(['content-length', '1'], ['Content-Length', '1'])],
    ['Content-Length with Transfer-Encoding', response(['content-length', '1'], ['transfer-encoding', 'chunked'])],
    ['a signed Content-Length', response(['content-length', '-1'])],
    ['another transfer coding', response(['transfer-encoding', 'gzip, chunked'])],
    ['chunked in HTTP/1.0', { ...response(['transfer-encoding', 'chunked']), version: '1.0' }],
    ['a length with 204', { status: 204, fields: [['content-length', '0']] }],
    ['chunked with 100', { status: 100, fields: [['transfer-encoding', 'chunked']] }],
    ['a method with a space', { method: 'G T', target: '/', fields: [['host', 'a']] }],
    ['a target with a space', { method: 'GET', target: '/a b', fields: [['host', 'a']] }],
    ['a target with CRLF', { method: 'GET', target: '/\r\n', fields: [['host', 'a']] }],
    ['a target with a fragment', { method: 'GET', target: '/#', fields: [['host', 'a']] }],
    ['a target of the wrong form', { method: 'GET', target: '*', fields: [['host', 'a']] }],
    ['HTTP/1.1 without Host', { method: 'GET', target: '/', fields: [] }],
    [
      'two Hosts',
      {
        method: 'GET',
        target: '/',
        fields: [
          ['host', 'a'],
          ['Host', 'a'],
        ],
      },
    ],
    ['an invalid Host', { method: 'GET', target: '/', fields: [['host', 'a/b']] }],
    ['a simple request with fields', { method: 'GET', target: '/', version: '0.9', fields: [['a', 'b']] }],
    ['a simple POST', { method: 'POST', target: '/', version: '0.9', fields: [] }],
  ])('refuses %s', (_, head) => {
    expect(() => serializeHead(head)).toThrow(SerializeError);
  });
});

describe('reasonPhrase', () => {
  test('knows registered statuses and the classes of others', () => {
    expect([200, 404, 418, 299, 599, 799].map(reasonPhrase)).toEqual([
      'OK',
      'Not Found',
      'Client Error',
      'Successful',
      'Server Error',
      'Unknown',
    ]);
  });
});

describe('ResponseWriter', () => {
  const CONTENT = bytesOf('hello');

  function answer(
    to: AnsweredRequest,
    status: number,
    content: ResponseContent,
    ...parts: Uint8Array[]
  ): [string, boolean] {
    const writer = new ResponseWriter();
    writer.open(to);
    const head = writer.head({ status, reason: 'R', fields: [] }, content);
    const text = written(head, ...parts.map((part) => writer.write(part)), writer.end());
    return [text, writer.persistent];
  }

  test.each<[string, AnsweredRequest, number, ResponseContent, Uint8Array[], string, boolean]>([
    [
      'a known length',
      request('GET'),
      200,
      { contentLength: 5 },
      [CONTENT],
      'HTTP/1.1 200 R\r\ncontent-length: 5\r\n\r\nhello',
      true,
    ],
    [
      'an unknown length in 1.1',
      request('GET'),
      200,
      {},
      [CONTENT, new Uint8Array(0)],
      'HTTP/1.1 200 R\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      true,
    ],
    [
      'an unknown length in 1.0',
      request('GET', '1.0', { persistent: true }),
      200,
      {},
      [CONTENT],
      'HTTP/1.1 200 R\r\nconnection: close\r\n\r\nhello',
      false,
    ],
    [
      'a known length in 1.0',
      request('GET', '1.0'),
      200,
      { contentLength: 5 },
      [CONTENT],
      'HTTP/1.1 200 R\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello',
      false,
    ],
    [
      'keep-alive in 1.0',
      request('GET', '1.0', { persistent: true }),
      200,
      { contentLength: 5 },
      [CONTENT],
      'HTTP/1.1 200 R\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nhello',
      true,
    ],
    ['HTTP/0.9', request('GET', '0.9'), 200, { contentLength: 5 }, [CONTENT], 'hello', false],
    ['HTTP/0.9 of unknown length', request('GET', '0.9'), 404, {}, [CONTENT], 'hello', false],
    [
      'a wish to close',
      request('GET'),
      200,
      { contentLength: 0, close: true },
      [],
      'HTTP/1.1 200 R\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
      false,
    ],
    [
      'HEAD',
      request('HEAD'),
      200,
      { contentLength: 5 },
      [CONTENT],
      'HTTP/1.1 200 R\r\ncontent-length: 5\r\n\r\n',
      true,
    ],
    [
      'HEAD of unknown length',
      request('HEAD'),
      200,
      {},
      [CONTENT],
      'HTTP/1.1 200 R\r\ntransfer-encoding: chunked\r\n\r\n',
      true,
    ],
    ['204', request('GET'), 204, { contentLength: 5 }, [CONTENT], 'HTTP/1.1 204 R\r\n\r\n', true],
    ['304', request('GET'), 304, {}, [CONTENT], 'HTTP/1.1 304 R\r\n\r\n', true],
    [
      '304 with the length of the 200',
      request('GET'),
      304,
      { contentLength: 5 },
      [CONTENT],
      'HTTP/1.1 304 R\r\ncontent-length: 5\r\n\r\n',
      true,
    ],
    ['205', request('GET'), 205, {}, [], 'HTTP/1.1 205 R\r\ncontent-length: 0\r\n\r\n', true],
    ['CONNECT', request('CONNECT', '1.1'), 200, {}, [CONTENT], 'HTTP/1.1 200 R\r\n\r\n', true],
    [
      'a failed CONNECT',
      request('CONNECT'),
      502,
      { contentLength: 0 },
      [],
      'HTTP/1.1 502 R\r\ncontent-length: 0\r\n\r\n',
      true,
    ],
  ])('answers with %s', (_, to, status, content, parts, text, persistent) => {
    expect(answer(to, status, content, ...parts)).toEqual([text, persistent]);
  });

  test('writes trailers behind chunks, and only there', () => {
    const writer = new ResponseWriter();
    writer.open(request('GET'));
    const head = writer.head({ status: 200, fields: [] });
    expect(written(head, writer.end([['x-sum', '1']]))).toMatch(/\r\n\r\n0\r\nx-sum: 1\r\n\r\n$/);
    writer.open(request('GET'));
    writer.head({ status: 200, fields: [] }, { contentLength: 0 });
    expect(writer.end([['x-sum', '1']])).toEqual([]);
  });

  test('writes large chunks without copying them', () => {
    const large = new Uint8Array(20_000).fill(0x78);
    const writer = new ResponseWriter();
    writer.open(request('GET'));
    writer.head({ status: 200, fields: [] });
    const pieces = writer.write(large);
    expect(pieces[1]).toBe(large);
    expect(written(pieces)).toBe(`4e20\r\n${'x'.repeat(20_000)}\r\n`);
  });

  test('writes interim responses for HTTP/1.1 only', () => {
    const writer = new ResponseWriter();
    writer.open(request('PUT'));
    expect(textOf(writer.informational(100))).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    expect(() => writer.informational(101)).toThrow(SerializeError);
    expect(() => writer.informational(200)).toThrow(SerializeError);
    const old = new ResponseWriter();
    old.open(request('PUT', '1.0'));
    expect(old.informational(100)).toHaveLength(0);
  });

  test('switches protocols only when asked', () => {
    const writer = new ResponseWriter();
    writer.open(request('GET', '1.1', { upgrade: 'x' }));
    expect(() => writer.head({ status: 101, fields: [] })).toThrow(SerializeError);
    const head = writer.head({ status: 101, fields: [['upgrade', 'x']] });
    expect(textOf(head)).toBe('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n');
    writer.end();
    expect(() => writer.open(request('GET'))).toThrow(SerializeError);
    const other = new ResponseWriter();
    other.open(request('GET'));
    expect(() => other.head({ status: 101, fields: [['upgrade', 'x']] })).toThrow(SerializeError);
  });

  test.each<[string, (writer: ResponseWriter) => void]>([
    ['a response without a request', (writer) => writer.head({ status: 200, fields: [] })],
    ['an interim response without a request', (writer) => writer.informational(100)],
    ['content without a head', (writer) => (writer.open(request('GET')), writer.write(CONTENT))],
    ['an end without a head', (writer) => (writer.open(request('GET')), writer.end())],
    ['a second request before the answer', (writer) => (writer.open(request('GET')), writer.open(request('GET')))],
    ['a second head', (writer) => (started(writer), writer.head({ status: 200, fields: [] }))],
    ['an interim response behind the head', (writer) => (started(writer), writer.informational(100))],
    ['more content than promised', (writer) => (started(writer, { contentLength: 4 }), writer.write(CONTENT))],
    [
      'less content than promised',
      (writer) => (started(writer, { contentLength: 6 }), writer.write(CONTENT), writer.end()),
    ],
    ['a broken length', (writer) => started(writer, { contentLength: 0.5 })],
    ['a negative length', (writer) => started(writer, { contentLength: -1 })],
    [
      'a response after the last',
      (writer) => (started(writer, { close: true }), writer.end(), writer.open(request('GET'))),
    ],
    ['content behind the end', (writer) => (started(writer), writer.end(), writer.write(CONTENT))],
    ['a forbidden trailer', (writer) => (started(writer), writer.end([['Content-Length', '1']]))],
    ['a malformed trailer', (writer) => (started(writer), writer.end([['a', 'b\n']]))],
    [
      'content in a 205',
      (writer) => (writer.open(request('GET')), writer.head({ status: 205, fields: [] }, { contentLength: 1 })),
    ],
    ...['Content-Length', 'transfer-encoding', 'connection'].map(
      (name) =>
        [
          `a ${name} of one's own`,
          (writer: ResponseWriter) => (
            writer.open(request('GET')),
            writer.head({ status: 200, fields: [[name, '1']] })
          ),
        ] as [string, (writer: ResponseWriter) => void],
    ),
  ])('refuses %s', (_, act) => {
    expect(() => act(new ResponseWriter())).toThrow(SerializeError);
  });

  function started(writer: ResponseWriter, content: ResponseContent = {}): void {
    writer.open(request('GET'));
    writer.head({ status: 200, fields: [] }, content);
  }
});

describe('RequestWriter', () => {
  const head: RequestHeadInput = { method: 'PUT', target: '/', fields: [['host', 'a']] };

  test('writes requests one after another', () => {
    const writer = new RequestWriter();
    const first = written(writer.head(head, 2), writer.write(bytesOf('ab')), writer.end());
    expect(first).toBe('PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab');
    const second = written(writer.head(head, 'chunked'), writer.write(bytesOf('ab')), writer.end([['t', 'u']]));
    expect(second).toBe('PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nt: u\r\n\r\n');
    expect(written(writer.head({ ...head, method: 'GET' }), writer.end())).toBe('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  });

  test.each<[string, (writer: RequestWriter) => void]>([
    ['content without a head', (writer) => writer.write(new Uint8Array(1))],
    ['an end without a head', (writer) => writer.end()],
    ['a head before the end', (writer) => (writer.head(head), writer.head(head))],
    ['content where none was announced', (writer) => (writer.head(head), writer.write(new Uint8Array(1)))],
    ['chunks in HTTP/1.0', (writer) => writer.head({ ...head, version: '1.0' }, 'chunked')],
    ['a length of its own', (writer) => writer.head({ ...head, fields: [...head.fields, ['content-length', '1']] })],
    ['a broken length', (writer) => writer.head(head, Number.NaN)],
  ])('refuses %s', (_, act) => {
    expect(() => act(new RequestWriter())).toThrow(SerializeError);
  });
});

describe('content', () => {
  const others = [
    'h\u00e9llo',
    [104],
    new Uint16Array(2),
    new DataView(new ArrayBuffer(2)),
    undefined,
    null,
  ] as never[];

  test.each(others)('that is no bytes is refused, whatever the framing: %o', (content) => {
    const message = 'Content is written as a Uint8Array; new TextEncoder().encode(text) makes one';
    for (const length of ['chunked', 5] as const) {
      const writer = new RequestWriter();
      writer.head({ method: 'PUT', target: '/', fields: [['host', 'a']] }, length);
      expect(() => writer.write(content)).toThrow(new SerializeError(message));
    }
    for (const method of ['GET', 'HEAD']) {
      const writer = new ResponseWriter();
      writer.open(request(method));
      writer.head({ status: 200, fields: [] });
      expect(() => writer.write(content)).toThrow(new SerializeError(message));
    }
    expect(() => encodeChunk(content)).toThrow(new SerializeError(message));
  });
});
