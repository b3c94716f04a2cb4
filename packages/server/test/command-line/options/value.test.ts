import { describe, expect, test } from 'vitest';
import type { Shape } from '../../../src/command-line/options/option.ts';
import { acceptValue, type Problem, valueOfText } from '../../../src/command-line/options/value.ts';

function accept(shape: Shape, value: unknown): { readonly value: unknown; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  return { value: acceptValue(shape, value, { base: '/base', path: 'x', problems }), problems };
}

const site: Shape = {
  type: 'object',
  members: {
    root: { shape: { type: 'path' }, summary: '', isRequired: true },
    age: { shape: { type: 'duration', unit: 'seconds' }, summary: '' },
  },
};

describe('acceptValue', () => {
  test.each<[Shape, unknown, unknown]>([
    [{ type: 'boolean' }, false, false],
    [{ type: 'integer', minimum: 0, maximum: 65_535 }, 65_535, 65_535],
    [{ type: 'path' }, 'a/../b', '/base/b'],
    [{ type: 'path' }, '/a', '/a'],
    [{ type: 'program' }, 'php-cgi', 'php-cgi'],
    [{ type: 'program' }, './php', '/base/php'],
    [{ type: 'duration', unit: 'seconds' }, 30, 30],
    [{ type: 'duration', unit: 'seconds' }, '500ms', 0.5],
    [{ type: 'duration', unit: 'seconds' }, '1.5h', 5400],
    [{ type: 'duration', unit: 'seconds' }, '1y', 31_536_000],
    [{ type: 'size' }, '64k', 65_536],
    [{ type: 'size' }, '1.5 MiB', 1_572_864],
    [{ type: 'size' }, '10b', 10],
    [{ type: 'list', item: { type: 'path' } }, ['a'], ['/base/a']],
    [{ type: 'map', value: { type: 'size' } }, { a: '1k' }, { a: 1024 }],
    [{ type: 'either', shapes: [{ type: 'boolean' }, { type: 'text' }] }, 'a', 'a'],
    [site, { root: 'w', age: '1m' }, { root: '/base/w', age: 60 }],
  ])('%j takes %j', (shape, value, accepted) => {
    expect(accept(shape, value)).toEqual({ value: accepted, problems: [] });
  });

  test.each<[Shape, unknown, string]>([
    [{ type: 'boolean' }, 'x', 'x expects true or false, not "x"'],
    [{ type: 'integer', minimum: 0, maximum: 9 }, 10, 'x expects a whole number from 0 to 9, not 10'],
    [{ type: 'integer', minimum: 0 }, 1.5, 'x expects a whole number from 0 up, not 1.5'],
    [{ type: 'text' }, '', 'x expects a text that is not empty, not ""'],
    [{ type: 'path' }, 'a\0b', 'x expects a path, not "a\\u0000b"'],
    [
      { type: 'choice', values: ['deny', 'allow'] },
      'alow',
      'x expects "deny" or "allow", not "alow" (did you mean "allow"?)',
    ],
    [
      { type: 'duration', unit: 'seconds' },
      '5 parsecs',
      'x expects a duration such as 500ms, 30s, 5m, 1h or 7d (a bare number is seconds), not "5 parsecs"',
    ],
    [
      { type: 'duration', unit: 'seconds' },
      -1,
      'x expects a duration such as 500ms, 30s, 5m, 1h or 7d (a bare number is seconds), not -1',
    ],
    [{ type: 'size' }, '999999999999t', 'x expects a size such as 65536, 64k or 10m, not "999999999999t"'],
    [{ type: 'size' }, 'constructor', 'x expects a size such as 65536, 64k or 10m, not "constructor"'],
    [{ type: 'list', item: { type: 'text' } }, 'a', 'x expects a list, not "a"'],
    [{ type: 'list', item: { type: 'text' } }, ['a', 1], 'x.1 expects a text that is not empty, not 1'],
    [{ type: 'map', key: /^\d+$/, value: { type: 'text' } }, { a: 'b' }, 'x.a expects another key, not "a"'],
    [site, { root: 'w', agee: 1 }, 'x.agee is not an option here (did you mean "age"?)'],
    [site, {}, 'x lacks "root"'],
    [{ type: 'either', shapes: [{ type: 'boolean' }, site] }, { root: 1 }, 'x.root expects a path, not 1'],
    [
      { type: 'either', shapes: [{ type: 'boolean' }, { type: 'size' }] },
      'x',
      'x expects true or false or a size such as 65536, 64k or 10m, not "x"',
    ],
  ])('%j refuses %j', (shape, value, message) => {
    expect(accept(shape, value).problems.map((problem) => `${problem.path} ${problem.message}`)).toEqual([message]);
  });

  test('collects every problem', () => {
    expect(accept({ type: 'list', item: { type: 'boolean' } }, [1, true, 2]).problems).toHaveLength(2);
  });
});

describe('valueOfText', () => {
  test.each<[Shape, string, unknown]>([
    [{ type: 'boolean' }, 'yes', true],
    [{ type: 'boolean' }, '0', false],
    [{ type: 'boolean' }, 'maybe', 'maybe'],
    [{ type: 'integer', minimum: 0 }, '08', 8],
    [{ type: 'integer', minimum: 0 }, '1e3', '1e3'],
    [{ type: 'list', item: { type: 'text' } }, 'a,b\nc', ['a', 'b', 'c']],
    [{ type: 'either', shapes: [{ type: 'boolean' }, { type: 'text' }] }, 'on', true],
    [{ type: 'either', shapes: [{ type: 'boolean' }, { type: 'text' }] }, 'app.html', 'app.html'],
  ])('%j reads %j', (shape, text, value) => {
    expect(valueOfText({ shape }, text)).toEqual(value);
  });
});
