import { describe, expect, test } from 'vitest';
import { RequestParser } from '../src/index.ts';
import { scan } from '../src/scan.ts';
import { bytesOf, octetByOctet } from './replay.ts';

/** How many octets are looked at or moved for each octet that comes in; lines and chunks are looked at once by construction. */
function work(text: string, chunks: (bytes: Uint8Array) => Uint8Array[]): number {
  const parser = new RequestParser({
    maxHeadBytes: 1 << 20,
    maxRequestLineBytes: 1 << 20,
    maxFields: 1 << 20,
    maxTrailerBytes: 1 << 20,
  });
  const bytes = bytesOf(text);
  const before = scan.examined;
  for (const chunk of chunks(bytes)) {
    parser.push(chunk);
    if (parser.state === 'paused') parser.next();
  }
  return (scan.examined - before) / bytes.length;
}

/**
 * Doubling reads everything twice at most, the end of the first line once more, and the end of all once more; each octet is
 * looked at once for line ends, and moved twice at most while a buffer grows.
 */
const MOST = 8;

const inPieces = (size: number) => (bytes: Uint8Array) => {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.slice(index * size, (index + 1) * size),
  );
};

const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Shapes that cost somebody else quadratic time, at a size. */
const SHAPES: Readonly<Record<string, (size: number) => string>> = {
  'many fields': (size) => `${HEAD}${'a: b\r\n'.repeat(size / 6)}\r\n`,
  'empty fields': (size) => `${HEAD}${'a:\r\n'.repeat(size / 4)}\r\n`,
  'one long value': (size) => `${HEAD}a: ${'b'.repeat(size)}\r\n\r\n`,
  'one value of blanks': (size) => `${HEAD}a: ${' '.repeat(size)}\r\n\r\n`,
  'one long name': (size) => `${HEAD}${'a'.repeat(size)}: b\r\n\r\n`,
  'a long target': (size) => `GET /${'a'.repeat(size)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'folded lines': (size) => `GET / HTTP/1.0\r\na: b\r\n${' \r\n'.repeat(size / 3)}\r\n`,
  'a head without end': (size) => `${HEAD}a: ${'b'.repeat(size)}`,
  'many trailers': (size) => `${CHUNKED}0\r\n${'a: b\r\n'.repeat(size / 6)}\r\n`,
  'chunks of one octet': (size) => `${CHUNKED}${'1\r\nx\r\n'.repeat(size / 6)}0\r\n\r\n`,
  'pipelined requests': (size) => `${HEAD}\r\n`.repeat(size / 27),
};

describe('the work for an octet', () => {
  test.each(Object.entries(SHAPES))('does not grow with the input: %s', (_, shape) => {
    for (const chunks of [octetByOctet, inPieces(7), inPieces(1000), inPieces(1 << 20)]) {
      for (const size of [1200, 12_000, 48_000]) expect(work(shape(size), chunks)).toBeLessThan(MOST);
    }
  });
});

test('the fields of a head with very many folded lines are there soon', () => {
  const [event] = new RequestParser({ maxHeadBytes: 1 << 24 }).push(
    bytesOf(`GET / HTTP/1.0\r\na: b\r\n${' cd\r\n \r\n'.repeat(150_000)}e: f\r\n\r\n`),
  );
  const fields = event?.type === 'head' ? event.head.fields : [];
  expect(fields.map(([name, value]) => [name, value.length])).toEqual([
    ['a', 1 + 150_000 * 3],
    ['e', 1],
  ]);
});

describe('memory', () => {
  test('is held for nothing but what waits', () => {
    const parser = new RequestParser();
    expect(parser.remainder.buffer.byteLength).toBe(0);
    parser.push(bytesOf(HEAD));
    expect(parser.remainder).toHaveLength(HEAD.length);
    parser.push(bytesOf('\r\n'));
    parser.next();
    expect(parser.remainder).toHaveLength(0);
  });
});
