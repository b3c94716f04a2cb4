import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/fastcgi/address.ts';

describe('parseAddress', () => {
  test.each([
    ['127.0.0.1:9000', { host: '127.0.0.1', port: 9000 }],
    ['localhost:9000', { host: 'localhost', port: 9000 }],
    ['php_8-2.internal:9000', { host: 'php_8-2.internal', port: 9000 }],
    ['tcp://php:9000', { host: 'php', port: 9000 }],
    ['TCP://php:9000', { host: 'php', port: 9000 }],
    [':9000', { host: '127.0.0.1', port: 9000 }],
    ['tcp://:9000', { host: '127.0.0.1', port: 9000 }],
    ['tcp://[::1]:9000', { host: '::1', port: 9000 }],
    ['[::1]:9000', { host: '::1', port: 9000 }],
    ['[::ffff:10.0.0.1]:1', { host: '::ffff:10.0.0.1', port: 1 }],
    ['[2001:DB8::1]:65535', { host: '2001:DB8::1', port: 65_535 }],
    ['host:1', { host: 'host', port: 1 }],
    ['host:65535', { host: 'host', port: 65_535 }],
    ['host:00080', { host: 'host', port: 80 }],
    ['/run/php.sock', { path: '/run/php.sock' }],
    ['unix:/run/php.sock', { path: '/run/php.sock' }],
    ['unix:///run/php.sock', { path: '/run/php.sock' }],
    ['/run/with space: and colon.sock', { path: '/run/with space: and colon.sock' }],
    ['unix:/ü', { path: '/ü' }],
    ['unix:/run/a:9000', { path: '/run/a:9000' }],
  ])('reads %s', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  test.each([
    '',
    ':',
    'host',
    'host:',
    'host:0',
    'host:65536',
    'host:99999',
    'host:123456',
    'host:-1',
    'host:1.5',
    'host:0x50',
    'host: 80',
    'host:80 ',
    ' host:80',
    'ho st:80',
    'ho/st:80',
    'host:80/path',
    'http://host:80',
    'user@host:80',
    '::1:9000',
    '[::1]',
    '[::1]9000',
    '[]:80',
    '[host]:80',
    '[::1%eth0]:80',
    '/',
    'unix:',
    'unix:relative',
    'relative/path',
    '/a\0b',
    'unix:/a\0',
    'tcp:/run/a',
  ])('takes %j for no address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('takes what is in brackets for an address only where it is one', () => {
    const part = fc.constantFrom('0', '1', 'ff', 'db8', '2001', '', '10.0.0.1', '256.1', 'abcde');
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 9 }), (parts) => {
        const host = parts.join(':');
        const address = parseAddress(`[${host}]:80`);
        expect(address).toEqual(isIPv6(host) ? { host, port: 80 } : undefined);
      }),
      { numRuns: 500 },
    );
  });
});
