// The table of hashes, and which of them can be checked at all.

import { scryptSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashClass, hashProblem, parseHash } from '../../src/routing/password-hash.ts';

const BCRYPT = 'abcdefghijklmnopqrstuv'.padEnd(53, 'x');
const SALT = 'c2FsdHNhbHQ';
const KEY = 'A'.repeat(43);
const scrypt = (ln: number, r: number, p: number): string => `$scrypt$ln=${ln},r=${r},p=${p}$${SALT}$${KEY}`;

describe('parseHash', () => {
  test.each([
    [`$2a$10$${BCRYPT}`, 'bcrypt'],
    [`$2b$04$${BCRYPT}`, 'bcrypt'],
    [`$2y$12$${BCRYPT}`, 'bcrypt'],
    ['$apr1$Gu0Hpd81$JsSDFPJ9NP8fqFm03Ofxd0', 'apr1'],
    ['$apr1$a$JsSDFPJ9NP8fqFm03Ofxd0', 'apr1'],
    ['{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'sha'],
    [scrypt(15, 8, 1), 'scrypt'],
  ])('%s is %s', (stored, kind) => {
    expect(parseHash(stored)?.kind).toBe(kind);
  });

  test.each([
    '',
    'secret',
    'Kq3Lz0eYvGbYU',
    '$1$salt$JsSDFPJ9NP8fqFm03Ofxd0',
    `$2x$10$${BCRYPT}`,
    `$2y$10$${BCRYPT}x`,
    `$2y$10$${BCRYPT.slice(1)}`,
    `$2y$1$${BCRYPT}`,
    '$apr1$$JsSDFPJ9NP8fqFm03Ofxd0',
    '$apr1$ninechars$JsSDFPJ9NP8fqFm03Ofxd0',
    '$apr1$salt$short',
    '{sha}W6ph5Mm5Pz8GgiULbPgzG37mj9g=',
    '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g',
    '{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=',
    '$5$rounds=5000$salt$hash',
    `$scrypt$ln=15,r=8$${SALT}$${KEY}`,
    `${scrypt(15, 8, 1)}=`,
    ` ${scrypt(15, 8, 1)}`,
  ])('%j is none', (stored) => {
    expect(parseHash(stored)).toBeUndefined();
    expect(hashProblem(stored)).toContain('unsupported hash');
    expect(hashClass(stored)).toBe('');
  });

  test('takes salt and key of scrypt out of base64 without padding', () => {
    const parsed = parseHash(scrypt(4, 2, 3));
    expect(parsed).toMatchObject({ salt: Buffer.from('saltsalt'), cost: { N: 16, r: 2, p: 3 } });
    expect(parsed?.kind === 'scrypt' && parsed.hash.length).toBe(32);
  });
});

describe('hashProblem', () => {
  test.each([
    [3, /below 4/],
    [0, /below 4/],
    [17, /above 16/],
    [99, /above 16/],
  ])('refuses a bcrypt cost of %d', (cost, problem) => {
    expect(hashProblem(`$2y$${String(cost).padStart(2, '0')}$${BCRYPT}`)).toMatch(problem);
  });

  test.each([4, 10, 16])('takes a bcrypt cost of %d', (cost) => {
    expect(hashProblem(`$2y$${String(cost).padStart(2, '0')}$${BCRYPT}`)).toBeUndefined();
  });

  test('says nothing of scrypt parameters exactly where node:crypto takes them, within 256 MiB', () => {
    // Small costs only, so that each is computed.
    const costs = fc.tuple(
      fc.integer({ min: 0, max: 17 }),
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 2 }),
    );
    const isComputed = (stored: string): boolean => {
      const parsed = parseHash(stored);
      if (parsed?.kind !== 'scrypt') return false;
      try {
        // A short key: what is asked is whether the parameters are ones.
        return scryptSync('x', parsed.salt, 16, { ...parsed.cost, maxmem: 2 ** 30 }).length === 16;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(costs, ([ln, r, p]) => {
        const stored = scrypt(ln, r, p);
        expect(hashProblem(stored) === undefined, stored).toBe(isComputed(stored));
      }),
      { numRuns: 25, examples: [[[0, 1, 1]], [[1, 1, 1]], [[15, 1, 1]], [[16, 1, 1]], [[16, 2, 1]]] },
    );
  });

  test('refuses a scrypt parameter of 0, for which node:crypto would take one of its own', () => {
    for (const stored of [scrypt(0, 8, 1), scrypt(14, 0, 1), scrypt(14, 8, 0)]) {
      expect(hashProblem(stored)).toMatch(/RFC 7914/);
    }
  });

  test('refuses scrypt beyond 256 MiB, however it gets there', () => {
    expect(hashProblem(scrypt(17, 8, 1))).toBeUndefined();
    expect(hashProblem(scrypt(18, 8, 1))).toMatch(/256 MiB/);
    expect(hashProblem(scrypt(15, 64, 1))).toMatch(/256 MiB/);
    expect(hashProblem(scrypt(99, 99, 99))).toMatch(/256 MiB/);
  });
});
