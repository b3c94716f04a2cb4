import { describe, expect, test } from 'vitest';
import {
  encodePairs,
  endOfRequest,
  RecordReader,
  requestHead,
  scgiHead,
  streamRecords,
  wholeOutputEnd,
} from '../../src/fastcgi/records.ts';

function record(type: number, content: Buffer, padding = 0): Buffer {
  const header = Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, padding, 0]);
  return Buffer.concat([header, content, Buffer.alloc(padding, 0xee)]);
}

describe('encodePairs', () => {
  test.each([
    [127, 127, '7f7f'],
    [128, 1, '8000008001'],
    [1, 128, '0180000080'],
    [1, 70_000, '0180011170'],
    [1, 0, '0100'],
  ])('writes lengths %i and %i', (nameLength, valueLength, lengths) => {
    const bytes = Buffer.from(encodePairs({ ['n'.repeat(nameLength)]: 'v'.repeat(valueLength) }), 'latin1');
    expect(bytes.toString('hex').startsWith(`${lengths}6e`)).toBe(true);
    expect(bytes.length).toBe(lengths.length / 2 + nameLength + valueLength);
  });

  test('writes byte strings byte by byte', () => {
    expect(encodePairs({ A: '\xff\x00é' })).toBe('\x01\x03A\xff\x00é');
  });
});

