import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromByteString, toByteString } from '../src/byte-string.ts';

describe('byte strings', () => {
  test('have one character for each byte of the text, and lead back to it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const bytes = toByteString(text);
        expect(Buffer.from(bytes, 'latin1')).toEqual(Buffer.from(text, 'utf8'));
        expect(fromByteString(bytes)).toBe(text);
      }),
    );
  });

  test('are no text where their bytes are not UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        const text = fromByteString(Buffer.from(bytes).toString('latin1'));
        const isUtf8 = Buffer.from(bytes).equals(Buffer.from(Buffer.from(bytes).toString('utf8'), 'utf8'));
        expect(text).toBe(isUtf8 ? Buffer.from(bytes).toString('utf8') : undefined);
      }),
    );
  });

  test('keep a byte order mark, which is part of a name', () => {
    expect(fromByteString(toByteString('\ufeffa'))).toBe('\ufeffa');
  });
});
