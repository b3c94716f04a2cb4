// The table of decisions in the README, row by row, as bytes and what they give. A string is the code of the refusal; a list
// is the whole log (see replay.ts).

import type { RequestParserOptions } from '../src/index.ts';

export interface Decision {
  /** The first column of the README's table. */
  readonly name: string;
  readonly cases: readonly (readonly [bytes: string, expected: string | readonly string[]])[];
  readonly options?: RequestParserOptions;
  /** Whether the answer depends on what arrives together, so that only whole input is played. */
  readonly wholeOnly?: true;
}

/** A GET in HTTP/1.1 with these further lines. */
const get = (lines: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const post = (lines: string, content: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n${content}`;
const chunked = (content: string): string => post('Transfer-Encoding: chunked\r\n', content);
const target = (method: string, value: string): string => `${method} ${value} HTTP/1.1\r\nHost: a\r\n\r\n`;
const host = (value: string): string => `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`;
const HEAD = ['GET / 1.1 none keep', 'host: a'];
const CHUNKED = ['POST / 1.1 chunked keep', 'host: a', 'transfer-encoding: chunked'];

export const DECISIONS: readonly Decision[] = [
  {
    name: 'Simple request',
    cases: [
      ['GET /a.txt\r\n', ['GET /a.txt 0.9 none close', 'end']],
      ['\r\nGET /a.txt\r\n', ['GET /a.txt 0.9 none close', 'end']],
      ['POST /a\r\n', 'bad-simple-request'],
      ['HEAD /a\r\n', 'bad-simple-request'],
      ['GET http://a/\r\n', 'bad-simple-request'],
      ['GET *\r\n', 'bad-simple-request'],
      ['GET /a \r\n', 'bad-version'],
      ['GET /a\n', 'bad-target'],
      ['GET /a\rX', 'bad-line-end'],
      ['GET \r\n', 'bad-target'],
      ['GET\r\n', 'bad-method'],
    ],
  },
  {
    name: 'Anything that comes with a simple request',
    wholeOnly: true,
    cases: [
      ['GET /\r\nHost: a\r\n\r\n', 'bad-simple-request'],
      ['GET /\r\n\r\n', 'bad-simple-request'],
      ['GET /\r\nGET /secret HTTP/1.1\r\nHost: a\r\n\r\n', 'bad-simple-request'],
    ],
  },
  {
    name: 'Simple requests switched off',
    options: { simpleRequests: false },
    cases: [['GET /\r\n', 'bad-simple-request']],
  },
  {
    name: 'Empty lines before the request line',
    cases: [
      [`\r\n\r\n${get('')}`, [...HEAD, 'end']],
      ['\r\n'.repeat(5) + get(''), 'too-many-empty-lines'],
      [`\n${get('')}`, 'bad-method'],
      [`\rG${get('')}`, 'bad-line-end'],
      [' \r\n\r\n', 'bad-method'],
    ],
  },
  {
    name: 'Any token as a method',
    cases: [
      [target('brew', '/'), ['brew / 1.1 none keep', 'host: a', 'end']],
      [target("!#$%&'*+-.^_`|~1", '/'), ["!#$%&'*+-.^_`|~1 / 1.1 none keep", 'host: a', 'end']],
      [target('G(T', '/'), 'bad-method'],
      [target('G\u00c9T', '/'), 'bad-method'],
      ['\u0016\u0003\u0001\u0002\u0000\u0001', 'bad-method'],
    ],
  },
  { name: 'A method of more than 64 octets', cases: [[target('A'.repeat(65), '/'), 'method-too-long']] },
  {
    name: 'White space in the request line',
    cases: [
      ['GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 'bad-target'],
      ['GET /  HTTP/1.1\r\nHost: a\r\n\r\n', 'bad-version'],
      ['GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 'bad-method'],
      ['GET /\tHTTP/1.1\r\nHost: a\r\n\r\n', 'bad-target'],
      ['GET / HTTP/1.1 \r\nHost: a\r\n\r\n', 'bad-version'],
      [' GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'bad-method'],
      ['GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 'bad-version'],
    ],
  },
  {
    name: 'Version digits',
    cases: [
      ['GET / HTTP/1.0\r\n\r\n', ['GET / 1.0 none close', 'end']],
      ['GET / HTTP/1.2\r\nHost: a\r\n\r\n', [...HEAD, 'end']],
      ['GET / HTTP/1.9\r\nHost: a\r\n\r\n', [...HEAD, 'end']],
      ['GET / HTTP/1.9\r\n\r\n', 'missing-host'],
      ['GET / HTTP/01.1\r\nHost: a\r\n\r\n', 'bad-version'],
      ['GET / HTTP/1.01\r\nHost: a\r\n\r\n', 'bad-version'],
      ['GET / HTTP/1.10\r\nHost: a\r\n\r\n', 'bad-version'],
      ['GET / HTTP/1\r\nHost: a\r\n\r\n', 'bad-version'],
      ['GET / HTTP/1.\r\nHost: a\r\n\r\n', 'bad-version'],
      ['GET / HTTP/ 1.1\r\nHost: a\r\n\r\n', 'bad-version'],
      ['GET / HTTP/+1.1\r\nHost: a\r\n\r\n', 'bad-version'],
    ],
  },
  {
    name: 'Another major version',
    cases: [
      ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'unsupported-version'],
      ['GET / HTTP/0.9\r\n\r\n', 'unsupported-version'],
      ['GET / HTTP/9.9\r\nHost: a\r\n\r\n', 'unsupported-version'],
    ],
  },
  {
    name: 'Another protocol name',
    cases: [
      ['GET / http/1.1\r\nHost: a\r\n\r\n', 'bad-version'],
      ['GET / HTTPS/1.1\r\nHost: a\r\n\r\n', 'bad-version'],
      ['GET / RTSP/1.0\r\nHost: a\r\n\r\n', 'bad-version'],
    ],
  },
  {
    name: 'Characters of a target',
    cases: [
      [target('GET', '/a?b=%41&c|^{}[]"<>\\`'), ['GET /a?b=%41&c|^{}[]"<>\\` 1.1 none keep', 'host: a', 'end']],
      [target('GET', '//a//b'), ['GET //a//b 1.1 none keep', 'host: a', 'end']],
      [target('GET', '/a#b'), 'bad-target'],
      [target('GET', '/\u0000'), 'bad-target'],
      [target('GET', '/\u007f'), 'bad-target'],
      [target('GET', '/caf\u00e9'), 'bad-target'],
    ],
  },
  {
    name: 'Absolute form',
    cases: [
      [target('GET', 'http://b:80/x?y'), ['GET http://b:80/x?y 1.1 none keep', 'host: a', 'end']],
      [target('GET', 'HTTPS://b'), ['GET HTTPS://b 1.1 none keep', 'host: a', 'end']],
      [target('GET', 'http://[::1]:8080?q'), ['GET http://[::1]:8080?q 1.1 none keep', 'host: a', 'end']],
      ['GET http://b/ HTTP/1.1\r\n\r\n', 'missing-host'],
      ['GET http://b/ HTTP/1.1\r\nHost: x y\r\n\r\n', 'bad-host'],
      [target('GET', 'http:///x'), 'bad-target'],
      [target('GET', 'http://u@b/'), 'bad-target'],
      [target('GET', 'http://b:99999/'), 'bad-target'],
      [target('GET', 'ftp://b/'), 'bad-target'],
      [target('GET', 'http:b'), 'bad-target'],
    ],
  },
  {
    name: 'Authority form',
    cases: [
      [target('CONNECT', 'b:443'), ['CONNECT b:443 1.1 none keep', 'host: a', 'end']],
      [target('CONNECT', 'b'), 'bad-target'],
      [target('CONNECT', 'b:'), 'bad-target'],
      [target('CONNECT', '/'), 'bad-target'],
      [target('CONNECT', 'u@b:443'), 'bad-target'],
      [target('GET', 'b:443'), 'bad-target'],
    ],
  },
  {
    name: 'Asterisk form',
    cases: [
      [target('OPTIONS', '*'), ['OPTIONS * 1.1 none keep', 'host: a', 'end']],
      [target('GET', '*'), 'bad-target'],
      [target('OPTIONS', '*/'), 'bad-target'],
    ],
  },
  {
    name: 'A target without its slash',
    cases: [
      [target('GET', 'a.html'), 'bad-target'],
      [target('GET', '?q'), 'bad-target'],
    ],
  },
  {
    name: 'CR alone',
    cases: [
      ['GET / HTTP/1.1\rHost: a\r\n\r\n', 'bad-line-end'],
      ['GET / HTTP/1.0\rA: b\r\n\r\n', 'bad-line-end'],
      [get('A: b\rc\r\n'), 'bad-line-end'],
      [get('A: b\r\r\n'), 'bad-line-end'],
      [`${get('').slice(0, -2)}\rX`, 'bad-line-end'],
      ['GET / HTTP/1.0\r\nA: b\rC: d\r\n\r\n', 'bad-line-end'],
    ],
  },
  {
    name: 'LF alone in HTTP/1.1',
    cases: [
      ['GET / HTTP/1.1\nHost: a\r\n\r\n', 'bad-line-end'],
      ['GET / HTTP/1.1\r\nHost: a\n\r\n', 'bad-line-end'],
      ['GET / HTTP/1.1\r\nHost: a\r\n\n', 'bad-line-end'],
    ],
  },
  {
    name: 'LF alone in HTTP/1.0',
    cases: [
      ['GET / HTTP/1.0\nA: b\n\n', ['GET / 1.0 none close', 'a: b', 'end']],
      [
        'GET / HTTP/1.0\r\nConnection: keep-alive\n\r\nGET /',
        ['GET / 1.0 none close', 'connection: keep-alive', 'end'],
      ],
      ['POST / HTTP/1.0\nContent-Length: 2\n\nab', ['POST / 1.0 2 close', 'content-length: 2', '"ab"', 'end']],
    ],
  },
  {
    name: 'Folded lines in HTTP/1.1',
    cases: [
      [get('A: b\r\n c\r\n'), 'folded-field'],
      [get('A: b\r\n\t\r\n'), 'folded-field'],
      [get('Transfer-Encoding:\r\n chunked\r\n'), 'folded-field'],
    ],
  },
  {
    name: 'Folded lines in HTTP/1.0',
    cases: [
      ['GET / HTTP/1.0\r\nA: b \r\n\t c\r\n  d\r\n\r\n', ['GET / 1.0 none close', 'a: b c d', 'end']],
      ['GET / HTTP/1.0\r\nA:\r\n b\r\n\r\n', ['GET / 1.0 none close', 'a: b', 'end']],
      [
        'GET / HTTP/1.0\r\nConnection: keep-alive\r\nA: b\r\n \r\n\r\n',
        ['GET / 1.0 none close', 'connection: keep-alive', 'a: b', 'end'],
      ],
    ],
  },
  {
    name: 'A folded line that decides framing or routing',
    cases: [
      ['POST / HTTP/1.0\r\nContent-Length: 1\r\n 0\r\n\r\n', 'folded-field'],
      ['GET / HTTP/1.0\r\nHost: a\r\n b\r\n\r\n', 'folded-field'],
      ['GET / HTTP/1.0\r\nConnection: keep-alive,\r\n close\r\n\r\n', 'folded-field'],
    ],
  },
  {
    name: 'White space before the first field',
    cases: [
      ['GET / HTTP/1.1\r\n Host: a\r\n\r\n', 'bad-field-name'],
      ['GET / HTTP/1.0\r\n\tA: b\r\n\r\n', 'bad-field-name'],
    ],
  },
  {
    name: 'White space between name and colon',
    cases: [
      [get('A : b\r\n'), 'bad-field-name'],
      [get('A\t: b\r\n'), 'bad-field-name'],
      ['GET / HTTP/1.0\r\nA : b\r\n\r\n', 'bad-field-name'],
    ],
  },
  {
    name: 'Field names',
    cases: [
      [get("X_!#$%&'*+-.^`|~9: b\r\n"), [...HEAD, "x_!#$%&'*+-.^`|~9: b", 'end']],
      [get(': b\r\n'), 'bad-field-name'],
      [get('no colon\r\n'), 'bad-field-name'],
      [get('nocolon\r\n'), 'bad-field-name'],
      [get('A[]: b\r\n'), 'bad-field-name'],
      [get('\u00c4: b\r\n'), 'bad-field-name'],
      [get('A\u0000: b\r\n'), 'bad-field-name'],
    ],
  },
  {
    name: 'Field values',
    cases: [
      [
        get('A:\r\nB: \t b\tc \t\r\nC: \u00e9\u00ff\u0080\r\n'),
        [...HEAD, 'a: ', 'b: b\tc', 'c: \u00e9\u00ff\u0080', 'end'],
      ],
      [get('A: b\u0000c\r\n'), 'bad-field-value'],
      [get('A: b\u007f\r\n'), 'bad-field-value'],
      [get('A: b\u000bc\r\n'), 'bad-field-value'],
      [get('A: \u001b[31m\r\n'), 'bad-field-value'],
    ],
  },
  {
    name: 'Repeated fields',
    cases: [[get('A: 1\r\nB: 2\r\na: 3\r\n'), [...HEAD, 'a: 1', 'b: 2', 'a: 3', 'end']]],
  },
  {
    name: 'Host in HTTP/1.1',
    cases: [
      ['GET / HTTP/1.1\r\n\r\n', 'missing-host'],
      ['GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 'repeated-host'],
      ['GET / HTTP/1.1\r\nHost: a\r\nHOST: b\r\n\r\n', 'repeated-host'],
    ],
  },
  {
    name: 'Host in HTTP/1.0',
    cases: [
      ['GET / HTTP/1.0\r\n\r\n', ['GET / 1.0 none close', 'end']],
      ['GET / HTTP/1.0\r\nHost: a:1\r\n\r\n', ['GET / 1.0 none close', 'host: a:1', 'end']],
      ['GET / HTTP/1.0\r\nHost: a b\r\n\r\n', 'bad-host'],
      ['GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n', 'repeated-host'],
    ],
  },
  {
    name: 'The value of Host',
    cases: [
      ...[
        'a.example',
        'a:8080',
        'a:',
        '127.0.0.1:1',
        '[::1]',
        '[::1]:80',
        '[1:2:3:4:5:6:7:8]',
        '[v1.x:y]',
        '%41-_~!$&',
        '[::ffff:1.2.3.4]',
      ].map((value) => [host(value), ['GET / 1.1 none keep', `host: ${value}`, 'end']] as const),
      ...[
        '',
        'a b',
        'a/b',
        'a?b',
        'u@a',
        'a,b',
        'a:b',
        'a:99999',
        'a:1:2',
        '[::1',
        '::1',
        '[::1]x',
        '[1:2:3]',
        '[1::2::3]',
        '[:::]',
        '[::1.2.3.256]',
        '[12345::]',
        '[]',
        '%4',
        'a\u00e9',
        'http://a',
        '[::1%25eth0]',
      ].map((value) => [host(value), 'bad-host'] as const),
    ],
  },
  {
    name: 'Content-Length',
    cases: [
      [post('Content-Length: 3\r\n', 'abc'), ['POST / 1.1 3 keep', 'host: a', 'content-length: 3', '"abc"', 'end']],
      [post('Content-Length: \t0 \r\n', ''), ['POST / 1.1 0 keep', 'host: a', 'content-length: 0', 'end']],
      ...['', '+5', '-5', '-0', '0x5', '5 5', '5.0', '5e0', '1_0', '5;', 'five', '\u00b2', '"5"'].map(
        (value) => [post(`Content-Length: ${value}\r\n`, 'hello'), 'bad-content-length'] as const,
      ),
    ],
  },
  {
    name: 'Content-Length with leading zeros',
    cases: [
      [post('Content-Length: 005\r\n', 'hello'), 'bad-content-length'],
      [post('Content-Length: 00\r\n', ''), 'bad-content-length'],
    ],
  },
  {
    name: 'Content-Length told twice',
    cases: [
      [post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 'bad-content-length'],
      [post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'), 'bad-content-length'],
      [post('Content-Length: 5, 5\r\n', 'hello'), 'bad-content-length'],
      [post('Content-Length: 5,\r\n', 'hello'), 'bad-content-length'],
    ],
  },
  {
    name: 'Content-Length beyond 2^53',
    cases: [
      [post('Content-Length: 9007199254740992\r\n', ''), 'length-overflow'],
      [post('Content-Length: 99999999999999999999\r\n', ''), 'length-overflow'],
    ],
  },
  {
    name: 'Transfer-Encoding: chunked',
    cases: [
      [chunked('0\r\n\r\n'), [...CHUNKED, 'end']],
      [
        post('TRANSFER-ENCODING:\tChunkeD \r\n', '0\r\n\r\n'),
        ['POST / 1.1 chunked keep', 'host: a', 'transfer-encoding: ChunkeD', 'end'],
      ],
    ],
  },
  {
    name: 'A transfer coding before chunked',
    cases: [
      [post('Transfer-Encoding: gzip, chunked\r\n', ''), 'unsupported-transfer-coding'],
      [post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', ''), 'unsupported-transfer-coding'],
      [post('Transfer-Encoding: x;q="1", chunked\r\n', ''), 'unsupported-transfer-coding'],
    ],
  },
  {
    name: 'Transfer-Encoding that does not end with one chunked',
    cases: [
      ...[
        '',
        'gzip',
        'identity',
        'chunked, gzip',
        'chunked, chunked',
        'xchunked',
        'chunked;a=b',
        '"chunked"',
        'chunked chunked',
        '\u00a0chunked',
        'chunked\u0085',
      ].map((value) => [post(`Transfer-Encoding: ${value}\r\n`, '0\r\n\r\n'), 'bad-transfer-encoding'] as const),
      [post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', ''), 'bad-transfer-encoding'],
      [post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', ''), 'bad-transfer-encoding'],
    ],
  },
  {
    name: 'Empty members of Transfer-Encoding',
    cases: [
      [post('Transfer-Encoding: ,chunked\r\n', '0\r\n\r\n'), 'bad-transfer-encoding'],
      [post('Transfer-Encoding: chunked,\r\n', '0\r\n\r\n'), 'bad-transfer-encoding'],
    ],
  },
  {
    name: 'Both Content-Length and Transfer-Encoding',
    cases: [
      [post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 'conflicting-length'],
      [post('Transfer-Encoding: identity\r\nContent-Length: 5\r\n', 'hello'), 'conflicting-length'],
    ],
  },
  {
    name: 'Transfer-Encoding in HTTP/1.0',
    cases: [['POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'bad-transfer-encoding']],
  },
  {
    name: 'Neither Content-Length nor Transfer-Encoding',
    cases: [
      ['POST / HTTP/1.1\r\nHost: a\r\n\r\n', ['POST / 1.1 none keep', 'host: a', 'end']],
      ['POST / HTTP/1.0\r\n\r\n', ['POST / 1.0 none close', 'end']],
    ],
  },
  {
    name: 'Chunk sizes',
    cases: [
      [
        chunked('a\r\n0123456789\r\n1F\r\n0123456789012345678901234567890\r\n000\r\n\r\n'),
        [...CHUNKED, '"01234567890123456789012345678901234567890"', 'end'],
      ],
      ...['-5', '+5', '0x5', '', ' 5', 'G', '5_0', '1.0', '5\u0000'].map(
        (size) => [chunked(`${size}\r\nhello\r\n0\r\n\r\n`), [...CHUNKED, 'bad-chunk-line']] as const,
      ),
      [chunked('5 \r\nhello\r\n0\r\n\r\n'), [...CHUNKED, 'bad-chunk-line']],
    ],
  },
  {
    name: 'Chunk sizes beyond 2^53, or of more than 16 digits',
    cases: [
      [chunked('FFFFFFFFFFFFFFFF0\r\n'), [...CHUNKED, 'length-overflow']],
      [chunked('20000000000000\r\n'), [...CHUNKED, 'length-overflow']],
      [chunked(`${'0'.repeat(17)}\r\n`), [...CHUNKED, 'length-overflow']],
    ],
  },
  {
    name: 'Chunk extensions',
    cases: [
      [
        chunked('1;a\r\nx\r\n1 ; a = b;c="d\\"\r;\te"\r\n'.replace('\r;', ';') + 'y\r\n0;z\r\n\r\n'),
        [...CHUNKED, '"xy"', 'end'],
      ],
      ...[
        '1;',
        '1;;a',
        '1;=b',
        '1;a=',
        '1;a="b',
        '1;a="b"c',
        '1;a b',
        '1;a="\u0000"',
        '1;a=\u007f',
        '1;a="b\\\u0000"',
        '1 a',
        '1;a ',
      ].map((line) => [chunked(`${line}\r\nx\r\n0\r\n\r\n`), [...CHUNKED, 'bad-chunk-line']] as const),
    ],
  },
  {
    name: 'CR or LF alone in a chunk line',
    cases: [
      [chunked('1\nx\r\n0\r\n\r\n'), [...CHUNKED, 'bad-chunk-line']],
      [chunked('1;a\nx\r\n0\r\n\r\n'), [...CHUNKED, 'bad-line-end']],
      [chunked('1;a="\n"\r\nx\r\n0\r\n\r\n'), [...CHUNKED, 'bad-line-end']],
      [chunked('1\rx\r\n0\r\n\r\n'), [...CHUNKED, 'bad-line-end']],
      [chunked('1;a\rx\r\n0\r\n\r\n'), [...CHUNKED, 'bad-line-end']],
    ],
  },
  {
    name: 'What follows chunk data',
    cases: [
      [chunked('1\r\nxyz\r\n0\r\n\r\n'), [...CHUNKED, '"x"', 'bad-chunk-end']],
      [chunked('1\r\nx\n0\r\n\r\n'), [...CHUNKED, '"x"', 'bad-chunk-end']],
      [chunked('1\r\nx0\r\n\r\n'), [...CHUNKED, '"x"', 'bad-chunk-end']],
      [chunked('1\r\nx\r0\r\n\r\n'), [...CHUNKED, '"x"', 'bad-chunk-end']],
    ],
  },
  {
    name: 'Trailers',
    cases: [
      [chunked('0\r\nA: b\r\nX-Sum: 1\r\n\r\n'), [...CHUNKED, 'end a: b x-sum: 1']],
      [chunked('0\r\nA: b\n\r\n'), [...CHUNKED, 'bad-line-end']],
      [chunked('0\r\nA: b\r\n c\r\n\r\n'), [...CHUNKED, 'folded-field']],
      [chunked('0\r\nA : b\r\n\r\n'), [...CHUNKED, 'bad-field-name']],
      [chunked('0\r\n\n'), [...CHUNKED, 'bad-line-end']],
    ],
  },
  {
    name: 'Trailers that would decide framing or routing',
    cases: ['Content-Length: 5', 'Transfer-Encoding: chunked', 'Host: b', 'Connection: close', 'Trailer: a'].map(
      (line) => [chunked(`0\r\n${line}\r\n\r\n`), [...CHUNKED, 'forbidden-trailer']] as const,
    ),
  },
  {
    name: 'Persistence',
    cases: [
      [get('Connection: close\r\n') + get(''), ['GET / 1.1 none close', 'host: a', 'connection: close', 'end']],
      [get('Connection: x, CLOSE\r\n'), ['GET / 1.1 none close', 'host: a', 'connection: x, CLOSE', 'end']],
      [get('Connection: ,close;\r\n'), ['GET / 1.1 none keep', 'host: a', 'connection: ,close;', 'end']],
      [
        'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET / HTTP/1.0\r\n\r\n',
        ['GET / 1.0 none keep', 'connection: Keep-Alive', 'end', 'GET / 1.0 none close', 'end'],
      ],
      [
        'GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n',
        ['GET / 1.0 none close', 'connection: keep-alive', 'connection: close', 'end'],
      ],
    ],
  },
  {
    name: 'The end of the connection in a message',
    cases: [
      [get('').slice(0, -1), 'unexpected-end'],
      ['G', 'unexpected-end'],
      [
        post('Content-Length: 3\r\n', 'ab'),
        ['POST / 1.1 3 keep', 'host: a', 'content-length: 3', '"ab"', 'unexpected-end'],
      ],
      [chunked('1\r\nx\r\n'), [...CHUNKED, '"x"', 'unexpected-end']],
      [chunked('0\r\nA: b\r\n'), [...CHUNKED, 'unexpected-end']],
      ['', []],
      ['\r\n', []],
    ],
  },
];
