import { describe, expect, test } from 'vitest';
import { RequestParser, type RequestHeadEvent, type RequestParserOptions } from '../src/index.ts';
import { bytesOf, chunkings, cut, octetByOctet, replay, textOf } from './replay.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

function headOf(text: string, options?: RequestParserOptions): RequestHeadEvent {
  const [event] = new RequestParser(options).push(bytesOf(text));
  if (event?.type !== 'head') throw new Error(`No head but ${JSON.stringify(event)}`);
  return event;
}

describe('RequestParser', () => {
  test('hands out nothing of the next request before the current one is answered', () => {
    const parser = new RequestParser();
    const types = (events: readonly { type: string }[]): string[] => events.map(({ type }) => type);
    expect(types(parser.push(bytesOf(GET + GET + GET.slice(0, 9))))).toEqual(['head', 'end']);
    expect(parser.state).toBe('paused');
    expect(types(parser.push(bytesOf(GET.slice(9))))).toEqual([]);
    expect(types(parser.next())).toEqual(['head', 'end']);
    expect(types(parser.next())).toEqual(['head', 'end']);
    expect(types(parser.next())).toEqual([]);
    expect(parser.state).toBe('idle');
  });

  test('reads nothing behind the last message of a connection', () => {
    const parser = new RequestParser();
    parser.push(bytesOf(`GET / HTTP/1.0\r\n\r\n${GET}`));
    expect(parser.remainder).toHaveLength(0);
    expect(parser.push(bytesOf(GET))).toEqual([]);
    expect(parser.next()).toEqual([]);
    expect(parser.state).toBe('closed');
    expect(parser.push(bytesOf(GET))).toEqual([]);
    expect(parser.next()).toEqual([]);
  });

  test('gives events before the error they precede, and is dead after it', () => {
    const parser = new RequestParser();
    const events = parser.push(bytesOf('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nG'));
    expect(events.map(({ type }) => type)).toEqual(['head', 'content', 'error']);
    expect(events[2]).toMatchObject({ error: { code: 'bad-chunk-line', status: 400, offset: 62 } });
    expect(parser.state).toBe('failed');
    expect([parser.push(bytesOf(GET)), parser.next(), parser.end()]).toEqual([[], [], []]);
  });

  test('counts the place of an error from the first octet of the connection', () => {
    for (const chunks of chunkings(bytesOf(`${GET}${GET}GET / HTTP/1.1\r\nHost: a b\r\n\r\n`))) {
      expect(replay(chunks).at(-1)).toBe(`bad-host @${GET.length * 2 + 21}`);
    }
  });

  test('knows the method of a request that it refuses', () => {
    for (const chunks of chunkings(bytesOf(`${GET}HEAD / HTTP/1.1\r\n\r\n`))) {
      const parser = new RequestParser();
      for (const chunk of chunks) parser.push(chunk);
      expect(parser.next()).toMatchObject([{ type: 'error', error: { code: 'missing-host' } }]);
      expect(parser.method).toBe('HEAD');
    }
    const methodOf = (text: string): string | undefined => {
      const parser = new RequestParser();
      parser.push(bytesOf(text));
      parser.end();
      return parser.method;
    };
    expect(methodOf('\r\nHEAD /')).toBe('HEAD');
    expect(['HEAD', '\r\n', ' HEAD /', 'HE@D /'].map(methodOf)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('refuses next() while no complete message waits', () => {
    const parser = new RequestParser();
    expect(() => parser.next()).toThrow('idle');
    parser.push(bytesOf('GET'));
    expect(() => parser.next()).toThrow('head');
  });

  test('reports the end of the connection behind a message that waits with next()', () => {
    const parser = new RequestParser();
    parser.push(bytesOf(`${GET}GET`));
    expect(parser.end()).toEqual([]);
    expect(parser.next()).toMatchObject([{ type: 'error', error: { code: 'unexpected-end' } }]);
    const other = new RequestParser();
    other.push(bytesOf(GET));
    expect([other.end(), other.next(), other.state]).toEqual([[], [], 'closed']);
  });

  test('keeps what belongs to another protocol', () => {
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Upgrade\r\nUpgrade: websocket\r\n\r\n';
    for (const head of [upgrade, 'CONNECT a:1 HTTP/1.0\r\n\r\n']) {
      const parser = new RequestParser();
      parser.push(bytesOf(`${head}\u0000`));
      parser.push(bytesOf('\u0001\u0002'));
      expect(textOf(parser.remainder)).toBe('\u0000\u0001\u0002');
    }
    expect(headOf(upgrade).upgrade).toBe('websocket');
    expect(headOf(upgrade.replace('Connection: x, Upgrade', 'Connection: x')).upgrade).toBeUndefined();
    expect(headOf(upgrade.replace('HTTP/1.1', 'HTTP/1.0')).upgrade).toBeUndefined();
  });

  test.each([
    ['GET /a?b HTTP/1.1\r\nHost: h:1\r\n\r\n', 'origin', '/a?b', 'h:1'],
    ['GET http://x:2/a?b HTTP/1.1\r\nHost: h\r\n\r\n', 'absolute', '/a?b', 'x:2'],
    ['GET http://x HTTP/1.1\r\nHost: h\r\n\r\n', 'absolute', '/', 'x'],
    ['GET http://x?q HTTP/1.1\r\nHost: h\r\n\r\n', 'absolute', '/?q', 'x'],
    ['OPTIONS http://x HTTP/1.1\r\nHost: h\r\n\r\n', 'absolute', '*', 'x'],
    ['OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n', 'asterisk', '*', 'h'],
    ['CONNECT x:443 HTTP/1.1\r\nHost: h\r\n\r\n', 'authority', '', 'x:443'],
    ['GET / HTTP/1.0\r\n\r\n', 'origin', '/', undefined],
  ])('takes %j apart', (text, form, pathAndQuery, authority) => {
    expect(headOf(text)).toMatchObject({ form, pathAndQuery });
    expect(headOf(text).authority).toBe(authority);
  });

  test.each([
    ['1.1', 'Expect: 100-Continue\r\nContent-Length: 1', 'continue'],
    ['1.1', 'Expect: 100-continue\r\nTransfer-Encoding: chunked', 'continue'],
    ['1.1', 'Expect: 100-continue\r\nContent-Length: 0', 'none'],
    ['1.1', 'Expect: 100-continue', 'none'],
    ['1.1', 'Expect: 100-continue, x\r\nContent-Length: 1', 'unknown'],
    ['1.1', 'Expect: x', 'unknown'],
    ['1.0', 'Expect: x\r\nContent-Length: 1', 'none'],
    ['1.1', 'Content-Length: 1', 'none'],
  ])('in HTTP/%s with %j expects %s', (version, lines, expectation) => {
    expect(headOf(`PUT / HTTP/${version}\r\nHost: a\r\n${lines}\r\n\r\n`).expectation).toBe(expectation);
  });

  test('does not count an empty line as the beginning of a request', () => {
    const parser = new RequestParser();
    parser.push(bytesOf('\r\n'));
    expect(parser.state).toBe('idle');
    parser.push(bytesOf('G'));
    expect(parser.state).toBe('head');
  });
});

describe('a repeated head', () => {
  const push = (parser: RequestParser, text: string): RequestHeadEvent => {
    const [event] = parser.push(Buffer.from(text));
    if (parser.state === 'paused') parser.next();
    return event as RequestHeadEvent;
  };

  test('gives the same objects, on any connection with the same options', () => {
    const options = {};
    const parser = new RequestParser(options);
    push(parser, GET);
    const second = push(parser, GET);
    expect(push(parser, GET)).toBe(second);
    expect(push(new RequestParser(options), GET)).toBe(second);
    expect(push(new RequestParser({}), GET)).not.toBe(second);
    expect(second.head.fields).toBe(second.head.fields);
    expect([second, second.head.fields].every(Object.isFrozen)).toBe(true);
  });

  test('is one only octet for octet, whatever buffer it stood in', () => {
    const parser = new RequestParser({});
    const shared = Buffer.from(GET);
    for (let round = 0; round < 3; round++) {
      parser.push(shared);
      parser.next();
    }
    shared.write('B', GET.indexOf('a\r'));
    expect(push(parser, shared.toString()).authority).toBe('B');
    expect(push(parser, GET).authority).toBe('a');
    expect(push(parser, GET.replace('GET', 'PUT')).head.method).toBe('PUT');
  });

  test('is pipelined like any other', () => {
    const bytes = bytesOf(GET.repeat(5));
    const log = replay([bytes]);
    expect(log.filter((line) => line === 'end')).toHaveLength(5);
    for (const chunks of chunkings(bytes)) expect(replay(chunks)).toEqual(log);
  });

  test('is never a simple request', () => {
    const parsers = [1, 2, 3].map(() => new RequestParser());
    for (const parser of parsers) expect(parser.push(bytesOf('GET /\r\n'))).toHaveLength(2);
    expect(new RequestParser().push(bytesOf('GET /\r\nX'))).toMatchObject([{ error: { code: 'bad-simple-request' } }]);
  });
});

describe('limits', () => {
  const line = (bytes: number): string => `GET /${'a'.repeat(bytes - 16)} HTTP/1.1\r\n`;
  const chunked = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

  test.each<[string, RequestParserOptions, string, string | undefined]>([
    ['a request line at its limit', { maxRequestLineBytes: 50 }, `${line(50)}Host: a\r\n\r\n`, undefined],
    [
      'a request line beyond it',
      { maxRequestLineBytes: 50 },
      `${line(51)}Host: a\r\n\r\n`,
      'request-line-too-long @50',
    ],
    ['an endless request line', { maxRequestLineBytes: 50 }, `GET /${'a'.repeat(99)}`, 'request-line-too-long @50'],
    ['an endless version', { maxRequestLineBytes: 10 }, 'GET / HTTP/1.1\r\n', 'request-line-too-long @10'],
    ['an endless simple request', { maxRequestLineBytes: 6 }, 'GET /\r\n', 'request-line-too-long @6'],
    ['a head at its limit', { maxHeadBytes: 27 }, GET, undefined],
    ['a head beyond it', { maxHeadBytes: 26 }, GET, 'head-too-large @26'],
    ['an endless value', { maxHeadBytes: 40 }, GET.replace('a', 'a'.repeat(99)), 'head-too-large @40'],
    ['an endless name', { maxHeadBytes: 40 }, GET.replace('Host', 'a'.repeat(99)), 'head-too-large @40'],
    ['fields at their limit', { maxFields: 2 }, GET.replace('Host', 'A: b\r\nHost'), undefined],
    ['one field more', { maxFields: 1 }, GET.replace('Host', 'A: b\r\nHost'), 'too-many-fields @22'],
    ['a chunk line', { maxChunkLineBytes: 5 }, `${chunked}1;a=b\r\n`, 'chunk-line-too-long @61'],
    [
      'chunk extensions',
      { maxChunkExtensionBytes: 2 },
      `${chunked}1;a\r\nx\r\n1;b\r\n`,
      'chunk-extensions-too-large @66',
    ],
    ['trailers', { maxTrailerBytes: 9 }, `${chunked}0\r\nA: bcdef\r\n\r\n`, 'trailers-too-large @68'],
    ['trailer fields', { maxFields: 2 }, `${chunked}0\r\nA: b\r\nB: c\r\nC: d\r\n\r\n`, 'too-many-fields @71'],
    ['empty lines', { maxEmptyLines: 1 }, `\r\n\r\n${GET}`, 'too-many-empty-lines @2'],
  ])('hold for %s', (_, options, text, expected) => {
    const bytes = bytesOf(text);
    const log = replay([bytes], options);
    expect(log.find((entry) => entry.includes(' @'))).toBe(expected);
    for (const chunks of chunkings(bytes)) expect(replay(chunks, options)).toEqual(log);
  });

  test('hold for what is kept behind a request, after its answer', () => {
    const parser = new RequestParser({ maxPipelinedBytes: 60 });
    parser.push(bytesOf(GET));
    expect(parser.push(bytesOf(GET + GET))).toEqual([]);
    expect(parser.push(bytesOf(GET))).toEqual([]);
    expect(parser.push(bytesOf(GET))).toEqual([]);
    expect(parser.next().map(({ type }) => type)).toEqual(['head', 'end']);
    expect(parser.next().map(({ type }) => type)).toEqual(['head', 'end']);
    expect(parser.next()).toMatchObject([{ error: { code: 'too-much-pipelined' } }]);
  });

  test('must be whole numbers', () => {
    expect(() => new RequestParser({ maxHeadBytes: -1 })).toThrow(RangeError);
    expect(() => new RequestParser({ maxFields: Number.NaN })).toThrow('maxFields');
  });

  test('notice what cannot begin a request at its first octet', () => {
    expect(new RequestParser().push(bytesOf('\u0016'))).toMatchObject([{ error: { code: 'bad-method', offset: 0 } }]);
  });
});

describe('content', () => {
  test('is handed out as it comes, without copies', () => {
    const parser = new RequestParser();
    const bytes = bytesOf('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcdGET');
    const [, content] = parser.push(bytes);
    expect(content).toMatchObject({ type: 'content', bytes: bytesOf('abcd') });
    expect(content?.type === 'content' && content.bytes.buffer === bytes.buffer).toBe(true);
    expect(textOf(parser.remainder)).toBe('GET');
  });

  test('may hold any octets', () => {
    const all = Uint8Array.from({ length: 256 }, (_, octet) => octet);
    const text = `PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n${textOf(all)}\r\n0\r\n\r\n`;
    const log = replay([bytesOf(text)]);
    expect(log[3]).toBe(JSON.stringify(textOf(all)));
    expect(replay(octetByOctet(bytesOf(text)))).toEqual(log);
    expect(replay(cut(bytesOf(text), 60, 61, 62, 200))).toEqual(log);
  });
});
