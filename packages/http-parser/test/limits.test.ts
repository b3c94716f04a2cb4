// Options of the parsers: what is refused in one line that names it, and the limits to the octet.

import { describe, expect, test } from 'vitest';
import { RequestParser, type RequestParserOptions, ResponseParser } from '../src/index.ts';
import { checkBytes, resolveLimits, shown } from '../src/limits.ts';
import { bytesOf, octetByOctet, replay } from './replay.ts';

describe('options', () => {
  test.each<readonly [unknown, string]>([
    [null, 'RequestParser: options: expected an object, not null'],
    [[], 'RequestParser: options: expected an object, not a list'],
    ['x', 'RequestParser: options: expected an object, not "x"'],
    [{ maxHeadByte: 5 }, 'RequestParser: maxHeadByte: is not an option; did you mean maxHeadBytes?'],
    [{ maxheadbytes: 5 }, 'RequestParser: maxheadbytes: is not an option; did you mean maxHeadBytes?'],
    [{ simpleRequest: true }, 'RequestParser: simpleRequest: is not an option; did you mean simpleRequests?'],
    [{ colour: 5 }, 'RequestParser: colour: is not an option'],
    [{ toString: 5 }, 'RequestParser: toString: is not an option'],
    [{ maxFields: -1 }, 'RequestParser: maxFields: expected a whole number from 0 up, not -1'],
    [{ maxFields: 1.5 }, 'RequestParser: maxFields: expected a whole number from 0 up, not 1.5'],
    [{ maxFields: '5' }, 'RequestParser: maxFields: expected a whole number from 0 up, not "5"'],
    [{ maxFields: Number.NaN }, 'RequestParser: maxFields: expected a whole number from 0 up, not NaN'],
    [{ maxFields: Infinity }, 'RequestParser: maxFields: expected a whole number from 0 up, not Infinity'],
    [{ maxFields: null }, 'RequestParser: maxFields: expected a whole number from 0 up, not null'],
    [{ maxFields: {} }, 'RequestParser: maxFields: expected a whole number from 0 up, not an object'],
    [{ simpleRequests: 1 }, 'RequestParser: simpleRequests: expected true or false, not 1'],
  ])('%o are refused', (options, message) => {
    expect(() => new RequestParser(options as RequestParserOptions)).toThrow(message);
  });

  test('that are undefined are left out, and 0 is a limit', () => {
    const limits = resolveLimits({ maxFields: undefined, maxEmptyLines: 0 }, 'x');
    expect(limits).toMatchObject({ maxFields: 128, maxEmptyLines: 0, maxHeadBytes: 32_768 });
  });

  test('of a response parser have no simple requests', () => {
    expect(() => new ResponseParser({ simpleRequests: true } as object)).toThrow(
      'ResponseParser: simpleRequests: is not',
    );
  });
});

describe('what is no bytes', () => {
  test.each<readonly [unknown, string]>([
    ['GET', 'not a text; make bytes of it: new TextEncoder().encode(text)'],
    [[71, 69, 84], 'not a list'],
    [undefined, 'not undefined'],
    [new ArrayBuffer(3), 'not an object'],
    [5, 'not 5'],
  ])('is refused: %o', (bytes, words) => {
    expect(() => checkBytes(bytes)).toThrow(`push: expected a Uint8Array, ${words}`);
    expect(() => new RequestParser().push(bytes as Uint8Array)).toThrow(TypeError);
    expect(() => new ResponseParser().push(bytes as Uint8Array)).toThrow(TypeError);
  });

  test('is not what Node reads into', () => {
    expect(() => checkBytes(Buffer.from('x'))).not.toThrow();
    expect(() => checkBytes(new Uint8Array(0))).not.toThrow();
  });
});

test.each<readonly [unknown, string]>([
  ['a"b', String.raw`"a\"b"`],
  [[], 'a list'],
  [{}, 'an object'],
  [null, 'null'],
  [undefined, 'undefined'],
  [5n, '5'],
])('a message repeats %o as %s', (value, text) => {
  expect(shown(value)).toBe(text);
});

/** The code of the refusal, whole and octet by octet; undefined where there is none. */
function refusal(text: string, options: RequestParserOptions): string | undefined {
  const bytes = bytesOf(text);
  const [whole, single] = [[bytes], octetByOctet(bytes)].map((chunks) => replay(chunks, options));
  expect(single).toEqual(whole);
  return whole?.find((line) => line.includes(' @'))?.split(' @')[0];
}

describe('a limit holds to the octet, and the same however the octets come', () => {
  const line = 'GET /abc HTTP/1.1\r\n';
  const head = `${line}host: a\r\nx: yz\r\n\r\n`;

  test('of the request line', () => {
    expect(refusal(head, { maxRequestLineBytes: line.length })).toBeUndefined();
    expect(refusal(head, { maxRequestLineBytes: line.length - 1 })).toBe('request-line-too-long');
    const simple = 'GET /abc\r\n';
    expect(refusal(simple, { maxRequestLineBytes: simple.length })).toBeUndefined();
    expect(refusal(simple, { maxRequestLineBytes: simple.length - 1 })).toBe('request-line-too-long');
  });

  test('of the head', () => {
    expect(refusal(head, { maxHeadBytes: head.length })).toBeUndefined();
    expect(refusal(head, { maxHeadBytes: head.length - 1 })).toBe('head-too-large');
    expect(refusal(head, { maxHeadBytes: line.length })).toBe('head-too-large');
  });

  test('of fields', () => {
    expect(refusal(head, { maxFields: 2 })).toBeUndefined();
    expect(refusal(head, { maxFields: 1 })).toBe('too-many-fields');
    expect(refusal('GET / HTTP/1.0\r\n\r\n', { maxFields: 0 })).toBeUndefined();
    // A folded line is a part of the one before it.
    expect(refusal('GET / HTTP/1.0\r\na: b\r\n c\r\n d\r\n\r\n', { maxFields: 1 })).toBeUndefined();
  });

  test('of empty lines before a request', () => {
    expect(refusal(`\r\n\r\n${head}`, { maxEmptyLines: 2 })).toBeUndefined();
    expect(refusal(`\r\n\r\n\r\n${head}`, { maxEmptyLines: 2 })).toBe('too-many-empty-lines');
    expect(refusal(`${head}\r\n\r\n${head}\r\n\r\n${head}`, { maxEmptyLines: 2 })).toBeUndefined();
    expect(refusal(`\r\n${head}`, { maxEmptyLines: 0 })).toBe('too-many-empty-lines');
  });

  test('of a method, which no option moves', () => {
    expect(refusal(`${'M'.repeat(64)} / HTTP/1.1\r\nhost: a\r\n\r\n`, {})).toBeUndefined();
    expect(refusal(`${'M'.repeat(65)} / HTTP/1.1\r\nhost: a\r\n\r\n`, {})).toBe('method-too-long');
  });

  test('of a length that can be counted', () => {
    const post = (length: string): string => `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n`;
    expect(refusal(post('9007199254740991'), {})).toBe('unexpected-end');
    expect(refusal(post('9007199254740992'), {})).toBe('length-overflow');
    expect(refusal(post('9'.repeat(400)), {})).toBe('length-overflow');
    for (const length of ['', '-1', '+1', '1.0', '0x1', '01', '00', '1,1', '1 1', '\u0661']) {
      expect([length, refusal(post(length), {})]).toEqual([length, 'bad-content-length']);
    }
  });
});
