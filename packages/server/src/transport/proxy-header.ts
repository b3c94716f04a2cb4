// The header of the PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): who connected to the proxy, said once
// before the first byte of the connection. Pure: bytes in, a reading out.

import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { AnnouncedEnds } from './ends.ts';

/** What the first bytes of a connection are. */
export type ProxyHeader =
  /** Not all of it has come yet. */
  | { readonly kind: 'incomplete' }
  /** No header of this protocol, or one with an error in it. */
  | { readonly kind: 'invalid'; readonly reason: string }
  /** A whole header of `length` bytes. Without ends the connection is the proxy's own: a health check, or an unknown family. */
  | {
      readonly kind: 'header';
      readonly length: number;
      readonly ends: AnnouncedEnds | undefined;
    };

// Version 1: the longest line that the protocol allows, with its CRLF.
const MAX_LINE_BYTES = 107;

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_BYTES = 16;

// Version 2 has a length of 16 bits. Addresses take at most 216 bytes; the rest is for extensions (a client certificate's name,
// a cloud provider's endpoint), which stay far below this. The bytes wait in memory until the header is whole.
const MAX_HEADER_BYTES = 4096;

const INCOMPLETE = { kind: 'incomplete' } as const;

/** Reads the header at the start of `bytes`. Never throws. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (bytes.length === 0) return INCOMPLETE;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer[0] === SIGNATURE[0]) return readBinary(buffer);
  return readLine(buffer);
}

function invalid(reason: string): ProxyHeader {
  return { kind: 'invalid', reason };
}

const WORD = 'PROXY ';

function readLine(buffer: Buffer): ProxyHeader {
  const begun = buffer.toString('latin1', 0, Math.min(buffer.length, WORD.length));
  if (!WORD.startsWith(begun)) return invalid('it does not begin with a PROXY header');
  const end = buffer.subarray(0, MAX_LINE_BYTES).indexOf('\r\n');
  if (end === -1) {
    return buffer.length < MAX_LINE_BYTES ? INCOMPLETE : invalid(`its line is longer than ${MAX_LINE_BYTES} bytes`);
  }
  const length = end + 2;
  const words = buffer.toString('latin1', WORD.length, end).split(' ');
  // What follows UNKNOWN on its line is to be ignored.
  if (words[0] === 'UNKNOWN') return { kind: 'header', length, ends: undefined };
  const [family, source = '', destination = '', sourcePort = '', destinationPort = '', ...rest] = words;
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined;
  if (isAddress === undefined) return invalid('its line names no known family');
  const ports = [sourcePort, destinationPort].map(portOf);
  if (rest.length > 0 || !isAddress(source) || !isAddress(destination) || ports.includes(undefined)) {
    return invalid('its line has no two addresses and two ports');
  }
  const [remotePort = 0, localPort = 0] = ports;
  const ends = {
    remote: { address: source, port: remotePort },
    local: { address: destination, port: localPort },
  };
  return { kind: 'header', length, ends };
}

function portOf(text: string): number | undefined {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? port : undefined;
}

function readBinary(buffer: Buffer): ProxyHeader {
  const known = Math.min(buffer.length, SIGNATURE.length);
  if (buffer.compare(SIGNATURE, 0, known, 0, known) !== 0) return invalid('it does not begin with a PROXY header');
  if (buffer.length < FIXED_BYTES) return INCOMPLETE;
  const versionAndCommand = buffer.readUInt8(12);
  if (versionAndCommand >> 4 !== 2) return invalid(`version ${versionAndCommand >> 4} is not known`);
  const command = versionAndCommand & 0x0f;
  if (command > 1) return invalid(`command ${command} is not known`);
  const length = FIXED_BYTES + buffer.readUInt16BE(14);
  if (length > MAX_HEADER_BYTES) return invalid(`it is longer than ${MAX_HEADER_BYTES} bytes`);
  if (buffer.length < length) return INCOMPLETE;
  // LOCAL: the proxy speaks for itself, whatever else the header holds.
  if (command === 0) return { kind: 'header', length, ends: undefined };
  return readEnds(buffer.subarray(FIXED_BYTES, length), buffer.readUInt8(13), length);
}

const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

function readEnds(block: Buffer, family: number, length: number): ProxyHeader {
  const size = family === TCP_OVER_IPV4 ? 4 : family === TCP_OVER_IPV6 ? 16 : 0;
  // Unix sockets and unspecified families have no address that a responder could use.
  if (size === 0) return { kind: 'header', length, ends: undefined };
  if (block.length < 2 * size + 4) return invalid('its addresses are cut short');
  const address = (offset: number): string => (size === 4 ? ipv4At(block, offset) : ipv6At(block, offset));
  const ends = {
    remote: { address: address(0), port: block.readUInt16BE(2 * size) },
    local: { address: address(size), port: block.readUInt16BE(2 * size + 2) },
  };
  return { kind: 'header', length, ends };
}

function ipv4At(block: Buffer, offset: number): string {
  return block.subarray(offset, offset + 4).join('.');
}

/** As the system writes addresses: the longest run of zeros is `::`, an IPv4-mapped address ends as IPv4. */
function ipv6At(block: Buffer, offset: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => block.readUInt16BE(offset + 2 * index).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}
