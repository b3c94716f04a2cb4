// Locks as values, against a model that spells the rules of RFC 4918 §6 and §7 out, path by path.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conflicts, covering, type Effect, isBelow, type Lock, lockPath, obstacles } from '../../src/store/locks.ts';

let number = 0;

const lock = (path: string, parts: Partial<Lock> = {}): Lock => ({
  token: `urn:uuid:${++number}`,
  path,
  depth: 'infinity',
  scope: 'exclusive',
  href: path,
  owner: '',
  timeoutSeconds: 60,
  expiresAtMs: 0,
  ...parts,
});

/** All paths of a small tree. */
const PATHS = ['/', '/a', '/a/b', '/a/b/c', '/a/bb', '/d', '/d/e'];
const path = fc.constantFrom(...PATHS);
const locks = fc.array(
  fc.record({
    path,
    depth: fc.constantFrom('0' as const, 'infinity' as const),
    scope: fc.constantFrom('exclusive' as const, 'shared' as const),
    user: fc.constantFrom('ada', 'bob', undefined),
  }),
  { maxLength: 5 },
);

/** The names of a path, from the root. */
const names = (one: string): string[] => one.split('/').filter((name) => name !== '');
const isUnder = (one: string, root: string): boolean =>
  names(one).length > names(root).length && names(root).every((name, index) => names(one)[index] === name);

describe('paths', () => {
  test.each([
    ['/a/b', '/a', true],
    ['/a', '/', true],
    ['/ab', '/a', false],
    ['/a', '/a', false],
    ['/', '/', false],
    ['/a', '/a/b', false],
  ])('%s is below %s: %j', (one, root, expected) => {
    expect(isBelow(one, root)).toBe(expected);
  });

  test('are below one another as their names say', () => {
    for (const one of PATHS) for (const root of PATHS) expect(isBelow(one, root)).toBe(isUnder(one, root));
    expect([lockPath([]), lockPath(['a', 'b'])]).toEqual(['/', '/a/b']);
  });
});

describe('a lock', () => {
  test('covers its root, and with infinite depth all below', () => {
    fc.assert(
      fc.property(locks, path, (wanted, one) => {
        const all = wanted.map((parts) => lock(parts.path, parts));
        const expected = all.filter(
          ({ path: root, depth }) => root === one || (depth === 'infinity' && isUnder(one, root)),
        );
        expect(covering(all, one)).toEqual(expected);
      }),
    );
  });

  test('is in conflict where both would cover a resource and one of them is exclusive', () => {
    fc.assert(
      fc.property(
        locks,
        path,
        fc.constantFrom('0' as const, 'infinity' as const),
        fc.constantFrom('exclusive' as const, 'shared' as const),
        (wanted, root, depth, scope) => {
          const all = wanted.map((parts) => lock(parts.path, parts));
          const one = lock(root, { depth, scope });
          const isInBoth = (other: Lock): boolean =>
            PATHS.some((place) => covering([one], place).length > 0 && covering([other], place).length > 0);
          const isExclusive = (other: Lock): boolean => scope === 'exclusive' || other.scope === 'exclusive';
          const expected = all.filter((other) => isInBoth(other) && isExclusive(other));
          expect(new Set(conflicts(all, one))).toEqual(new Set(expected));
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** The resources that a write changes: each has to be free, or held by who asks. */
function changed({ path: target, isDeep, changesParent }: Effect, all: readonly Lock[]): string[] {
  const parent = `/${names(target).slice(0, -1).join('/')}`;
  const below = isDeep ? all.map((one) => one.path).filter((one) => isUnder(one, target)) : [];
  return [target, ...(changesParent && target !== '/' ? [parent] : []), ...below];
}

describe('a write', () => {
  test('is free where each resource that it changes has no lock, or one whose token is submitted by its user', () => {
    fc.assert(
      fc.property(
        locks,
        fc.record({ path, isDeep: fc.boolean(), changesParent: fc.boolean() }),
        fc.array(fc.nat(4), { maxLength: 4 }),
        fc.constantFrom('ada', 'bob', undefined),
        (wanted, effect, submitted, user) => {
          const all = wanted.map((parts) => lock(parts.path, parts));
          const tokens = new Set(submitted.flatMap((index) => all[index]?.token ?? []));
          const isMine = (one: Lock): boolean => tokens.has(one.token) && (one.user === undefined || one.user === user);
          const isFree = changed(effect, all).every((place) => {
            const around = covering(all, place);
            return around.length === 0 || around.some(isMine);
          });
          const found = obstacles(all, effect, { user, tokens });
          expect(found.length === 0).toBe(isFree);
          expect(found.every((one) => all.includes(one) && !isMine(one))).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('is named each lock in its way once', () => {
    const one = lock('/a');
    const effect = { path: '/a/b', isDeep: true, changesParent: true };
    expect(obstacles([one], effect, { user: undefined, tokens: new Set() })).toEqual([one]);
  });

  test('needs one token of several shared locks, and that of each member that is locked by itself', () => {
    const [first, second, inner] = [lock('/a', { scope: 'shared' }), lock('/a', { scope: 'shared' }), lock('/a/b/c')];
    const all = [first, second, inner];
    const effect = { path: '/a', isDeep: true, changesParent: true };
    const held = (...tokens: readonly Lock[]) => ({
      user: undefined,
      tokens: new Set(tokens.map(({ token }) => token)),
    });
    expect(obstacles(all, effect, held(first))).toEqual([inner].filter(() => covering([first], '/a/b/c').length === 0));
    expect(obstacles(all, effect, held(second, inner))).toEqual([]);
    expect(obstacles(all, effect, held(inner)).length).toBeGreaterThan(0);
  });
});
