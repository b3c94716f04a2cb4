import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeAbort, encodeContent, encodeContentEnd, encodeEmptyRequest, encodeRequest } from '../src/fastcgi.ts';
import { FastCgiError, RecordReader } from '../src/fastcgi-reader.ts';

interface WireRecord {
  type: number;
  id: number;
  content: Buffer;
  padding?: number;
}

function encode({ type, id, content, padding = 0 }: WireRecord): Buffer {
  const header = Buffer.from([1, type, id >> 8, id & 255, content.length >> 8, content.length & 255, padding, 0]);
  return Buffer.concat([header, content, Buffer.alloc(padding)]);
}

/** A decoder for what we send, written from the specification and not from the encoder. */
function decode(bytes: Buffer): WireRecord[] {
  const records: WireRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt16BE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + length);
    expect([bytes[at], bytes[at + 7], content.length]).toEqual([1, 0, length]);
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
    errors: (bytes) => content('errors', bytes),
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

  test('takes a refused request for one that is not whole', () => {
    const overloaded = encode({ type: 3, id: 1, content: Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]) });
    expect(events([overloaded])).toEqual([['end', 1, 1]]);
  });

  test.each([
    ['another version', Buffer.from([2, 6, 0, 1, 0, 0, 0, 0])],
    ['a record that only servers send', Buffer.from([1, 4, 0, 1, 0, 0, 0, 0])],
    ['an end of another size', Buffer.from([1, 3, 0, 1, 0, 7, 0, 0])],
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
  test('carries all of the parameters and all of the content', () => {
    fc.assert(
      fc.property(id, byteString(300), fc.option(bytes(300), { nil: undefined }), (requestId, params, content) => {
        const records = decode(encodeRequest(requestId, params, content));
        expect(records.every(({ id }) => id === requestId)).toBe(true);
        expect(records[0]).toMatchObject({ type: 1, content: Buffer.from([0, 1, 1, 0, 0, 0, 0, 0]) });
        expect(join(records, 4).toString('latin1')).toBe(params);
        expect(records.filter(({ type }) => type === 4).at(-1)!.content).toHaveLength(0);
        expect(records.filter(({ type }) => type === 5).length > 0).toBe(content !== undefined);
        expect(join(records, 5).equals(content ?? Buffer.alloc(0))).toBe(true);
      }),
    );
  });

  test.each([0, 1, 127, 128, 65_534, 65_535, 65_536, 200_000])('carries %d bytes of each', (size) => {
    const content = Buffer.alloc(size, 'abc');
    const records = decode(encodeRequest(7, 'v'.repeat(size), content));
    expect(join(records, 4).toString()).toBe('v'.repeat(size));
    expect(join(records, 5).equals(content)).toBe(true);
    // An empty record ends a stream: there is one for each, and it is the last.
    for (const type of [4, 5]) {
      const sizes = records.filter((record) => record.type === type).map((record) => record.content.length);
      expect(sizes.indexOf(0)).toBe(sizes.length - 1);
    }
  });
});

test.each([0, 1, 300, 65_535, 65_536, 200_000])(
  'a request without content is the same as a string (%d bytes)',
  (size) => {
    const params = Buffer.alloc(size, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))).toString('latin1');
    const text = encodeEmptyRequest(0xfe01, params);
    expect(Buffer.from(text, 'latin1').equals(encodeRequest(0xfe01, params, Buffer.alloc(0)))).toBe(true);
  },
);

test('content may follow in any number of pieces', () => {
  const sent = Buffer.concat([
    encodeContent(3, Buffer.from('a')),
    encodeContent(3, Buffer.alloc(0)),
    encodeContent(3, Buffer.alloc(100_000, 'b')),
    encodeContentEnd(3),
  ]);
  const records = decode(sent);
  expect(records.map(({ type, id, content }) => [type, id, content.length])).toEqual([
    [5, 3, 1],
    [5, 3, 65_535],
    [5, 3, 34_465],
    [5, 3, 0],
  ]);
  expect(join(records, 5).toString()).toBe(`a${'b'.repeat(100_000)}`);
});

test('an abort is a record of its own', () => {
  expect(decode(encodeAbort(0x1234))).toEqual([{ type: 2, id: 0x1234, content: Buffer.alloc(0) }]);
});

function join(records: WireRecord[], type: number): Buffer {
  return Buffer.concat(records.filter((record) => record.type === type).map(({ content }) => content));
}
