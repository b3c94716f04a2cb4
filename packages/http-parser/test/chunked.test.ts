// Chunks against a second decoder, which reads a whole body with one expression; and the limits to the octet.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ParserEvent, RequestParser, type RequestParserOptions } from '../src/index.ts';
import { bytesOf, chunkings, cut, replay, textOf } from './replay.ts';

const HEAD = 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';

/** RFC 9112 §7.1, read greedily from the start of what is left. */
const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
const EXTENSIONS = `(?:[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?)*`;
const LINE = new RegExp(`^([0-9A-Fa-f]{1,16})${EXTENSIONS}\\r\\n`);

interface Body {
  readonly content: string;
  readonly trailers: string;
}

/** What a body says; undefined for one that is none, or not all there. */
function decoded(body: string): Body | undefined {
  let rest = body;
  let content = '';
  for (;;) {
    const line = LINE.exec(rest);
    const size = Number.parseInt(line?.[1] ?? '', 16);
    if (line === null || !Number.isSafeInteger(size)) return undefined;
    rest = rest.slice(line[0].length);
    if (size === 0) break;
    if (rest.slice(size, size + 2) !== '\r\n') return undefined;
    content += rest.slice(0, size);
    rest = rest.slice(size + 2);
  }
  const trailers = /^((?:[a-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n$/.exec(rest)?.[1];
  return trailers === undefined ? undefined : { content, trailers };
}

/** The content that a parser hands out, or undefined where it refuses or waits. */
function read(body: string, chunks: (bytes: Uint8Array) => Uint8Array[], options: RequestParserOptions = {}) {
  const parser = new RequestParser(options);
  const events: ParserEvent[] = [];
  let content = '';
  for (const chunk of [bytesOf(HEAD), ...chunks(bytesOf(body))]) {
    for (const event of parser.push(chunk)) {
      events.push(event);
      if (event.type === 'content') content += textOf(event.bytes);
    }
  }
  const last = events.at(-1);
  if (last?.type !== 'end') return undefined;
  return { content, trailers: last.trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('') };
}

const extension = fc.constantFrom(
  '',
  '',
  '',
  ';a',
  ';a=b',
  ' ; a = b',
  ';a="b"',
  ';a="\\"; \r"'.replace('\r', ''),
  ';a="b\\\\"',
  ';a="é"'.replace('é', '\xe9'),
  '\t;a\t;b',
  ';a=b;c="d;e=f"',
  ';a=""',
);

/** What is wrong with a line, or nearly. */
const broken = fc.constantFrom(
  ' ',
  '\t',
  ';',
  ';=',
  ';a=',
  ';a="',
  ';a="b',
  ';a="b"c',
  ';a b',
  ';a=b c',
  ';"a"',
  'g',
  '-',
  ';a="\x01"',
  ';a="\\\x7f"',
  ';a=\xe9',
  ';;',
);

const size = (length: number): fc.Arbitrary<string> =>
  fc.constantFrom(length.toString(16), length.toString(16).toUpperCase(), `00${length.toString(16)}`);

const chunk = fc
  .string({ unit: fc.constantFrom('a', '\r', '\n', '0', '\0', '\xff', ';'), minLength: 1, maxLength: 20 })
  .chain((data) => fc.tuple(size(data.length), extension).map(([digits, extra]) => `${digits}${extra}\r\n${data}\r\n`));
const trailer = fc.constantFrom('a: b\r\n', 'x-sum: 123\r\n', 'empty:\r\n');
const bodies = fc
  .tuple(fc.array(chunk, { maxLength: 6 }), fc.constantFrom('0', '000'), extension, fc.array(trailer, { maxLength: 3 }))
  .map(([chunks, zero, extra, trailers]) => `${chunks.join('')}${zero}${extra}\r\n${trailers.join('')}\r\n`);

describe('a body', () => {
  test('is read as the second decoder reads it, however it is cut', () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(400), { maxLength: 8 }), (body, offsets) => {
        const expected = decoded(body);
        const places = offsets.map((offset) => offset % (body.length + 1)).toSorted((a, b) => a - b);
        const found = read(body, (bytes) => cut(bytes, ...places));
        expect(found?.content).toBe(expected?.content);
        expect(found?.trailers.replaceAll(': ', ':').replaceAll(' ', '')).toBe(
          expected?.trailers.replaceAll(': ', ':').replaceAll(' ', ''),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('with one line broken is refused or not as the second decoder has it', () => {
    fc.assert(
      fc.property(bodies, broken, fc.nat(100), (body, extra, which) => {
        const ends = [...body.matchAll(/[0-9A-F]\r\n/gi)].map(({ index }) => index + 1);
        const at = ends[which % ends.length] ?? 0;
        const changed = body.slice(0, at) + extra + body.slice(at);
        const found = read(changed, (bytes) => [bytes]);
        expect([changed, found?.content]).toEqual([changed, decoded(changed)?.content]);
      }),
      { numRuns: 1000 },
    );
  });

  test('split at every octet is the same', () => {
    const body = '3;a="x\\"y"\r\nab\r\r\n0A ; b\r\n0123456789\r\n00\r\nx: y\r\n\r\n';
    const logs = chunkings(bytesOf(HEAD + body)).map((chunks) => replay(chunks).join('\n'));
    expect(new Set(logs).size).toBe(1);
    expect(logs[0]).toContain(JSON.stringify('ab\r0123456789'));
  });
});

const errorOf = (body: string, options: RequestParserOptions = {}): string | undefined =>
  replay([bytesOf(HEAD + body)], options).find((line) => line.includes('@'));

describe('a size', () => {
  test.each([
    ['0000000000000001', undefined],
    ['00000000000000001', 'length-overflow'],
    ['20000000000000', 'length-overflow'],
    ['1fffffffffffff', 'unexpected-end'],
    ['ffffffffffffffff', 'length-overflow'],
    ['', 'bad-chunk-line'],
    ['-1', 'bad-chunk-line'],
    ['+1', 'bad-chunk-line'],
    ['0x1', 'bad-chunk-line'],
    ['1_0', 'bad-chunk-line'],
    [' 1', 'bad-chunk-line'],
    ['1 ', 'bad-chunk-line'],
    ['\uff11', 'bad-chunk-line'],
  ])('%j is %s', (digits, code) => {
    const error = errorOf(`${digits}\r\na\r\n0\r\n\r\n`);
    expect(error?.split(' ')[0]).toBe(code);
  });

  test.each([
    '1\na\r\n0\r\n\r\n',
    '1;a\na\r\n0\r\n\r\n',
    '1;a="\n"\r\na\r\n0\r\n\r\n',
    '1;a="\\\r\na\r\n0\r\n\r\n',
    '1;a="b\r\na\r\n0\r\n\r\n',
    '1\r\na\n0\r\n\r\n',
    '1\r\nab\r\n0\r\n\r\n',
    '1\r\na\r0\r\n\r\n',
    '1\rXa\r\n0\r\n\r\n',
    '0\r\n\n',
    '0\n\r\n',
    '0\r\na: b\n\r\n',
  ])('with a line end that is none is refused: %j', (body) => {
    expect(errorOf(body)).toMatch(/^bad-(?:line-end|chunk-line|chunk-end|field-value) /);
  });
});

describe('limits hold to the octet', () => {
  test('of a chunk line, its CRLF counted', () => {
    for (const cutting of [
      (bytes: Uint8Array) => [bytes],
      (bytes: Uint8Array) => Array.from(bytes, (octet) => Uint8Array.of(octet)),
    ]) {
      const body = (length: number): string => `1;${'a'.repeat(length - 4)}\r\nx\r\n0\r\n\r\n`;
      expect(read(body(20), cutting, { maxChunkLineBytes: 20 })?.content).toBe('x');
      expect(read(body(21), cutting, { maxChunkLineBytes: 20 })).toBeUndefined();
      // A plain line is read on another way, with the same limit.
      const plain = (zeros: number): string => `${'0'.repeat(zeros)}1\r\nx\r\n0\r\n\r\n`;
      expect(read(plain(2), cutting, { maxChunkLineBytes: 5 })?.content).toBe('x');
      expect(read(plain(3), cutting, { maxChunkLineBytes: 5 })).toBeUndefined();
    }
    expect(errorOf(`1;${'a'.repeat(300)}`)).toMatch(/^chunk-line-too-long/);
  });

  test('of all extensions of a message together', () => {
    const body = (count: number): string => `${'1;a\r\nx\r\n'.repeat(count)}0\r\n\r\n`;
    // The octets behind the first of each extension, up to and with its CR.
    const taken = (count: number): boolean =>
      read(body(count), (bytes) => [bytes], { maxChunkExtensionBytes: 20 }) !== undefined;
    expect([taken(10), taken(11)]).toEqual([true, false]);
    expect(errorOf(body(11), { maxChunkExtensionBytes: 20 })).toMatch(/^chunk-extensions-too-large/);
    expect(read('1\r\nx\r\n0\r\n\r\n', (bytes) => [bytes], { maxChunkExtensionBytes: 0 })?.content).toBe('x');
  });

  test('of the trailer section, and of the fields in it', () => {
    const section = 'a: b\r\nc: d\r\n\r\n';
    const body = `0\r\n${section}`;
    expect(errorOf(body, { maxTrailerBytes: section.length })).toBeUndefined();
    expect(errorOf(body, { maxTrailerBytes: section.length - 1 })).toMatch(/^trailers-too-large/);
    expect(errorOf(`0\r\n${'a: b\r\n'.repeat(3)}\r\n`, { maxFields: 3 })).toBeUndefined();
    expect(errorOf(`0\r\n${'a: b\r\n'.repeat(4)}\r\n`, { maxFields: 3 })).toMatch(/^too-many-fields/);
  });
});

test.each(['Content-Length: 5', 'transfer-encoding: chunked', 'HOST: b', 'connection: close', 'Trailer: a'])(
  'a trailer that would have decided something is refused: %s',
  (field) => {
    expect(errorOf(`0\r\na: b\r\n${field}\r\n\r\n`)).toMatch(/^forbidden-trailer/);
  },
);

test.each([' folded', '\tfolded', 'no colon', ': nameless', 'na me: a', 'a : b', 'a: \x01'])(
  'a trailer line that is none is refused: %j',
  (line) => {
    expect(errorOf(`0\r\na: b\r\n${line}\r\n\r\n`)).toMatch(/^(?:bad-field-|folded-field)/);
  },
);
