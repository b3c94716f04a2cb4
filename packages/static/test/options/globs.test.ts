// Globs against a second matcher: each is turned into a regular expression, sign by sign.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyGlob, anyGlobAbove, expandBraces, globProblem, isHashedName } from '../../src/options/globs.ts';

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);

/** Braces, the outermost first: the same alternatives in another order. */
function alternatives(glob: string): readonly string[] {
  let depth = 0;
  let start = -1;
  let cuts: number[] = [];
  for (let at = 0; at < glob.length; at++) {
    const sign = glob[at];
    if (sign === '\\') at++;
    else if (sign === '{' && depth++ === 0) [start, cuts] = [at, [at]];
    else if (sign === ',' && depth === 1) cuts.push(at);
    else if (sign === '}' && --depth === 0) {
      cuts.push(at);
      return cuts.slice(1).flatMap((cut, index) => {
        const inner = glob.slice((cuts[index] ?? 0) + 1, cut);
        return alternatives(glob.slice(0, start) + inner + glob.slice(at + 1));
      });
    }
  }
  return [glob];
}

/** The expression for one name of a glob without braces. */
function nameSource(name: string): string {
  let source = '';
  for (let at = 0; at < name.length; at++) {
    const sign = name[at] ?? '';
    if (sign === '*') source += '[^/]*';
    else if (sign === '?') source += '[^/]';
    else if (sign === '\\' && at + 1 < name.length) source += escaped(name[++at] ?? '');
    else if (sign === '[') {
      const isNegated = /[!^]/.test(name[at + 1] ?? '');
      const from = at + (isNegated ? 2 : 1);
      const end = name.indexOf(']', from + 1);
      const inner = name.slice(from, end).replaceAll(/[\\\]^[]/g, String.raw`\$&`);
      source += isNegated ? `[^${inner}/]` : `[${inner}]`;
      at = end;
    } else source += escaped(sign);
  }
  return source;
}

/** The expression for a glob without braces, matched against a path with a slash in front. */
function globSource(glob: string): string {
  return glob
    .split('/')
    .map((name) => (name === '**' ? '(?:/[^/]*)*' : `/${nameSource(name)}`))
    .join('');
}

