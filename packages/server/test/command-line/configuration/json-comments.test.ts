// JSON with comments and commas put in at random, against JSON.parse of the same without; and the place of each key.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJsonWithComments, type Place } from '../../../src/command-line/configuration/json-with-comments.ts';

const blanks = fc
  .array(
    fc.constantFrom(
      ' ',
      '\n',
      '\t',
      '\r\n',
      '// a "b": {\n',
      '/* c, } */',
      '/**/',
      '/***/',
      '//\n',
      '/* // */',
      '\ufeff',
    ),
    {
      maxLength: 3,
    },
  )
  .map((parts) => parts.join(''));

/** A source of blanks that are the same for the same seed. */
type Blank = () => string;

/** A value written with blanks wherever they may stand, and the offset of each key and item by its path. */
function write(
  value: unknown,
  blank: Blank,
  isTrailing: () => boolean,
  path: string,
  from: number,
  starts: Map<string, number>,
): string {
  let text = blank();
  const at = (): number => from + text.length;
  if (!starts.has(path)) starts.set(path, at());
  const inside = (name: string): string => (path === '' ? name : `${path}.${name}`);
  if (Array.isArray(value)) {
    text += '[';
    for (const [index, item] of value.entries()) {
      if (index > 0) text += `${blank()},`;
      text += write(item, blank, isTrailing, inside(`${index}`), at(), starts);
    }
    if (value.length > 0 && isTrailing()) text += `${blank()},`;
    return `${text}${blank()}]`;
  }
  if (typeof value !== 'object' || value === null) return text + JSON.stringify(value);
  text += '{';
  const entries = Object.entries(value);
  for (const [index, [name, member]] of entries.entries()) {
    if (index > 0) text += `${blank()},`;
    text += blank();
    starts.set(inside(name), at());
    text += `${JSON.stringify(name)}${blank()}:`;
    text += write(member, blank, isTrailing, inside(name), at(), starts);
  }
  if (entries.length > 0 && isTrailing()) text += `${blank()},`;
  return `${text}${blank()}}`;
}

function placeAt(text: string, offset: number): Place {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

/** Names without dots, so that paths tell them apart. */
const names = fc.string({ minLength: 1, maxLength: 5 }).filter((name) => !name.includes('.') && name !== '__proto__');
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, '', '//', '/* */', '"', '\\', '\n', '\u2028', '😀', 0, -1, 1e21, 1.5e-7),
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

describe('a text with comments', () => {
  test('has the value that JSON.parse finds without them, and knows where each key stands', () => {
    fc.assert(
      fc.property(
        values,
        fc.array(blanks, { minLength: 1, maxLength: 12 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
        (value, blankTexts, commas) => {
          let [blankCount, commaCount] = [0, 0];
          const starts = new Map<string, number>();
          const blank = (): string => blankTexts[blankCount++ % blankTexts.length] ?? '';
          const isTrailing = (): boolean => commas[commaCount++ % commas.length] === true;
          const text = `${write(value, blank, isTrailing, '', 0, starts)}${blank()}`;
          const read = parseJsonWithComments(text);
          expect(JSON.parse(JSON.stringify(read.value))).toEqual(JSON.parse(JSON.stringify(value)));
          expect(read.places.size).toBe(starts.size);
          for (const [path, offset] of starts) {
            expect([path, read.places.get(path)]).toEqual([path, placeAt(text, offset)]);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('that JSON.parse refuses without comments is refused', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      '"a"',
      '"b"',
      '1',
      '-',
      '.',
      'e5',
      '0',
      'true',
      'nul',
      ' ',
      ',',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        // A comma before a closing bracket is the one difference; a key that stands twice is another.
        if (/,\s*[\]}]/.test(text) || (text.match(/"a"|"b"/g) ?? []).length > 1) return;
        const isJson = ((): boolean => {
          try {
            JSON.parse(text);
            return true;
          } catch {
            return false;
          }
        })();
        const read = (): unknown => parseJsonWithComments(text);
        if (isJson) expect(read).not.toThrow();
        else expect([text, read]).toEqual([text, expect.any(Function)]);
        if (!isJson) expect(read).toThrow();
      }),
      { numRuns: 1000 },
    );
  });
});
