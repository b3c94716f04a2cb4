// The index finds what asking every glob finds, and asks few of them.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { globIndex } from '../../src/options/glob-index.ts';
import { anyGlob, globProblem } from '../../src/options/globs.ts';

const name = fc.constantFrom('a', 'b', 'a.css', '.css', 'x.min.css', 'docs', 'index.html', 'ü', '');
const globName = fc.oneof(
  name,
  fc.constantFrom(
    '*',
    '**',
    '*.css',
    '*.min.css',
    '?',
    '[ab]',
    '{a,b}',
    '*.{css,html}',
    '\\a',
    'a*',
    '*.c?s',
    '**.css',
  ),
);
const glob = fc
  .tuple(fc.constantFrom('', '/'), fc.array(globName, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '/'))
  .map(([before, names, after]) => before + names.join('/') + after)
  .filter((text) => text !== '' && globProblem(text) === undefined);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));

test('finds the globs that match, in order', () => {
  fc.assert(
    fc.property(fc.array(glob, { maxLength: 8 }), path, (globs, asked) => {
      const expected = globs.flatMap((one, number) => (anyGlob([one], { ignoreCase: false })(asked) ? [number] : []));
      expect(globIndex(globs)(asked)).toEqual(expected);
    }),
    { numRuns: 5000 },
  );
});

test('finds one of many that name a directory, a file or an extension', () => {
  const globs = Array.from({ length: 3000 }, (_, number) => [
    `/d${number}/**`,
    `f${number}.html`,
    `*.x${number}`,
  ]).flat();
  const find = globIndex(globs);
  expect(find('d7/a')).toEqual([21]);
  expect(find('q/f9.html')).toEqual([28]);
  expect(find('q/r.x11')).toEqual([35]);
  expect(find('d5/f6.html')).toEqual([15, 19]);
});
