// What the test suites of llhttp and h11 are known to cover, put in words and bytes of our own: the public cases of the two
// parsers that most others are measured by. Where we differ from them, the difference is a row of the table of decisions,
// named in the third column.

import { describe, expect, test } from 'vitest';
import { DECISIONS } from './decisions.ts';
import { bytesOf, chunkings, replay } from './replay.ts';

const HOST = 'Host: a\r\n';
const withoutFields = (log: readonly string[]): string =>
  log
    .filter((line) => !/^[a-z0-9_-]+: /.test(line))
    .map((line) => line.replace(/ @[0-9]+$/, ''))
    .join(' | ');

type Case = readonly [what: string, bytes: string, expected: string, differsBy?: string | undefined];

const LLHTTP: readonly Case[] = [
  [
    'a GET as curl sends it',
    `GET /test HTTP/1.1\r\nUser-Agent: curl/8.0\r\n${HOST}Accept: */*\r\n\r\n`,
    'GET /test 1.1 none keep | end',
  ],
  [
    'a GET as a browser sends it',
    `GET /favicon.ico HTTP/1.1\r\n${HOST}Accept-Language: en-us,en;q=0.5\r\nKeep-Alive: 300\r\nConnection: keep-alive\r\n\r\n`,
    'GET /favicon.ico 1.1 none keep | end',
  ],
  ['a name that is only one letter', `GET / HTTP/1.1\r\n${HOST}a: 1\r\n\r\n`, 'GET / 1.1 none keep | end'],
  ['a fragment', `GET /a?b=c#d HTTP/1.1\r\n${HOST}\r\n`, 'bad-target', 'Characters of a target'],
  ['a GET without fields', 'GET /a HTTP/1.1\r\n\r\n', 'missing-host', 'Host in HTTP/1.1'],
  ['a GET without fields in HTTP/1.0', 'GET /a HTTP/1.0\r\n\r\n', 'GET /a 1.0 none close | end'],
  [
    'a GET with content',
    `GET /a HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nHELLO`,
    'GET /a 1.1 5 keep | "HELLO" | end',
  ],
  [
    'a POST with extra CRLF behind its content',
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nx\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
    'POST / 1.1 1 keep | "x" | end | GET / 1.1 none keep | end',
  ],
  ['CRLF before the request line', `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, 'GET / 1.1 none keep | end'],
  ['no version', 'GET /\r\n', 'GET / 0.9 none close | end'],
  ['a question mark in a query', `GET /a?b=c?d HTTP/1.1\r\n${HOST}\r\n`, 'GET /a?b=c?d 1.1 none keep | end'],
  [
    'a host with underscore',
    `GET http://a_b.example:8000/c HTTP/1.1\r\n${HOST}\r\n`,
    'GET http://a_b.example:8000/c 1.1 none keep | end',
  ],
  [
    'user information in a target',
    `GET http://a%12:b!&*$@c:1/d HTTP/1.1\r\n${HOST}\r\n`,
    'bad-target',
    'Absolute form',
  ],
  ['non-ASCII in a target', `GET /\u00e9 HTTP/1.1\r\n${HOST}\r\n`, 'bad-target', 'Characters of a target'],
  ['M-SEARCH *', `M-SEARCH * HTTP/1.1\r\n${HOST}\r\n`, 'bad-target', 'Asterisk form'],
  [
    'a method nobody has registered',
    `QUERY / HTTP/1.1\r\n${HOST}\r\n`,
    'QUERY / 1.1 none keep | end',
    'Any token as a method',
  ],
  ['a lower-case method', `get / HTTP/1.1\r\n${HOST}\r\n`, 'get / 1.1 none keep | end', 'Any token as a method'],
  ['a method cut by a space', `G ET / HTTP/1.1\r\n${HOST}\r\n`, 'bad-version'],
  ['CONNECT', `CONNECT a.example:443 HTTP/1.0\r\n\r\nany octets`, 'CONNECT a.example:443 1.0 none close | end'],
  ['PRI of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'unsupported-version'],
  ['an RTSP version', 'OPTIONS * RTSP/1.0\r\n\r\n', 'bad-version', 'Another protocol name'],
  ['another ICE version', 'SOURCE /a ICE/1.0\r\n\r\n', 'bad-version', 'Another protocol name'],
  ['HTTP/5.6', `GET / HTTP/5.6\r\n${HOST}\r\n`, 'unsupported-version', 'Another major version'],
  ['HTTP/1.10', `GET / HTTP/1.10\r\n${HOST}\r\n`, 'bad-version'],
  ['LF line ends', 'GET / HTTP/1.1\nHost: a\n\n', 'bad-line-end', 'LF alone in HTTP/1.1'],
  ['a CR in a value', `GET / HTTP/1.1\r\n${HOST}A: b\rc\r\n\r\n`, 'bad-line-end'],
  ['a CR in place of the empty line', `GET / HTTP/1.1\r\n${HOST}\rX\r\n\r\n`, 'bad-line-end'],
  ['CR CR LF', `GET / HTTP/1.1\r\n${HOST}A: b\r\r\n\r\n`, 'bad-line-end'],
  ['a space before the colon', `GET / HTTP/1.1\r\n${HOST}A : b\r\n\r\n`, 'bad-field-name'],
  ['a space in a name', `GET / HTTP/1.1\r\n${HOST}A B: c\r\n\r\n`, 'bad-field-name'],
  ['a space before the first field', `GET / HTTP/1.1\r\n A: b\r\n${HOST}\r\n`, 'bad-field-name'],
  ['no colon', `GET / HTTP/1.1\r\n${HOST}A\r\nB: c\r\n\r\n`, 'bad-field-name'],
  ['a control character in a value', `GET / HTTP/1.1\r\n${HOST}A: \u0007\r\n\r\n`, 'bad-field-value'],
  ['folding', `GET / HTTP/1.1\r\n${HOST}A: b\r\n c\r\n\r\n`, 'folded-field'],
  ['folding in Connection', `GET / HTTP/1.1\r\n${HOST}Connection:\r\n close\r\n\r\n`, 'folded-field'],
  ['an empty value', `GET / HTTP/1.1\r\n${HOST}A:\r\nB:\r\n\r\n`, 'GET / 1.1 none keep | end'],
  ['obs-text in a value', `GET / HTTP/1.1\r\n${HOST}A: \u00d0\u009f\r\n\r\n`, 'GET / 1.1 none keep | end'],
  [
    'Connection with several members',
    `GET / HTTP/1.1\r\n${HOST}Connection: a, close, b\r\n\r\n`,
    'GET / 1.1 none close | end',
  ],
  [
    'keep-alive in HTTP/1.0',
    'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n',
    'GET / 1.0 none keep | end | GET / 1.0 none close | end',
  ],
  [
    'what follows Connection: close',
    `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\nGET / HTTP/1.1\r\n`,
    'GET / 1.1 none close | end',
  ],
  [
    'Upgrade, and then another protocol',
    `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: ws\r\n\r\n`,
    'GET / 1.1 none keep | end',
  ],
  [
    'Content-Length with zeros',
    `PUT / HTTP/1.1\r\n${HOST}Content-Length: 003\r\n\r\nabc`,
    'bad-content-length',
    'Content-Length with leading zeros',
  ],
  ['Content-Length with a space inside', `PUT / HTTP/1.1\r\n${HOST}Content-Length: 4 2\r\n\r\n`, 'bad-content-length'],
  ['Content-Length with a letter', `PUT / HTTP/1.1\r\n${HOST}Content-Length: 42a\r\n\r\n`, 'bad-content-length'],
  ['an empty Content-Length', `PUT / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`, 'bad-content-length'],
  [
    'Content-Length that overflows',
    `PUT / HTTP/1.1\r\n${HOST}Content-Length: 1000000000000000000000\r\n\r\n`,
    'length-overflow',
  ],
  [
    'Content-Length twice',
    `PUT / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    'bad-content-length',
  ],
  ['a space before Content-Length', `PUT / HTTP/1.1\r\n${HOST}A: b\r\n Content-Length: 42\r\n\r\n`, 'folded-field'],
  [
    'both lengths',
    `PUT / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'conflicting-length',
  ],
  [
    'Transfer-Encoding: identity',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: identity\r\n\r\n`,
    'bad-transfer-encoding',
  ],
  ['chunked not last', `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, deflate\r\n\r\n`, 'bad-transfer-encoding'],
  [
    'chunked in a second line',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'unsupported-transfer-coding',
    'A transfer coding before chunked',
  ],
  [
    'a coding that begins with chunked',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunkedchunked\r\n\r\n`,
    'bad-transfer-encoding',
  ],
  [
    'chunks',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1e\r\nall your base are belong to us\r\n0\r\n\r\n`,
    'PUT / 1.1 chunked keep | "all your base are belong to us" | end',
  ],
  [
    'chunk sizes in both cases and with zeros',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n00A\r\n0123456789\r\n00a\r\n0123456789\r\n000\r\n\r\n`,
    'PUT / 1.1 chunked keep | "01234567890123456789" | end',
  ],
  [
    'chunk extensions',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5;a;b="c\\"d"\r\nhello\r\n0;e=f\r\n\r\n`,
    'PUT / 1.1 chunked keep | "hello" | end',
  ],
  [
    'a blank in a chunk extension',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1 ;a\r\nx\r\n0\r\n\r\n`,
    'PUT / 1.1 chunked keep | "x" | end',
    'Chunk extensions',
  ],
  [
    'a quoted string without end',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1;a="b\r\nx\r\n`,
    'PUT / 1.1 chunked keep | bad-chunk-line',
  ],
  [
    'no CRLF behind chunk data',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nxx0\r\n\r\n`,
    'PUT / 1.1 chunked keep | "x" | bad-chunk-end',
  ],
  [
    'a chunk size that overflows',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`,
    'PUT / 1.1 chunked keep | length-overflow',
  ],
  [
    'a space behind the chunk size',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n`,
    'PUT / 1.1 chunked keep | bad-chunk-line',
  ],
  [
    'trailers',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\nVary: *\r\nContent-Type: a/b\r\n\r\n`,
    'PUT / 1.1 chunked keep | end vary: * content-type: a/b',
  ],
  [
    'three pipelined requests',
    `GET /1 HTTP/1.1\r\n${HOST}\r\nPUT /2 HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nxGET /3 HTTP/1.1\r\n${HOST}\r\n`,
    'GET /1 1.1 none keep | end | PUT /2 1.1 1 keep | "x" | end | GET /3 1.1 none keep | end',
  ],
];

const H11: readonly Case[] = [
  ['a TLS handshake', '\u0016\u0003\u0001\u0000\u00a5', 'bad-method'],
  ['a first line of blanks', '   \r\n\r\n', 'bad-method'],
  ['white space around values', `GET / HTTP/1.1\r\n${HOST}A:\t b \t\r\n\r\n`, 'GET / 1.1 none keep | end'],
  ['an underscore in a name', `GET / HTTP/1.1\r\n${HOST}a_b: c\r\n\r\n`, 'GET / 1.1 none keep | end'],
  [
    'equal lengths twice',
    `PUT / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`,
    'bad-content-length',
    'Content-Length told twice',
  ],
  [
    'equal lengths in one line',
    `PUT / HTTP/1.1\r\n${HOST}Content-Length: 1, 1\r\n\r\nx`,
    'bad-content-length',
    'Content-Length told twice',
  ],
  ['different lengths', `PUT / HTTP/1.1\r\n${HOST}Content-Length: 1, 2\r\n\r\nx`, 'bad-content-length'],
  [
    'Transfer-Encoding: gzip',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n`,
    'bad-transfer-encoding',
    'Transfer-Encoding that does not end with one chunked',
  ],
  [
    'chunked twice',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'bad-transfer-encoding',
    'Transfer-Encoding that does not end with one chunked',
  ],
  [
    'chunked, in HTTP/1.0',
    'PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n',
    'bad-transfer-encoding',
    'Transfer-Encoding in HTTP/1.0',
  ],
  ['folding of any field', `GET / HTTP/1.1\r\n${HOST}A: b\r\n\t c\r\n\r\n`, 'folded-field', 'Folded lines in HTTP/1.1'],
  ['LF line ends in HTTP/1.0', 'GET / HTTP/1.0\nA: b\n\n', 'GET / 1.0 none close | end'],
  ['NUL in a target', `GET /\u0000 HTTP/1.1\r\n${HOST}\r\n`, 'bad-target'],
  ['NUL in a value', `GET / HTTP/1.1\r\n${HOST}A: \u0000\r\n\r\n`, 'bad-field-value'],
  ['a form feed in a value', `GET / HTTP/1.1\r\n${HOST}A: \u000c\r\n\r\n`, 'bad-field-value', 'Field values'],
  ['two Hosts', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, 'repeated-host'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 'missing-host'],
  ['no Host in HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 'GET / 1.0 none close | end'],
  ['a request cut off in its head', 'GET / HTTP/1.1\r\n', 'unexpected-end'],
  [
    'a request cut off in its content',
    `PUT / HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nx`,
    'PUT / 1.1 2 keep | "x" | unexpected-end',
  ],
  [
    'a request cut off in its chunks',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nx`,
    'PUT / 1.1 chunked keep | "x" | unexpected-end',
  ],
  [
    'two wrong octets behind chunk data',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nx__0\r\n\r\n`,
    'PUT / 1.1 chunked keep | "x" | bad-chunk-end',
  ],
  [
    'a chunk size of twenty digits',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${'0'.repeat(19)}1\r\n`,
    'PUT / 1.1 chunked keep | length-overflow',
    'Chunk sizes beyond 2^53, or of more than 16 digits',
  ],
  ['an endless head', `GET / HTTP/1.1\r\n${HOST}A: ${'b'.repeat(40_000)}`, 'head-too-large'],
  [
    'an endless chunk line',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(300)}`,
    'PUT / 1.1 chunked keep | chunk-line-too-long',
  ],
];

describe.each([
  ['llhttp', LLHTTP],
  ['h11', H11],
])('cases known from %s', (_, cases) => {
  for (const [what, text, expected, differsBy] of cases) {
    test(what, () => {
      const bytes = bytesOf(text);
      const log = replay([bytes]);
      expect(withoutFields(log)).toBe(expected);
      if (bytes.length < 1000) for (const chunks of chunkings(bytes)) expect(replay(chunks)).toEqual(log);
      if (differsBy !== undefined) expect(DECISIONS.map(({ name }) => name)).toContain(differsBy);
    });
  }
});
