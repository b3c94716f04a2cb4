// Certificates of our own making, as OpenSSL reads them.

import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { selfSigned } from '../../src/operations/self-signed.ts';

const FROM = new Date('2026-01-02T03:04:05.678Z');
const UNTIL = new Date('2027-01-02T03:04:05.678Z');
const made = (names: readonly string[], from = FROM, until = UNTIL): X509Certificate =>
  new X509Certificate(selfSigned(names, from, until).cert);

describe('a certificate of our own making', () => {
  test('signs itself, belongs to its key, and is no authority', () => {
    const { cert, key } = selfSigned(['localhost'], FROM, UNTIL);
    const read = new X509Certificate(cert);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(read.ca).toBe(false);
    expect(read.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(read.subject).toBe('CN=onezero for localhost');
    expect(read.issuer).toBe(read.subject);
    expect(() => createSecureContext({ cert, key })).not.toThrow();
  });

  test('has a number of its own', () => {
    const numbers = Array.from({ length: 20 }, () => made(['a']).serialNumber);
    expect(new Set(numbers).size).toBe(20);
    // Positive, and of one length.
    for (const number of numbers) expect(number).toMatch(/^[4-7][\dA-F]{31}$/);
  });

  test.each([
    ['2026-01-02T03:04:05.678Z', 'Jan  2 03:04:05 2026 GMT'],
    ['1999-12-31T23:59:59.999Z', 'Dec 31 23:59:59 1999 GMT'],
    ['2049-12-31T23:59:59Z', 'Dec 31 23:59:59 2049 GMT'],
    ['2050-01-01T00:00:00Z', 'Jan  1 00:00:00 2050 GMT'],
    ['2126-11-28T12:00:00Z', 'Nov 28 12:00:00 2126 GMT'],
  ])('is valid until %s', (until, read) => {
    expect(made(['a'], new Date('1990-01-01T00:00:00Z'), new Date(until)).validTo).toBe(read);
  });

  test('has a name of 64 characters at most', () => {
    const long = `${'a'.repeat(60)}.example.org`;
    const read = made([long]);
    expect(read.subject).toBe(`CN=onezero for ${long}`.slice(0, 67));
    expect(read.checkHost(long)).toBe(long);
  });

  test('has as many names as there are, of any length', () => {
    const names = Array.from({ length: 6000 }, (_, index) => `host-${index}.example.org`);
    expect(made(names).checkHost('host-5999.example.org')).toBe('host-5999.example.org');
    // Around the lengths at which the length of a length changes.
    for (let length = 90; length < 270; length += length === 140 ? 70 : 1) {
      const name = 'a'.repeat(length);
      expect(made([name]).subjectAltName).toBe(`DNS:${name}`);
    }
  });
});

describe('its names', () => {
  test.each([
    ['localhost', 'localhost'],
    ['example.org', 'EXAMPLE.org'],
    ['*.example.org', 'www.example.org'],
    ['my_machine.local', 'my_machine.local'],
    ['münchen.example', 'xn--mnchen-3ya.example'],
    ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
  ])('%s are good for %s', (name, host) => {
    expect(made([name]).checkHost(host)).toBeDefined();
    expect(made([name]).checkHost('other.org')).toBeUndefined();
  });

  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['::1', '::1'],
    ['::', '::'],
    ['1::', '1:0:0:0:0:0:0:0'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:192.0.2.33', '1:2:3:4:5:6:c000:221'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is good for %s', (address, asked) => {
    expect(made([address]).checkIP(asked)).toBeDefined();
    expect(made([address]).checkIP('192.0.2.1')).toBeUndefined();
  });

  test('are any addresses, written in any way', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(made([address]).checkIP(address), address).toBeDefined();
      }),
      { numRuns: 60 },
    );
  });
});