describe('streamRecords and RecordReader', () => {
  test.each([0, 1, 65_534, 65_535, 65_536, 200_000])('carry %i bytes, in pieces of any size', (length) => {
    const bytes = Buffer.alloc(length, 'abc');
    const wire = Buffer.concat(streamRecords(6, bytes));
    for (const piece of [1000, 8191, wire.length]) {
      const reader = new RecordReader();
      const got: Buffer[] = [];
      for (let start = 0; start < wire.length; start += piece) {
        reader.push(wire.subarray(start, start + piece));
        for (let next = reader.next(); next !== undefined; next = reader.next()) got.push(Buffer.from(next.content));
      }
      expect(Buffer.concat(got).equals(bytes)).toBe(true);
      expect(reader.hasMore).toBe(false);
    }
  });

  test('skip padding', () => {
    const reader = new RecordReader();
    reader.push(Buffer.concat([record(6, Buffer.from('one'), 5), record(7, Buffer.from('two'), 255)]));
    expect(reader.next()?.content.toString()).toBe('one');
    expect(reader.next()).toMatchObject({ type: 7, content: Buffer.from('two') });
    expect(reader.next()).toBeUndefined();
  });

  test('come byte by byte through a buffer that is overwritten', () => {
    const reader = new RecordReader();
    const got: string[] = [];
    const shared = Buffer.alloc(1);
    for (const byte of Buffer.concat([record(6, Buffer.from('one'), 5), record(3, Buffer.alloc(8, 'e'), 3)])) {
      shared[0] = byte;
      reader.push(shared);
      for (let next = reader.next(); next !== undefined; next = reader.next()) got.push(next.content.toString());
    }
    expect(got).toEqual(['o', 'n', 'e', 'eeeeeeee']);
    expect(reader.hasMore).toBe(false);
  });

  test('refuse what is no FastCGI', () => {
    const reader = new RecordReader();
    reader.push(Buffer.from('HTTP/1.1 200 OK'));
    expect(() => reader.next()).toThrow(RangeError);
  });

  test.each<[string, number, number]>([
    ['output of another request', 6, 2],
    ['output of a request whose number ends alike', 6, 257],
    ['output of no request', 6, 0],
    ['the end of another request', 3, 2],
    ['content of a request', 5, 1],
    ['a type that concerns connections', 10, 1],
  ])('refuse %s before its content is here', (_, type, id) => {
    const reader = new RecordReader();
    reader.push(Buffer.from([1, type, id >> 8, id & 255, 0, 9, 0, 0]));
    expect(() => reader.next()).toThrow(`a record of type ${type} for request ${id}`);
  });

  test('pass management records over', () => {
    const reader = new RecordReader();
    const management = Buffer.from([1, 11, 0, 0, 0, 8, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    reader.push(Buffer.concat([management, record(6, Buffer.from('one')), management.subarray(0, 12)]));
    expect(reader.next()?.content.toString()).toBe('one');
    expect(reader.next()).toBeUndefined();
    expect(reader.hasMore).toBe(true);
  });
});

describe('wholeOutputEnd', () => {
  const output = record(6, Buffer.from('A: b\n\nyes'), 3);
  const ending = record(3, Buffer.alloc(8));
  const end = 8 + 'A: b\n\nyes'.length;

  test.each<[string, readonly Buffer[], number]>([
    ['output and a good end', [output, ending], end],
    ['the end of the output as well', [output, record(6, Buffer.alloc(0)), ending], end],
    ['no output', [record(6, Buffer.alloc(0)), ending], 0],
    ['no end', [output], 0],
    ['an end of its stream alone', [output, record(6, Buffer.alloc(0))], 0],
    ['output in two records', [output, output, ending], 0],
    ['errors', [output, record(7, Buffer.from('no')), ending], 0],
    ['errors in front', [record(7, Buffer.from('no')), output, ending], 0],
    ['an application that has too much to do', [output, record(3, Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]))], 0],
    ['an end with padding', [output, record(3, Buffer.alloc(8), 8)], 0],
    ['something behind the end', [output, ending, Buffer.from([1])], 0],
    ['a long end', [output, record(3, Buffer.alloc(16))], 0],
    ['an end that is cut', [output, ending.subarray(0, 15)], 0],
    ['no FastCGI', [Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')], 0],
  ])('finds %s', (_, records, expected) => {
    const bytes = Buffer.concat(records);
    // What an earlier read has left behind them is none of theirs.
    const shared = Buffer.concat([bytes, ending, output, ending]);
    expect(wholeOutputEnd(shared, bytes.length)).toBe(expected);
  });

  test('finds nothing of another request', () => {
    const bytes = Buffer.concat([output, ending]);
    for (const at of [2, 3, output.length + 2, output.length + 3]) {
      const other = Buffer.from(bytes);
      other[at] = 2;
      expect(wholeOutputEnd(other, other.length)).toBe(0);
    }
  });
});

describe('requestHead', () => {
  test('splits parameters that are longer than a record', () => {
    const head = Buffer.from(requestHead(encodePairs({ LONG: 'x'.repeat(150_000) }), true), 'latin1');
    const types: [number, number][] = [];
    for (let at = 0; at < head.length; at += 8 + head.readUInt16BE(at + 4)) {
      types.push([head[at + 1] ?? 0, head.readUInt16BE(at + 4)]);
    }
    expect(types).toEqual([
      [1, 8],
      [4, 65_535],
      [4, 65_535],
      [4, 18_939],
      [4, 0],
    ]);
    expect(head.subarray(8, 16)).toEqual(Buffer.from([0, 1, 1, 0, 0, 0, 0, 0]));
  });

  test('ends content that is empty in the same bytes', () => {
    const head = Buffer.from(requestHead(encodePairs({ A: '\xff' }), false, true), 'latin1');
    const begin = [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    const params = [1, 4, 0, 1, 0, 4, 0, 0, 1, 1, 0x41, 0xff, 1, 4, 0, 1, 0, 0, 0, 0];
    expect(head).toEqual(Buffer.from([...begin, ...params, 1, 5, 0, 1, 0, 0, 0, 0]));
  });
});

describe('endOfRequest', () => {
  test.each([
    [[0, 0, 0, 0, 0, 0, 0, 0], { appStatus: 0, protocol: 'complete' }],
    [[255, 255, 255, 255, 0, 0, 0, 0], { appStatus: -1, protocol: 'complete' }],
    [[0, 0, 0, 0, 2, 0, 0, 0], { appStatus: 0, protocol: 'overloaded' }],
    [[0, 0, 0, 0, 3, 0, 0, 0], { appStatus: 0, protocol: 'refused' }],
  ])('reads %j', (bytes, expected) => {
    expect(endOfRequest(Buffer.from(bytes))).toEqual(expected);
  });
});

describe('scgiHead', () => {
  test('puts CONTENT_LENGTH first, always', () => {
    expect(scgiHead({ A: 'b', CONTENT_LENGTH: '27' })).toBe(
      '31:CONTENT_LENGTH\x0027\0SCGI\x001\0A\0b\0,'.replace('31', '29'),
    );
    expect(scgiHead({ 1: 'a', A: 'b', CONTENT_LENGTH: '0', SCGI: '2', 0: 'c' })).toMatch(
      /^\d+:CONTENT_LENGTH\x000\0SCGI\x001\0/,
    );
    expect(scgiHead({ A: '\xe9' })).toBe('28:CONTENT_LENGTH\x000\0SCGI\x001\0A\0\xe9\0,');
  });
});
