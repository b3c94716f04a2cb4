// Digests that a client sends along (RFC 9530, with the grammar of RFC 9651).

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Field } from '../../src/index.ts';
import { ExpectedDigests } from '../../src/writing/digests.ts';
import { WriteRefused } from '../../src/writing/write-refusal.ts';

const CONTENT = Buffer.from('{"hello": "world"}');
const digest = (algorithm: string, content = CONTENT): string => createHash(algorithm).update(content).digest('base64');
const SHA256 = `sha-256=:${digest('sha256')}:`;
const SHA512 = `sha-512=:${digest('sha512')}:`;
const WRONG = `sha-256=:${digest('sha256', Buffer.from('other'))}:`;

/** `stored` or `refused`, as a PUT of the content would be. */
function outcome(...fields: readonly Field[]): 'stored' | 'refused' {
  try {
    const expected = new ExpectedDigests(fields);
    for (const hash of expected.hashes) hash.update(CONTENT);
    expected.verify();
    return 'stored';
  } catch (error) {
    if (!(error instanceof WriteRefused)) throw error;
    expect(error.response.status).toBe(400);
    return 'refused';
  }
}

describe.each(['content-digest', 'repr-digest'])('%s', (name) => {
  test.each([
    ['the digest', SHA256],
    ['the longer one', SHA512],
    ['both', `${SHA256}, ${SHA512}`],
    ['both, without a blank', `${SHA256},${SHA512}`],
    ['parameters, which mean nothing', `${SHA256};a=1;b="c"`],
    ['an algorithm that nobody checks here', 'unixsum=:AAA=:'],
    ['nothing', ''],
  ])('with %s: stored', (_, value) => {
    expect(outcome([name, value])).toBe('stored');
  });

  test.each([
    ['another digest', WRONG],
    ['a wrong one beside a right one', `${SHA512}, ${WRONG}`],
    ['a digest that is cut', SHA256.replace(/.{6}=:$/, ':')],
    ['hexadecimal, as of other tools', `sha-256=${createHash('sha256').update(CONTENT).digest('hex')}`],
    ['base64 without colons', `sha-256=${digest('sha256')}`],
    ['a string', `sha-256="${digest('sha256')}"`],
    ['an algorithm in capitals, which is no key', SHA256.replace('sha', 'SHA')],
    ['a stray comma', `${SHA256},`],
    ['a blank after the equals sign', SHA256.replace('=:', '= :')],
  ])('with %s: refused', (_, value) => {
    expect(outcome([name, value])).toBe('refused');
  });
});

test('two fields are checked both', () => {
  expect(outcome(['content-digest', SHA256], ['repr-digest', SHA512])).toBe('stored');
  expect(outcome(['content-digest', SHA256], ['repr-digest', WRONG])).toBe('refused');
});

test('two lines of one field are one list', () => {
  expect(outcome(['repr-digest', SHA256], ['repr-digest', SHA512])).toBe('stored');
  expect(outcome(['repr-digest', SHA256], ['repr-digest', WRONG])).toBe('refused');
});

test.each(['toString', 'constructor', '__proto__'])('a key that objects have anyway is no algorithm: %s', (key) => {
  const isKey = /^[a-z*]/.test(key) && key === key.toLowerCase();
  expect(outcome(['repr-digest', `${key}=:AAAA:`])).toBe(isKey ? 'stored' : 'refused');
});
