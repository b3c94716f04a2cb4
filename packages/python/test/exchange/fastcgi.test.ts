import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeAbort,
  encodeContent,
  encodeContentEnd,
  encodeFileReply,
  encodePause,
  encodeRequest,
  encodeRequestHead,
} from '../../src/exchange/fastcgi.ts';
import { FastCgiError, RecordReader } from '../../src/exchange/fastcgi-reader.ts';

interface WireRecord {
  type: number;
  id: number;
  content: Buffer;
  padding?: number;
}

function encode({ type, id, content, padding = 0 }: WireRecord): Buffer {
  const { length } = content;
  const header = Buffer.from([1, type, id >> 8, id & 255, (length >> 8) & 255, length & 255, padding, length >> 16]);
  return Buffer.concat([header, content, Buffer.alloc(padding)]);
}

/** A decoder for what we send, written from the specification and not from the encoder. */
function decode(...parts: (string | Uint8Array)[]): WireRecord[] {
  const bytes = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  const records: WireRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt16BE(at + 4) + bytes[at + 7]! * 0x10000;
    const content = bytes.subarray(at + 8, at + 8 + length);
    expect([bytes[at], content.length]).toEqual([1, length]);
    records.push({ type: bytes[at + 1]!, id: bytes.readUInt16BE(at + 2), content });
    at += 8 + length + bytes[at + 6]!;
  }
  return records;
}

/** What a reader says when it gets `bytes` in these pieces; neighbouring content is joined. */
function events(pieces: Buffer[]): [string, ...(string | number)[]][] {
  const seen: [string, ...(string | number)[]][] = [];
  const content = (name: string, bytes: Buffer): void => {
    const last = seen.at(-1);
    if (last?.[0] === name) last[1] = `${last[1]}${bytes.toString('latin1')}`;
    else seen.push([name, bytes.toString('latin1')]);
  };
  const reader = new RecordReader({
    output: (bytes) => content('output', bytes),
    lastOutput: (bytes, id) => seen.push(['lastOutput', id, bytes.toString('latin1')]),
    errors: (bytes) => content('errors', bytes),
    file: (id, { descriptor, offset, length }) => seen.push(['file', id, descriptor, offset, length]),
    pause: (id, isPaused) => seen.push(['pause', id, Number(isPaused)]),
    ping: () => seen.push(['ping']),
    end: (id, status) => seen.push(['end', id, status]),
  });
  for (const piece of pieces) reader.push(piece);
  return seen;
}

const bytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));
const byteString = (max: number): fc.Arbitrary<string> => bytes(max).map((array) => array.toString('latin1'));
const id = fc.integer({ min: 1, max: 0xffff });
const workerRecord: fc.Arbitrary<WireRecord> = fc.oneof(
  fc.record({ type: fc.constantFrom(6, 7), id, content: bytes(40), padding: fc.integer({ min: 0, max: 9 }) }),
  fc.record({
    type: fc.constant(3),
    id,
    content: fc.integer({ min: 0, max: 0xffffffff }).map((status) => {
      const body = Buffer.alloc(8);
      body.writeUInt32BE(status);
      return body;
    }),
    padding: fc.constantFrom(0, 0, 7),
  }),
  fc.record({
    type: fc.constant(16),
    id,
    content: fc.uint8Array({ minLength: 60, maxLength: 60 }).map((array) => Buffer.from(array)),
  }),
  fc.record({ type: fc.constant(23), id, content: bytes(40).filter(({ length }) => length > 0) }),
  fc.record({ type: fc.constant(18), id, content: fc.constantFrom(Buffer.from([0]), Buffer.from([1])) }),
  fc.record({ type: fc.constant(19), id: fc.constant(0), content: fc.constant(Buffer.alloc(0)) }),
);

