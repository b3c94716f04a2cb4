// multipart/byteranges (RFC 9110 §14.6), read back by a parser of its own.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentRange, multipartRanges } from '../../src/http/multipart-ranges.ts';
import { parseRange, resolveRanges, type ByteRange } from '../../src/http/range.ts';

/** What is sent when the representation has these bytes. */
function render(parts: readonly (Uint8Array | ByteRange)[], bytes: Buffer): Buffer {
  return Buffer.concat(parts.map((part) => ('start' in part ? bytes.subarray(part.start, part.end) : part)));
}

interface Part {
  readonly fields: Readonly<Record<string, string>>;
  readonly content: Buffer;
}

/** RFC 2046 §5.1: parts between delimiter lines, each with fields, an empty line and content. */
function parse(message: Buffer, boundary: string): readonly Part[] {
  const text = message.toString('latin1');
  const [before, ...rest] = `\r\n${text}`.split(`\r\n--${boundary}`);
  expect(before).toBe('');
  expect(rest.pop()).toBe('--\r\n');
  return rest.map((part) => {
    const end = part.indexOf('\r\n\r\n');
    expect(part.startsWith('\r\n')).toBe(true);
    const lines = part.slice(2, end).split('\r\n');
    const fields = Object.fromEntries(lines.map((line) => line.split(': ', 2)));
    return { fields, content: Buffer.from(part.slice(end + 4), 'latin1') };
  });
}

/** Bytes, and positions of which each two are the ends of a range. */
const cases = fc.uint8Array({ minLength: 8, maxLength: 100 }).chain((content) =>
  fc.record({
    bytes: fc.constant(Buffer.from(content)),
    places: fc.uniqueArray(fc.nat(content.length - 1), { minLength: 4, maxLength: 12 }),
  }),
);

function setOf(places: readonly number[]): string {
  const sorted = places.toSorted((a, b) => a - b);
  const pairs = Array.from({ length: Math.floor(sorted.length / 2) }, (_, index) =>
    sorted.slice(2 * index, 2 * index + 2),
  );
  return pairs.map(([first, last]) => `${first}-${last}`).join(', ');
}

test('has a part for each range, with its place, and the length that was announced', () => {
  fc.assert(
    fc.property(cases, ({ bytes, places }) => {
      const ranges = resolveRanges(parseRange(`bytes=${setOf(places)}`) ?? [], bytes.length);
      fc.pre(ranges !== undefined && ranges !== 'unsatisfiable' && ranges.length > 1);
      const { contentType, length, parts } = multipartRanges(ranges, bytes.length, 'text/plain; charset=utf-8');
      const [, boundary = ''] = /^multipart\/byteranges; boundary=(\w+)$/.exec(contentType) ?? [];
      const message = render(parts, bytes);
      expect(message.length).toBe(length);
      const read = parse(message, boundary);
      expect(read.map(({ content: part }) => part)).toEqual(ranges.map(({ start, end }) => bytes.subarray(start, end)));
      for (const [index, { fields }] of read.entries()) {
        const range = ranges[index] ?? { start: 0, end: 0 };
        expect(fields['Content-Type']).toBe('text/plain; charset=utf-8');
        expect(fields['Content-Range']).toBe(`bytes ${range.start}-${range.end - 1}/${bytes.length}`);
      }
    }),
    { numRuns: 500 },
  );
});

test('has a boundary that no client can foresee, and that no content has', () => {
  const ranges = [
    { start: 0, end: 1 },
    { start: 2, end: 3 },
  ];
  const boundaries = new Set(Array.from({ length: 100 }, () => multipartRanges(ranges, 4, 'a/b').contentType));
  expect(boundaries.size).toBe(100);
});

test('says first and last position, counted from 0', () => {
  expect(contentRange({ start: 0, end: 1 }, 1)).toBe('bytes 0-0/1');
  expect(contentRange({ start: 5, end: 10 }, 5_000_000_000)).toBe('bytes 5-9/5000000000');
});
