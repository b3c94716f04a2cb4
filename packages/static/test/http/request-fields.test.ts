// The fields that select a representation, picked from a head in one pass.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldValue, selectionFields } from '../../src/http/request-fields.ts';
import type { Field } from '../../src/message.ts';

const KEYS: Readonly<Record<string, string>> = {
  range: 'range',
  'if-range': 'ifRange',
  'if-match': 'ifMatch',
  'if-none-match': 'ifNoneMatch',
  'if-modified-since': 'ifModifiedSince',
  'if-unmodified-since': 'ifUnmodifiedSince',
  'accept-encoding': 'acceptEncoding',
  'want-repr-digest': 'wantReprDigest',
  'want-content-digest': 'wantContentDigest',
};

const OTHERS = ['host', 'accept', 'referer', 'if', 'ranges', 'authorization', 'want-digest', 'x-range', '', 'If-Match'];

describe('selectionFields', () => {
  test('finds each by its name, and nothing else', () => {
    for (const [name, key] of Object.entries(KEYS)) {
      expect(
        selectionFields([
          ['host', 'a'],
          [name, 'value'],
        ]),
      ).toEqual({ [key]: 'value' });
    }
  });

  test.each(OTHERS)('allocates nothing for a head without one: %j', (name) => {
    expect(selectionFields([])).toBeUndefined();
    expect(selectionFields([[name, 'value']])).toBeUndefined();
  });

  test('keeps an empty value, which is not the same as none', () => {
    expect(selectionFields([['range', '']])).toEqual({ range: '' });
    expect(selectionFields([['accept-encoding', '  ']])).toEqual({ acceptEncoding: '' });
  });

  test('joins lines of one name in their order, without the blanks around them', () => {
    const lines = fc.array(
      fc.tuple(
        fc.constantFrom(...Object.keys(KEYS), ...OTHERS),
        fc.constantFrom('', 'a', ' b ', '\tc', '"d, e"', 'gzip;q=0.5'),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(lines, (fields) => {
        const expected = new Map<string, string>();
        for (const [name, value] of fields) {
          const key = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
          if (key === undefined) continue;
          const earlier = expected.get(key);
          expected.set(key, earlier === undefined ? value.trim() : `${earlier}, ${value.trim()}`);
        }
        const found = selectionFields(fields);
        expect(found).toEqual(expected.size === 0 ? undefined : Object.fromEntries(expected));
      }),
    );
  });
});

describe('fieldValue', () => {
  const fields: readonly Field[] = [
    ['accept', 'text/html'],
    ['origin', 'https://a.example'],
    ['accept', 'image/png;q=0.5'],
    ['empty', ''],
  ];

  test('is all lines of the name, joined', () => {
    expect(fieldValue(fields, 'accept')).toBe('text/html, image/png;q=0.5');
    expect(fieldValue(fields, 'origin')).toBe('https://a.example');
    expect(fieldValue(fields, 'empty')).toBe('');
  });

  test('is undefined where there is none, also for a part of a name', () => {
    expect(fieldValue(fields, 'accept-encoding')).toBeUndefined();
    expect(fieldValue(fields, 'accep')).toBeUndefined();
    expect(fieldValue([], 'accept')).toBeUndefined();
  });
});
