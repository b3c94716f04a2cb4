import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readProxyHeader } from '../../src/transport/proxy-header.ts';

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

function line(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** A header of version 2: the byte with version and command, the family, and what follows. */
function binary(versionAndCommand: number, family: number, block: Uint8Array | readonly number[]): Buffer {
  const body = Buffer.from(block);
  const head = Buffer.from(`${SIGNATURE}\0\0\0\0`, 'latin1');
  head.writeUInt8(versionAndCommand, 12);
  head.writeUInt8(family, 13);
  head.writeUInt16BE(body.length, 14);
  return Buffer.concat([head, body]);
}

const ipv4Block = [192, 0, 2, 7, 198, 51, 100, 1, 0xd9, 0x03, 0x00, 0x50];

describe('readProxyHeader', () => {
  test('reads version 1 for IPv4', () => {
    expect(readProxyHeader(line('PROXY TCP4 192.0.2.7 198.51.100.1 55555 80\r\nGET /'))).toEqual({
      kind: 'header',
      length: 44,
      ends: { remote: { address: '192.0.2.7', port: 55555 }, local: { address: '198.51.100.1', port: 80 } },
    });
  });

  test('reads version 1 for IPv6', () => {
    expect(readProxyHeader(line('PROXY TCP6 2001:db8::1 ::1 1 65535\r\n'))).toMatchObject({
      ends: { remote: { address: '2001:db8::1', port: 1 }, local: { address: '::1', port: 65535 } },
    });
  });

  test('reads version 2 for IPv4 and skips extensions', () => {
    const bytes = Buffer.concat([binary(0x21, 0x11, [...ipv4Block, 0x04, 0x00, 0x01, 0x00]), line('GET /')]);
    expect(readProxyHeader(bytes)).toEqual({
      kind: 'header',
      length: 32,
      ends: { remote: { address: '192.0.2.7', port: 55555 }, local: { address: '198.51.100.1', port: 80 } },
    });
  });

  test.each([
    ['an unknown family in version 1', line('PROXY UNKNOWN\r\n')],
    ['what follows an unknown family', line('PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n')],
    ['a health check of the proxy (LOCAL)', binary(0x20, 0x00, [])],
    ['a health check with addresses', binary(0x20, 0x11, ipv4Block)],
    ['a Unix socket in version 2', binary(0x21, 0x31, new Uint8Array(216))],
    ['an unspecified family in version 2', binary(0x21, 0x00, [1, 2, 3])],
    ['UDP, which this is not', binary(0x21, 0x12, ipv4Block)],
  ])('leaves the ends of the connection as they are for %s', (_, bytes) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: 'header', length: bytes.length, ends: undefined });
  });

  test.each([
    ['a request', line('GET / HTTP/1.0\r\n')],
    ['a TLS handshake', Buffer.from([0x16, 3, 1, 2])],
    ['another word', line('PROXX TCP4 ')],
    ['a lower-case word', line('proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n')],
    ['an unknown family', line('PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n')],
    ['an IPv6 address as IPv4', line('PROXY TCP4 ::1 1.2.3.4 1 1\r\n')],
    ['an address with a zone', line('PROXY TCP4 1.2.3.4/8 1.2.3.4 1 1\r\n')],
    ['a port above 65535', line('PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n')],
    ['a port with a leading zero', line('PROXY TCP4 1.2.3.4 1.2.3.4 080 1\r\n')],
    ['a missing port', line('PROXY TCP4 1.2.3.4 1.2.3.4 80\r\n')],
    ['one word too many', line('PROXY TCP4 1.2.3.4 1.2.3.4 80 80 80\r\n')],
    ['two spaces', line('PROXY  TCP4 1.2.3.4 1.2.3.4 80 80\r\n')],
    ['a line that never ends', line(`PROXY ${'x'.repeat(200)}`)],
    ['a damaged signature', line('\r\n\r\n\0\r\nQUIX')],
    ['version 1 in binary', binary(0x11, 0x11, ipv4Block)],
    ['an unknown command', binary(0x22, 0x11, ipv4Block)],
    ['addresses cut short', binary(0x21, 0x11, ipv4Block.slice(0, 11))],
    ['IPv4 addresses called IPv6', binary(0x21, 0x21, ipv4Block)],
    ['a header too long to wait for', binary(0x21, 0x11, new Uint8Array(4081))],
  ])('refuses %s', (_, bytes) => {
    expect(readProxyHeader(bytes).kind).toBe('invalid');
  });

  test.each([
    ['version 1', line('PROXY TCP4 192.0.2.7 198.51.100.1 55555 80\r\n')],
    ['version 2', binary(0x21, 0x11, [...ipv4Block, 3, 0, 1, 0])],
  ])('waits for the rest of %s at each length', (_, bytes) => {
    for (let length = 0; length < bytes.length; length++) {
      expect(readProxyHeader(bytes.subarray(0, length))).toEqual({ kind: 'incomplete' });
    }
  });

  test('reads any IPv6 address of version 2', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    const canonical = (address: string): string => new URL(`http://[${address}]/`).hostname;
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const block = Buffer.alloc(36);
        for (const [index, value] of groups.entries()) block.writeUInt16BE(value, 2 * index);
        const header = readProxyHeader(binary(0x21, 0x21, block));
        const written = header.kind === 'header' ? (header.ends?.remote.address ?? '') : '';
        expect(canonical(written)).toBe(canonical(groups.map((value) => value.toString(16)).join(':')));
      }),
      { numRuns: 2000 },
    );
  });

  test('reads any bytes without throwing, and never more than there are', () => {
    const begun = fc.constantFrom('', 'PROXY ', 'PROXY TCP4 ', SIGNATURE, `${SIGNATURE}\x21\x11\0\x0c`);
    fc.assert(
      fc.property(begun, fc.uint8Array({ maxLength: 300 }), (start, rest) => {
        const bytes = Buffer.concat([line(start), rest]);
        const header = readProxyHeader(bytes);
        if (header.kind === 'header') expect(header.length).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 20_000 },
    );
  });
});
