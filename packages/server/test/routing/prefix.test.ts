// Prefixes, compared with the plain reading: split both at slashes and look whether one begins the other.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchPrefix, prefixIndex, prefixSegments } from '../../src/routing/prefix.ts';

const segmentsOf = (path: string): readonly string[] => path.split('/').filter((segment) => segment !== '');

/** The rest behind a prefix, told by the segments alone; undefined where the prefix is none. */
function plainRest(prefix: readonly string[], path: string): readonly string[] | undefined {
  const segments = segmentsOf(path);
  return prefix.every((segment, index) => segments[index] === segment) ? segments.slice(prefix.length) : undefined;
}

const NAMES = ['a', 'b', 'ab', 'aa', 'é', 'x y', '%', '..a'];
const names = fc.array(fc.constantFrom(...NAMES), { maxLength: 4 });
const paths = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom('/', '//', '///'), fc.constantFrom(...NAMES)), { maxLength: 5 }),
    fc.boolean(),
  )
  .map(([parts, hasEnd]) => parts.map((part) => part.join('')).join('') + (hasEnd || parts.length === 0 ? '/' : ''));

describe('matchPrefix', () => {
  test('matches on the edges of segments, whatever number of slashes is between them', () => {
    fc.assert(
      fc.property(names, paths, (prefix, path) => {
        const position = matchPrefix(prefix, path);
        const rest = plainRest(prefix, path);
        expect(position === -1, `${prefix.join('/')} in ${path}`).toBe(rest === undefined);
        if (rest === undefined) return;
        expect(segmentsOf(path.slice(position))).toEqual(rest);
        // What is left is a path of its own, or nothing.
        expect(path.slice(position)).toMatch(/^(?:\/|$)/);
        expect(segmentsOf(path.slice(0, position))).toEqual(prefix);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    [['a'], '/a', 2],
    [['a'], '/a/', 2],
    [['a'], '//a//b', 3],
    [['a'], '/ab', -1],
    [['a'], 'a', -1],
    [['a', 'b'], '/a/b/c', 4],
    [['a', 'b'], '/ab', -1],
    [[], '/anything', 0],
    [['a'], '/', -1],
    [['a'], '', -1],
  ])('finds %j in %s at %d', (segments, path, position) => {
    expect(matchPrefix(segments, path)).toBe(position);
  });
});

describe('prefixIndex', () => {
  test('leaves out none that match, and keeps their order', () => {
    fc.assert(
      fc.property(fc.array(names, { maxLength: 8 }), paths, (prefixes, path) => {
        const numbers = prefixIndex(prefixes.map((segments, number) => [number, segments]))(path);
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
        expect(new Set(numbers).size).toBe(numbers.length);
        for (const [number, prefix] of prefixes.entries()) {
          if (plainRest(prefix, path) !== undefined) expect(numbers).toContain(number);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('names few of thousands that begin alike', () => {
    const tenants = Array.from({ length: 3000 }, (_, number) => ['api', 'v1', `t${number}`]);
    const index = prefixIndex([...tenants, ['api'], []].map((segments, number) => [number, segments]));
    expect(index('/api/v1/t7/x')).toEqual([7, 3000, 3001]);
    expect(index('//api//v1/none')).toEqual([3000, 3001]);
    expect(index('/api')).toEqual([3000, 3001]);
    expect(index('/other')).toEqual([3001]);
  });

  test('names only those of the same first segment, and those of everything', () => {
    const index = prefixIndex([
      [0, ['a', 'x']],
      [1, []],
      [2, ['b']],
      [3, ['a']],
    ]);
    expect(index('/a/y')).toEqual([0, 1, 3]);
    expect(index('//b')).toEqual([1, 2]);
    expect(index('/constructor')).toEqual([1]);
    expect(index('/')).toEqual([1]);
  });
});

describe('prefixSegments', () => {
  test.each([
    ['/', []],
    ['/a/b', ['a', 'b']],
    ['//a///b/', ['a', 'b']],
    ['/café', ['café']],
    ['/caf%C3%A9', ['café']],
    ['/a%20b', ['a b']],
    ['/a+b', ['a+b']],
    ['/100%25', ['100%']],
    ['/..a/...', ['..a', '...']],
  ])('of %s are %j', (path, segments) => {
    expect(prefixSegments(path)).toEqual(segments);
  });

  test.each([
    ['a', /must begin with "\/"/],
    ['', /must begin with "\/"/],
    ['/a/../b', /can never match/],
    ['/.', /can never match/],
    ['/%2e%2e/b', /can never match/],
    ['/a%2Fb', /can never match/],
    ['/a%00', /can never match/],
    ['/100%', /write "%" as "%25"/],
    ['/%C3', /write "%" as "%25"/],
  ])('of %j are refused', (path, problem) => {
    expect(() => prefixSegments(path)).toThrow(problem);
    expect(() => prefixSegments(path)).toThrow(TypeError);
  });
});