function naive(glob: string, ignoreCase: boolean, isAbove: boolean): (path: string) => boolean {
  const pattern = glob.replace(/\/$/, '');
  const isName = !pattern.includes('/');
  const sources = alternatives(pattern.replace(/^\//, '')).map((one) => globSource(isName ? `**/${one}` : one));
  const end = isAbove ? '(?:/|$)' : '$';
  const tests = sources.map((source) => new RegExp(`^${source}${end}`, ignoreCase ? 'iu' : 'u'));
  return (path) => tests.some((one) => one.test(`/${path}`));
}

const signs = fc.constantFrom(
  'a',
  'b',
  'B',
  '.',
  '-',
  'é',
  '*',
  '?',
  '[ab]',
  '[!a]',
  '[^b]',
  '[a-c]',
  '[!a-c]',
  '{a,b}',
  '{a,{b,c}x}',
  '{,a}',
  String.raw`\*`,
  String.raw`\?`,
  String.raw`\a`,
  String.raw`\{`,
);
const globName = fc.oneof(
  { arbitrary: fc.array(signs, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')), weight: 3 },
  { arbitrary: fc.constant('**'), weight: 1 },
);
const globs = fc
  .tuple(fc.constantFrom('', '', '/'), fc.array(globName, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '', '/'))
  .map(([before, names, after]) => before + names.join('/') + after)
  .filter((glob) => globProblem(glob) === undefined && !/\/\*\*\/$|^\*\*\/$/.test(glob));
const names = fc
  .array(fc.constantFrom('a', 'b', 'B', 'A', 'c', '.', '-', 'é', '*', '{', 'x'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''));
const paths = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

describe('a glob', () => {
  test('matches what its expression matches', () => {
    fc.assert(
      fc.property(globs, fc.array(paths, { minLength: 5, maxLength: 20 }), fc.boolean(), (glob, all, ignoreCase) => {
        const [ours, theirs] = [anyGlob([glob], { ignoreCase }), naive(glob, ignoreCase, false)];
        for (const path of all) expect([glob, path, ours(path)]).toEqual([glob, path, theirs(path)]);
      }),
      { numRuns: 3000 },
    );
  });

  test('covers what lies in a directory that it matches', () => {
    fc.assert(
      fc.property(globs, fc.array(paths, { minLength: 5, maxLength: 20 }), (glob, all) => {
        const [ours, theirs] = [anyGlobAbove([glob], { ignoreCase: true }), naive(glob, true, true)];
        for (const path of all) expect([glob, path, ours(path.split('/'))]).toEqual([glob, path, theirs(path)]);
      }),
      { numRuns: 2000 },
    );
  });

  test('of several is any of them, and of none nothing', () => {
    fc.assert(
      fc.property(fc.array(globs, { maxLength: 4 }), paths, (all, path) => {
        const each = all.map((glob) => anyGlob([glob], { ignoreCase: false })(path));
        expect(anyGlob(all, { ignoreCase: false })(path)).toBe(each.includes(true));
      }),
    );
  });

  test.each([
    ['*.txt', 'a.txt', true],
    ['*.txt', 'deep/a.txt', true],
    ['/*.txt', 'deep/a.txt', false],
    ['*.txt', '.txt', true],
    ['docs', 'docs', true],
    ['docs', 'docs/a', false],
    ['docs/', 'docs', true],
    ['docs/**', 'docs', true],
    ['docs/**', 'docs/a/b', true],
    ['docs/*', 'docs/a/b', false],
    ['docs/**/x', 'docs/x', true],
    ['**', 'any/thing', true],
    ['a/**/b/**/c', 'a/b/b/c/c', true],
    ['?', '😀', true],
    ['[😀😁]', '😁', true],
    ['[a-]', '-', true],
    ['[]a]', ']', true],
    ['[!]a]', ']', false],
    ['[!]a]', 'b', true],
    [String.raw`\[a]`, '[a]', true],
    [String.raw`a\ b`, 'a b', true],
    ['a{b,c}{d,e}', 'ace', true],
    ['a{b,c/d}', 'ac/d', true],
    ['a{,b}', 'a', true],
    [String.raw`{a\,b}`, 'a,b', true],
    ['a\nb', 'a\nb', true],
    ['*', 'a\nb', true],
  ])('%j and %j: %s', (glob, path, isMatch) => {
    expect(anyGlob([glob], { ignoreCase: false })(path)).toBe(isMatch);
  });

  test('is read in any case where that is asked for, in every script', () => {
    const test = anyGlob(['Ärger*.TXT', '[A-C]x'], { ignoreCase: true });
    expect(['ärger.txt', 'ÄRGER-1.Txt', 'Bx', 'bX'].map(test)).toEqual([true, true, true, true]);
    expect(anyGlob(['Ärger*.TXT'], { ignoreCase: false })('ärger.txt')).toBe(false);
  });
});

describe('what is no glob', () => {
  test.each([
    ['a{b', 'a glob whose braces are closed'],
    ['a}b', 'a glob whose braces are closed'],
    ['{a,{b,c}', 'a glob whose braces are closed'],
    ['{a,b}'.repeat(9), 'stand for at most 256 others'],
    ['[a', 'a glob whose brackets are closed'],
    ['x/[!]', 'a glob whose brackets are closed'],
    ['[]', 'a glob whose brackets are closed'],
    ['!(a)', 'without extended patterns'],
    ['+(a|b)', 'without extended patterns'],
    ['{1..3}', 'without ranges in braces'],
    [Array.from({ length: 31 }, () => 'a').join('/'), 'at most 30 names'],
  ])('%s is refused with reason', (glob, reason) => {
    expect(globProblem(glob)).toContain(reason);
    expect(() => anyGlob([glob], { ignoreCase: false })).toThrow(TypeError);
  });

  test.each([
    '{a,b}'.repeat(8),
    String.raw`\{a`,
    String.raw`\!(a)`,
    String.raw`\[a`,
    'a..b',
    '{a..,b}',
    Array.from({ length: 30 }, () => 'a').join('/'),
  ])('%s is not refused', (glob) => {
    expect(globProblem(glob)).toBeUndefined();
  });

  test('is told from a glob without fail: whatever is not refused can be asked', () => {
    const texts = fc.string({
      maxLength: 12,
      unit: fc.constantFrom('a', '*', '?', '[', ']', '{', '}', ',', '\\', '/', '!', '-'),
    });
    fc.assert(
      fc.property(texts, paths, (glob, path) => {
        const isRefused = globProblem(glob) !== undefined;
        const ask = (): boolean => anyGlob([glob], { ignoreCase: false })(path);
        if (isRefused) expect(ask).toThrow('expected a glob');
        else expect(typeof ask()).toBe('boolean');
      }),
      { numRuns: 3000 },
    );
  });
});

test('braces stand for all their combinations', () => {
  fc.assert(
    fc.property(globs, (glob) => {
      expect(new Set(expandBraces(glob))).toEqual(new Set(alternatives(glob)));
    }),
  );
});

test.each([
  ['main.8f3a9c1d.css', true],
  ['a/b/main.8f3a9c1d.css', true],
  ['8f3a9c1d/main.css', false],
  ['main.8f3a9c1.css', false],
  [`main.${'8f'.repeat(32)}.css`, true],
  [`main.${'8f'.repeat(33)}.css`, false],
  ['main.12345678.css', false],
  ['main.abcdefab.css', false],
  ['main-8f3a9c1d', false],
  ['main8f3a9c1d.css', false],
  ['index-DiwrgTda.js', false],
  ['index-D1wrgTda.js', true],
  ['chunk-ABCDEFGH.js', false],
  ['chunk-ABCDEFG1.js.map', true],
  ['chunk-ABCDEFG1.js.map.gz', false],
  ['holiday-20240101.jpg', false],
  ['', false],
])('%s has a name that says so: %s', (path, isIt) => {
  expect(isHashedName(path)).toBe(isIt);
});
