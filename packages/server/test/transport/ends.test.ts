// Who is at both ends of a connection, and whose request it is behind proxies; compared with a plain reading of the lists.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ends } from '../../src/transport/ends.ts';
import { addressMatcher, bareAddress, forwarded } from '../../src/transport/forwarded.ts';
import type { Peer } from '../../src/message/message.ts';
import { FakeTransport } from '../connection/fake-transport.ts';

function endsOf(remote: string, local = '192.0.2.2', trusted: readonly string[] = []): Ends {
  const transport = Object.assign(new FakeTransport(), {
    remote: { address: remote, port: 1 },
    local: { address: local, port: 80 },
  });
  return new Ends(transport, trusted.length === 0 ? undefined : addressMatcher('trustedProxies', trusted));
}

describe('Ends', () => {
  test.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:c000:201', '::ffff:c000:201'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['', ''],
  ])('of %j is %j on both sides', (address, bare) => {
    const ends = endsOf(address, address);
    expect(ends.remote).toEqual({ address: bare, port: 1 });
    expect([ends.local.address, ends.local.port]).toEqual([bare, 80]);
  });

  test('asks the system for our end only when somebody does, and once', () => {
    let asked = 0;
    class Asked extends FakeTransport {
      override readonly local = { address: '', port: 0 };
    }
    const transport = new Asked();
    Object.defineProperty(transport, 'local', {
      get: (): Peer => {
        asked += 1;
        return { address: '::ffff:10.0.0.1', port: 8080 };
      },
    });
    const { local } = new Ends(transport, undefined);
    expect(asked).toBe(0);
    expect([local.address, local.port, local.address]).toEqual(['10.0.0.1', 8080, '10.0.0.1']);
    expect(asked).toBe(1);
  });

  test('takes what a proxy announces in place of its own, and trusts by it', () => {
    const announced = { remote: { address: '10.0.0.7', port: 9 }, local: { address: '10.0.0.8', port: 443 } };
    const isTrusted = addressMatcher('trustedProxies', ['10.0.0.7']);
    const ends = new Ends(new FakeTransport(), isTrusted, announced);
    expect([ends.remote, ends.local]).toEqual([announced.remote, announced.local]);
    expect(ends.isTrusted).toBe(isTrusted);
    expect(new Ends(new FakeTransport(), isTrusted).isTrusted).toBeUndefined();
  });
});

describe('addressMatcher', () => {
  test('takes what a comparison of the bits takes', () => {
    const bitsOf = (address: string): string =>
      address
        .split('.')
        .map((part) => Number(part).toString(2).padStart(8, '0'))
        .join('');
    const address = fc
      .tuple(fc.constantFrom(10, 192), fc.constantFrom(0, 128, 168), fc.nat(255), fc.nat(255))
      .map((parts) => parts.join('.'));
    fc.assert(
      fc.property(fc.array(fc.tuple(address, fc.nat(32)), { maxLength: 4 }), address, (blocks, asked) => {
        const matches = addressMatcher(
          'x',
          blocks.map(([base, bits]) => `${base}/${bits}`),
        );
        const expected = blocks.some(([base, bits]) => bitsOf(base).slice(0, bits) === bitsOf(asked).slice(0, bits));
        expect(matches(asked)).toBe(expected);
        // The same client on a socket for both families.
        expect(matches(`::ffff:${asked}`)).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['::1', '::1', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:DB8::/32', '2001:db8:1::', true],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['unix', '', true],
    ['unix', '127.0.0.1', false],
    ['127.0.0.1', '', false],
    ['127.0.0.1', 'unknown', false],
    ['127.0.0.1', '/run/a.sock', false],
  ])('of %s takes %j: %s', (entry, address, isTaken) => {
    expect(addressMatcher('x', [entry])(address)).toBe(isTaken);
  });

  test.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0',
    '10.0.0.0/08x',
    '[::1]',
  ])('refuses %j by the name of its option', (entry) => {
    expect(() => addressMatcher('trustedProxies', [entry])).toThrow(`trustedProxies: "${entry}" is not an address`);
  });
});

describe('bareAddress', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:80', '192.0.2.1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:80', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['[::ffff:192.0.2.1]:80', '192.0.2.1'],
    ['', undefined],
    ['unknown', undefined],
    ['_hidden', undefined],
    ['192.0.2', undefined],
    ['192.0.2.1:', undefined],
    ['192.0.2.1:x', undefined],
    ['192.0.2.256', undefined],
    ['[192.0.2.1', undefined],
    ['example.org', undefined],
    ['192.0.2.1 ', undefined],
  ])('of %j is %j', (text, address) => {
    expect(bareAddress(text)).toBe(address);
  });
});

describe('forwarded', () => {
  const isTrusted = addressMatcher('trustedProxies', ['10.0.0.0/8', 'fd00::/8']);
  const hop = fc.constantFrom('10.0.0.2', '10.1.2.3', 'fd00::7', '203.0.113.5', '2001:db8::9', 'unknown', '_x', '');
  const peer = { address: '10.0.0.1', scheme: 'http' } as const;

  /** From the right, as far as those that added to the list are trusted. */
  function plainly(hops: readonly string[]): string {
    let client: string = peer.address;
    for (const named of hops.toReversed()) {
      if (!isTrusted(client) || bareAddress(named) === undefined) break;
      client = named;
    }
    return client;
  }

  test('believes X-Forwarded-For as far as those that wrote it are trusted, on any number of lines', () => {
    fc.assert(
      fc.property(
        fc.array(hop, { maxLength: 6 }),
        fc.array(fc.constantFrom(',', ', ', ' ,', 'new line'), { minLength: 6, maxLength: 6 }),
        (hops, separators) => {
          const lines = hops
            .map((one, index) => (index === 0 ? one : `${separators[index - 1]}${one}`))
            .join('')
            .split('new line');
          const fields = lines.map((line) => ['x-forwarded-for', line] as const);
          expect(forwarded(fields, peer, isTrusted).address).toBe(plainly(hops));
        },
      ),
      { numRuns: 400 },
    );
  });

  test('believes Forwarded alike, however it is quoted and whatever else it says', () => {
    const quoted = (address: string): string => (address.includes(':') ? `"[${address}]:4711"` : `"${address}"`);
    const element = fc.tuple(
      hop,
      fc.constantFrom('', ';proto=http', ';by=_a;host="x,y"', ';secret="a\\"b;c"'),
      fc.boolean(),
    );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 5 }), (elements) => {
        const value = elements
          .map(([address, more, isUpper]) => `${isUpper ? 'For' : 'for'}=${quoted(address)}${more}`)
          .join(', ');
        const told = forwarded([['forwarded', value]], peer, isTrusted, 'forwarded');
        expect(told.address, value).toBe(plainly(elements.map(([address]) => address)));
      }),
      { numRuns: 400 },
    );
  });

  test('never throws, and never names what is not an address', () => {
    const text = fc.string({ unit: fc.constantFrom(...'for=";,\\ 10.:[]abx'.split('')), maxLength: 30 });
    fc.assert(
      fc.property(text, fc.constantFrom('forwarded' as const, 'x-forwarded-for' as const), (value, name) => {
        const told = forwarded([[name, value]], peer, isTrusted, name);
        expect(bareAddress(told.address)).toBe(told.address);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['https', 'https'],
    [' HTTPS ', 'https'],
    ['http', 'http'],
    ['ftp', 'http'],
    ['', 'http'],
  ])('takes X-Forwarded-Proto %j as %s', (value, scheme) => {
    expect(forwarded([['x-forwarded-proto', value]], peer, isTrusted).scheme).toBe(scheme);
  });
});
