// Frames as clients send them, cut anywhere: their contents come out plain, and their headers with a mask of zeros.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Unmasker } from '../../src/asgi/unmask.ts';

interface Frame {
  readonly first: number;
  readonly mask: Uint8Array;
  readonly content: Uint8Array;
  /** In which form the length is said: 0, 2 or 8 bytes behind the header, where that many are allowed. */
  readonly form: 0 | 2 | 8;
}

function encode({ first, mask, content, form }: Frame, isMasked: boolean): Buffer {
  const size = content.length;
  const isShort = form === 0 && size < 126;
  const isLong = form !== 8 && size < 0x10000;
  let length = Buffer.from([0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  if (isShort) length = Buffer.from([0x80 | size]);
  else if (isLong) length = Buffer.from([0x80 | 126, size >>> 8, size & 0xff]);
  else length.writeUInt32BE(size, 5);
  const data = isMasked ? content.map((byte, index) => byte ^ mask[index & 3]!) : content;
  return Buffer.concat([Buffer.from([first]), length, isMasked ? mask : Buffer.alloc(4), data]);
}

const frames = fc.array(
  fc.record({
    first: fc.nat(255),
    mask: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    content: fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 60_000, max: 70_000 }).map((size) => Buffer.alloc(size, 'content')),
    ),
    form: fc.constantFrom(0 as const, 2 as const, 8 as const),
  }),
  { maxLength: 5 },
);

/** `bytes`, unmasked in pieces that begin at any address. */
function passed(bytes: Buffer, cuts: readonly number[]): Buffer {
  const unmasker = new Unmasker();
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  let start = 0;
  const pieces = ends.map((end) => {
    const offset = (start * 7) % 5;
    const memory = Buffer.alloc(offset + end - start + 3, 0xee);
    const piece = memory.subarray(offset, offset + end - start);
    piece.set(bytes.subarray(start, end));
    unmasker.unmask(piece);
    expect(memory.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true);
    expect(memory.subarray(offset + end - start).every((byte) => byte === 0xee)).toBe(true);
    start = end;
    return piece;
  });
  return Buffer.concat(pieces);
}

test('takes the mask off every frame, however they are cut', () => {
  const property = fc.property(frames, fc.array(fc.nat(), { maxLength: 20 }), (sent, cuts) => {
    const bytes = Buffer.concat(sent.map((frame) => encode(frame, true)));
    const plain = Buffer.concat(sent.map((frame) => encode(frame, false)));
    expect(passed(bytes, cuts).equals(plain)).toBe(true);
  });
  fc.assert(property, { numRuns: 100 });
});

test('a header and a mask may come byte by byte', () => {
  const frame = encode({ first: 0x81, mask: Buffer.from('mask'), content: Buffer.from('hello, world'), form: 2 }, true);
  const cuts = Array.from(frame.keys());
  expect(passed(frame, cuts).toString('latin1').slice(8)).toBe('hello, world');
});

describe('leaves alone what the worker will refuse', () => {
  const mask = Buffer.from('mask');

  test('a frame without a mask, and all behind it', () => {
    const bytes = Buffer.concat([Buffer.from([0x81, 5]), Buffer.from('hello'), Buffer.alloc(40, 0xff)]);
    expect(passed(bytes, [1, 9]).equals(bytes)).toBe(true);
  });

  test('a frame of more bytes than 32 bits count', () => {
    const head = Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0]);
    const out = passed(Buffer.concat([head, mask, Buffer.alloc(40, 0xff)]), []);
    expect(out.subarray(0, head.length).equals(head)).toBe(true);
    expect(out.subarray(head.length + 4).equals(Buffer.alloc(40, 0xff))).toBe(true);
  });
});
