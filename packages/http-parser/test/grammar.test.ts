// Character classes and small productions against expressions of the RFCs, and addresses against node:net.

import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLASS, HEX, isAuthority, isToken, QUOTED, TARGET, TOKEN, VALUE } from '../src/grammar.ts';

describe('a class of octets', () => {
  test.each<readonly [string, number, RegExp]>([
    ['tchar', TOKEN, /[!#$%&'*+\-.^_`|~\dA-Za-z]/],
    ['of a target', TARGET, /[\x21\x22\x24-\x7e]/],
    ['of a value', VALUE, /[\t\x20-\x7e\x80-\xff]/],
    ['HEXDIG', HEX, /[\dA-Fa-f]/],
    ['qdtext', QUOTED, /[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]/],
  ])('%s is what the RFC says, octet by octet', (_, bit, expression) => {
    expect(CLASS).toHaveLength(256);
    for (let octet = 0; octet < 256; octet++) {
      expect([octet, ((CLASS[octet] ?? 0) & bit) !== 0]).toEqual([octet, expression.test(String.fromCharCode(octet))]);
    }
  });
});

test.each(['', ' ', 'a b', 'a\n', 'a:', 'a/b', '"a"', '(a)', 'é', 'a\0', '{a}', 'a@b', 'a,b'])(
  '%j is no token',
  (text) => {
    expect(isToken(text)).toBe(false);
  },
);

const part = fc.constantFrom(
  '0',
  '1',
  'f',
  'FF',
  'abcd',
  '12345',
  'g',
  '',
  '255',
  '256',
  '01',
  '1.2.3.4',
  '1.2.3',
  '1.2.3.256',
  '01.2.3.4',
);
const groups = fc.array(part, { minLength: 1, maxLength: 9 });
const addresses = fc
  .tuple(groups, fc.option(groups, { nil: undefined }))
  .map(([first, second]) => (second === undefined ? first.join(':') : `${first.join(':')}::${second.join(':')}`));

describe('an authority', () => {
  test('in brackets is an address just where node:net says so', () => {
    fc.assert(
      fc.property(addresses, (text) => {
        expect([text, isAuthority(`[${text}]`)]).toEqual([text, isIPv6(text)]);
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '::ffff:1.2.3.4',
    '1:2:3:4:5:6:1.2.3.4',
    'FE80::1',
  ])('[%s] is one', (text) => {
    expect([isIPv6(text), isAuthority(`[${text}]`), isAuthority(`[${text}]:80`)]).toEqual([true, true, true]);
  });

  test.each([
    ':::',
    '1:::2',
    '1::2::3',
    ':1',
    '1:',
    '1:2:3:4:5:6:7:8::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1.2.3.4::',
    '::1.2.3',
    'fe80::1%eth0',
    '',
    ' ::1',
  ])('[%s] is none', (text) => {
    expect(isAuthority(`[${text}]`)).toBe(false);
    expect(isAuthority(`[${text}]:80`)).toBe(false);
  });

  test('of four numbers is a name or an address, and the same to us', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(65_535), (address, port) => {
        expect(isIPv4(address)).toBe(true);
        expect([isAuthority(address), isAuthority(`${address}:${port}`)]).toEqual([true, true]);
      }),
    );
  });

  test('of the web has the host that URL has', () => {
    fc.assert(
      fc.property(fc.webAuthority({ withPort: true, withIPv4: true, withIPv6: true }), (text) => {
        const isUrl = URL.canParse(`http://${text}/`);
        if (isUrl) expect([text, isAuthority(text)]).toEqual([text, true]);
      }),
    );
  });

  test.each([
    ['a', true],
    ['a:', true],
    ['a:0', true],
    ['a:65535', true],
    ['a:65536', false],
    ['a:99999', false],
    ['a:000080', false],
    ['a:080', true],
    ['a:b', false],
    ['a:1:2', false],
    ['a:-1', false],
    [':80', false],
    ['', false],
    ['a b', false],
    ['a,b', false],
    ['a/b', false],
    ['user@a', false],
    ['a%41', true],
    ['a%4', false],
    ['a%zz', false],
    ["a-._~!$&'()*+;=", true],
    ['é', false],
    ['a\n', false],
    ['[v1.a:b]', true],
    ['[V1F.~]', true],
    ['[v.a]', false],
    ['[v1.]', false],
    ['[v1a]', false],
    ['[::1', false],
    ['::1', false],
    ['[::1]x', false],
    ['[::1]:', true],
    ['[::1]:65536', false],
  ])('%j is one: %s', (text, isIt) => {
    expect(isAuthority(text)).toBe(isIt);
  });
});