describe('RecordReader', () => {
  test('says the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(workerRecord, { maxLength: 6 }), (records) => {
        const whole = Buffer.concat(records.map(encode));
        const expected = events([whole]);
        for (let at = 0; at <= whole.length; at++) {
          expect(events([whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
        }
        expect(events(Array.from(whole, (byte) => Buffer.from([byte])))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('hands on content, errors and the end of a request', () => {
    const bytes = Buffer.concat([
      encode({ type: 6, id: 9, content: Buffer.from('one'), padding: 5 }),
      encode({ type: 7, id: 9, content: Buffer.from('oops') }),
      encode({ type: 6, id: 9, content: Buffer.from('two') }),
      encode({ type: 3, id: 9, content: Buffer.from([0, 0, 1, 2, 0, 0, 0, 0]) }),
    ]);
    expect(events([bytes])).toEqual([['output', 'one'], ['errors', 'oops'], ['output', 'two'], ['end', 9, 258]]); // prettier-ignore
  });

  test('hands on the offer of a file, a pause and a sign of life', () => {
    const offer = Buffer.alloc(60);
    offer.writeUInt32BE(17);
    offer.writeBigUInt64BE(5_000_000_000n, 4);
    offer.writeBigUInt64BE(3n, 12);
    const bytes = Buffer.concat([
      encode({ type: 16, id: 2, content: offer }),
      encode({ type: 18, id: 3, content: Buffer.from([1]) }),
      encode({ type: 19, id: 0, content: Buffer.alloc(0) }),
    ]);
    expect(events([bytes])).toEqual([['file', 2, 17, 5_000_000_000, 3], ['pause', 3, 1], ['ping']]);
  });

  test('reads a record of more than 64 KiB', () => {
    const content = Buffer.alloc(300_000, 'abc');
    expect(events([encode({ type: 6, id: 1, content })])).toEqual([['output', content.toString()]]);
  });

  test('takes a refused request for one that is not whole', () => {
    const overloaded = encode({ type: 3, id: 1, content: Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]) });
    expect(events([overloaded])).toEqual([['end', 1, 1]]);
  });

  test.each([
    ['another version', Buffer.from([2, 6, 0, 1, 0, 0, 0, 0])],
    ['a record that only servers send', Buffer.from([1, 4, 0, 1, 0, 0, 0, 0])],
    ['an end of another size', Buffer.from([1, 3, 0, 1, 0, 7, 0, 0])],
    ['a last output without bytes', Buffer.from([1, 23, 0, 1, 0, 0, 0, 0])],
    ['text', Buffer.from('HTTP/1.1 200 OK\r\n')],
  ])('refuses %s', (_, input) => {
    expect(() => events([input])).toThrow(FastCgiError);
    expect(() => events(Array.from(input, (byte) => Buffer.from([byte])))).toThrow(FastCgiError);
  });

  test('says what it says of garbage, or throws FastCgiError', () => {
    fc.assert(
      fc.property(fc.array(bytes(30)), (pieces) => {
        try {
          events(pieces);
        } catch (error) {
          expect(error).toBeInstanceOf(FastCgiError);
        }
      }),
    );
  });
});

describe('encodeRequest', () => {
  test.each([0, 1, 65_535])('is one record for %d bytes', (size) => {
    const params = 'v'.repeat(size);
    for (const hasContent of [true, false]) {
      const [only, ...more] = decode(encodeRequest(0x1234, params, hasContent));
      expect([only?.type, only?.id, only?.content.toString(), more]).toEqual([
        hasContent ? 21 : 22,
        0x1234,
        params,
        [],
      ]);
    }
  });

  test('is what FastCGI has for more', () => {
    const params = 'v'.repeat(65_536);
    expect(encodeRequest(7, params, true)).toBe(encodeRequestHead(7, params));
    expect(encodeRequest(7, params, false)).toBe(encodeRequestHead(7, params) + encodeContentEnd(7));
  });
});

describe('encodeRequestHead', () => {
  test('carries all of the parameters', () => {
    fc.assert(
      fc.property(id, byteString(300), (requestId, params) => {
        const records = decode(encodeRequestHead(requestId, params));
        expect(records.every(({ id }) => id === requestId)).toBe(true);
        expect(records[0]).toMatchObject({ type: 1, content: Buffer.from([0, 1, 1, 0, 0, 0, 0, 0]) });
        expect(join(records, 4).toString('latin1')).toBe(params);
        expect(records.filter(({ type }) => type === 4).at(-1)!.content).toHaveLength(0);
      }),
    );
  });

  test.each([0, 1, 127, 128, 65_534, 65_535, 65_536, 200_000])('carries %d bytes', (size) => {
    const records = decode(encodeRequestHead(7, 'v'.repeat(size)));
    expect(join(records, 4).toString()).toBe('v'.repeat(size));
    // An empty record ends the parameters: there is one, and it is the last.
    const sizes = records.filter(({ type }) => type === 4).map(({ content }) => content.length);
    expect(sizes.indexOf(0)).toBe(sizes.length - 1);
    expect(Math.max(...sizes)).toBeLessThan(0x10000);
  });
});

describe('encodeContent', () => {
  test('makes one record of all pieces, without copying them', () => {
    const pieces = [Buffer.from('a'), Buffer.alloc(0), Buffer.alloc(100_000, 'b')];
    const parts = encodeContent(3, pieces);
    expect(parts.filter((part) => typeof part !== 'string')).toEqual([pieces[0], pieces[2]]);
    const records = decode(...parts, encodeContentEnd(3));
    expect(records.map(({ type, id, content }) => [type, id, content.length])).toEqual([[5, 3, 100_001], [5, 3, 0]]); // prettier-ignore
    expect(join(records, 5).toString()).toBe(`a${'b'.repeat(100_000)}`);
  });

  test.each([0xffffff, 0x1000000, 0x1000001])('carries %d bytes', (size) => {
    const content = Buffer.alloc(size, 'abc');
    const records = decode(...encodeContent(1, [Buffer.from('x'), content]));
    expect(join(records, 5).equals(Buffer.concat([Buffer.from('x'), content]))).toBe(true);
    expect(records.every((record) => record.content.length > 0)).toBe(true);
  });

  test('gives nothing for no bytes', () => {
    expect(encodeContent(1, [])).toEqual([]);
    expect(encodeContent(1, [Buffer.alloc(0)])).toEqual([]);
  });
});

test('an abort, a pause and the reply to a file are records of their own', () => {
  expect(decode(encodeAbort(0x1234))).toEqual([{ type: 2, id: 0x1234, content: Buffer.alloc(0) }]);
  expect(decode(encodePause(1, true), encodePause(1, false)).map(({ type, content }) => [type, content[0]])).toEqual([[18, 1], [18, 0]]); // prettier-ignore
  expect(decode(encodeFileReply(1, true), encodeFileReply(1, false)).map(({ type, content }) => [type, content[0]])).toEqual([[17, 1], [17, 0]]); // prettier-ignore
});

function join(records: WireRecord[], type: number): Buffer {
  return Buffer.concat(records.filter((record) => record.type === type).map(({ content }) => content));
}
