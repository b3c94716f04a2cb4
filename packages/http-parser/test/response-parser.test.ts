import { describe, expect, test } from 'vitest';
import { ResponseParser } from '../src/index.ts';
import { bytesOf, chunkings, replayResponses, textOf } from './replay.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

describe('ResponseParser', () => {
  test.each<[string, string, string[], string[]]>([
    [
      'a length',
      `${OK}Content-Length: 2\r\n\r\nab`,
      ['GET'],
      ['head 200 OK 1.1 2 keep', 'content-length: 2', '"ab"', 'end'],
    ],
    [
      'chunks',
      `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nt: u\r\n\r\n`,
      ['GET'],
      ['head 200 OK 1.1 chunked keep', 'transfer-encoding: chunked', '"a"', 'end t: u'],
    ],
    ...['gzip', 'x-unknown;a=b', 'chunked, gzip', 'Identity'].map((coding): [string, string, string[], string[]] => [
      `the coding ${coding}, which does not tell the end`,
      `${OK}Transfer-Encoding: ${coding}\r\n\r\n1\r\nabc`,
      ['GET'],
      ['head 200 OK 1.1 close close', `transfer-encoding: ${coding}`, '"1\\r\\nabc"', 'end'],
    ]),
    [
      'an empty line before the status line',
      `\r\n${OK}Content-Length: 0\r\n\r\n\n\r\n${OK}Content-Length: 0\r\n\r\n`,
      ['GET', 'GET'],
      ['head 200 OK 1.1 0 keep', 'content-length: 0', 'end', 'head 200 OK 1.1 0 keep', 'content-length: 0', 'end'],
    ],
    ['neither', `${OK}\r\nabc`, ['GET'], ['head 200 OK 1.1 close close', '"abc"', 'end']],
    [
      'HTTP/1.0',
      'HTTP/1.0 404 Not  Found\r\n\r\nabc',
      ['GET'],
      ['head 404 Not  Found 1.0 close close', '"abc"', 'end'],
    ],
    ['no reason', 'HTTP/1.1 204 \r\n\r\n', ['GET'], ['head 204  1.1 none keep', 'end']],
    ['no reason and no space', 'HTTP/1.1 204\r\n\r\n', ['GET'], ['head 204  1.1 none keep', 'end']],
    [
      'folding',
      `${OK}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`,
      ['GET'],
      ['head 200 OK 1.1 0 close', 'a: b c', 'content-length: 0', 'end'],
    ],
    [
      'LF alone in HTTP/1.0',
      'HTTP/1.0 200 OK\nA: b\n\nc',
      ['GET'],
      ['head 200 OK 1.0 close close', 'a: b', '"c"', 'end'],
    ],
    [
      'an answer to HEAD',
      `${OK}Content-Length: 9\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
      ['HEAD', 'GET'],
      ['head 200 OK 1.1 none keep', 'content-length: 9', 'end', 'head 200 OK 1.1 0 keep', 'content-length: 0', 'end'],
    ],
    [
      '304',
      'HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n',
      ['GET'],
      ['head 304 X 1.1 none keep', 'content-length: 9', 'end'],
    ],
    [
      'interim responses',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 H\r\nA: b\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
      ['PUT'],
      [
        'interim 100 Continue 1.1 none keep',
        'interim 103 H 1.1 none keep',
        'a: b',
        'head 200 OK 1.1 0 keep',
        'content-length: 0',
        'end',
      ],
    ],
    [
      'the last of a connection',
      `${OK}Connection: close\r\nContent-Length: 0\r\n\r\n${OK}`,
      ['GET'],
      ['head 200 OK 1.1 0 close', 'connection: close', 'content-length: 0', 'end'],
    ],
    [
      'a response cut off',
      `${OK}Content-Length: 2\r\n\r\na`,
      ['GET'],
      ['head 200 OK 1.1 2 keep', 'content-length: 2', '"a"', 'unexpected-end @39'],
    ],
    ['no response', '', ['GET'], ['unexpected-end @0']],
    [
      'both lengths',
      `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`,
      ['GET'],
      ['conflicting-length @66'],
    ],
    ['equal lengths', `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\n`, ['GET'], ['bad-content-length @57']],
    [
      'chunks in HTTP/1.0',
      'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      ['GET'],
      ['bad-transfer-encoding @47'],
    ],
    ['a folded length', `${OK}Content-Length: 2\r\n 2\r\n\r\n`, ['GET'], ['folded-field @36']],
    ['CR alone', `${OK}A: b\rc\r\n\r\n`, ['GET'], ['bad-line-end @22']],
    ['LF alone in HTTP/1.1', 'HTTP/1.1 200 OK\n\n', ['GET'], ['bad-line-end @15']],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', ['GET'], ['bad-status-line @11']],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', ['GET'], ['bad-status-line @12']],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', ['GET'], ['bad-status-line @9']],
    ['another major version', 'HTTP/2.0 200 OK\r\n\r\n', ['GET'], ['unsupported-version @5']],
    ['no status line', '<html>', ['GET'], ['bad-status-line @0']],
  ])('reads %s', (_, text, methods, expected) => {
    const bytes = bytesOf(text);
    expect(replayResponses([bytes], ...methods)).toEqual(expected);
    for (const chunks of chunkings(bytes)) expect(replayResponses(chunks, ...methods)).toEqual(expected);
  });

  test('blames the gateway', () => {
    const parser = new ResponseParser();
    parser.next({ method: 'GET' });
    expect(parser.push(bytesOf('X'))).toMatchObject([{ error: { code: 'bad-status-line', status: 502 } }]);
    expect([parser.push(bytesOf(OK)), parser.end(), parser.state]).toEqual([[], [], 'failed']);
  });

  test('keeps unread what nobody asked for', () => {
    const parser = new ResponseParser({ maxPipelinedBytes: 100 });
    expect(parser.push(bytesOf(OK))).toEqual([]);
    expect(textOf(parser.remainder)).toBe(OK);
    expect(parser.push(new Uint8Array(100))).toEqual([]);
    expect(parser.next({ method: 'GET' })).toMatchObject([{ error: { code: 'too-much-pipelined' } }]);
  });

  test.each([
    ['101', 'GET', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['CONNECT', 'CONNECT', OK + '\r\n'],
  ])('leaves what follows %s to the other protocol', (_, method, text) => {
    const parser = new ResponseParser();
    parser.next({ method });
    expect(parser.push(bytesOf(`${text}\u0001`)).map(({ type }) => type)).toEqual(['head', 'end']);
    expect(parser.state).toBe('closed');
    parser.push(bytesOf('\u0002'));
    expect(textOf(parser.remainder)).toBe('\u0001\u0002');
    expect(() => parser.next({ method: 'GET' })).toThrow('closed');
  });

  test('takes an HTTP/0.9 response as content', () => {
    const parser = new ResponseParser();
    const events = [
      ...parser.next({ method: 'GET', version: '0.9' }),
      ...parser.push(bytesOf('HTTP')),
      ...parser.end(),
    ];
    expect(events.map(({ type }) => type)).toEqual(['head', 'content', 'end']);
    expect(events[0]).toMatchObject({ head: { version: '0.9', status: 200 }, framing: 'close' });
  });
});
