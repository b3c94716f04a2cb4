import { array, assert, constantFrom, json, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonTextError, parseJsonWithComments } from '../../../src/command-line/configuration/json-with-comments.ts';

describe('parseJsonWithComments', () => {
  test('reads comments of both kinds and commas before closing brackets', () => {
    const { value } = parseJsonWithComments(
      '\ufeff// one\n{ /* two */ "a": [1, 2,], // "b": 3\n "c": { "d": "//no /*", }, }\n/* end */',
    );
    expect(JSON.stringify(value)).toBe('{"a":[1,2],"c":{"d":"//no /*"}}');
  });

  test('keeps the place of every key and item', () => {
    const { places } = parseJsonWithComments('{\n  "a": [\n    1,\n    { "b": null }\n  ]\n}');
    expect(Object.fromEntries(places)).toEqual({
      '': { line: 1, column: 1 },
      a: { line: 2, column: 3 },
      'a.0': { line: 3, column: 5 },
      'a.1': { line: 4, column: 5 },
      'a.1.b': { line: 4, column: 7 },
    });
  });

  test.each([
    ['', 'expected a value', 1, 1],
    ['{', 'expected a string in double quotes', 1, 2],
    ['{"a" 1}', 'expected ":"', 1, 6],
    ['{"a": 1 "b": 2}', 'expected "," or "}"', 1, 9],
    ['{\n "a": 1,\n "a": 2 }', '"a" stands here twice', 3, 2],
    ['[1 2]', 'expected "," or "]"', 1, 4],
    ['[1,,2]', 'expected a value', 1, 4],
    ['{,}', 'expected a string in double quotes', 1, 2],
    ["{'a': 1}", 'expected a string in double quotes', 1, 2],
    ['{"a": 01}', 'expected a value', 1, 7],
    ['{"a": NaN}', 'expected a value', 1, 7],
    ['{"a": "x\ny"}', 'expected a string in double quotes', 1, 7],
    ['{"a": 1} x', 'expected the end of the file', 1, 10],
    ['{"a": 1} /* no end', 'this comment does not end', 1, 10],
    ['['.repeat(100), 'nested deeper than 64 levels', 1, 66],
  ])('refuses %j', (text, message, line, column) => {
    const refuse = (): unknown => parseJsonWithComments(text);
    expect(refuse).toThrow(JsonTextError);
    expect(refuse).toThrow(expect.objectContaining({ message, place: { line, column } }));
  });

  test('takes "__proto__" for a key like any other', () => {
    const { value } = parseJsonWithComments('{"__proto__": {"polluted": true}}');
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('agrees with JSON.parse on all JSON', () => {
    assert(
      property(json({ maxDepth: 6 }), (text) => {
        expect(JSON.stringify(parseJsonWithComments(text).value)).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  test('answers any text with a value or a JsonTextError', () => {
    const pieces = constantFrom('{', '}', '[', ']', ',', ':', '"a"', '1', '//', '/*', '*/', '\n', '"', 'true', '\\');
    assert(
      property(array(pieces, { maxLength: 30 }), (parts) => {
        try {
          parseJsonWithComments(parts.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(JsonTextError);
        }
      }),
    );
  });
});

test.each([
  ['in one line', ' '],
  ['in a line each', '\n'],
])('the places of thousands of keys %s are those in the text', (_, separator) => {
  const names = Array.from({ length: 5000 }, (__, index) => `key-${index}`);
  const text = `{${separator}${names.map((name, index) => `"${name}": ${index}`).join(`,${separator}`)}${separator}}`;
  const { places } = parseJsonWithComments(text);
  for (const name of names.filter((__, index) => index % 97 === 0)) {
    const before = text.slice(0, text.indexOf(`"${name}"`));
    const lines = before.split('\n');
    expect(places.get(name)).toEqual({ line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 });
  }
});
