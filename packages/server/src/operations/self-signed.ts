// A certificate that signs itself (RFC 5280), for HTTPS on the machine of whoever develops. Node makes keys and signatures; the
// envelope around them is a page of DER, which spares a dependency and a search for openssl.

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/** A certificate and its key as PEM text. */
export interface MadeCertificate {
  readonly cert: string;
  readonly key: string;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const TRUE = Buffer.from([0x01, 0x01, 0xff]);

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';

/**
 * Makes a key (P-256) and a certificate for host names and IP addresses, valid from `from` until `until`. It is no authority:
 * who trusts it trusts these names and nothing else.
 */
export function selfSigned(names: readonly string[], from: Date, until: Date): MadeCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const algorithm = der(SEQUENCE, identifier(ECDSA_WITH_SHA256));
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, identifier(COMMON_NAME), der(UTF8_STRING, commonName(names)))));
  // Positive and without a leading zero.
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  const body = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, serial),
    algorithm,
    name,
    der(SEQUENCE, time(from), time(until)),
    name,
    spki,
    der(0xa3, der(SEQUENCE, ...extensions(names, spki))),
  );
  const signature = bits(sign('sha256', body, privateKey));
  const certificate = der(SEQUENCE, body, algorithm, signature).toString('base64');
  const lines = certificate.match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extensions(names: readonly string[], spki: Buffer): readonly Buffer[] {
  const usage = der(BIT_STRING, Buffer.from([7, 0x80]));
  const keyId = der(OCTET_STRING, createHash('sha1').update(spki).digest());
  return [
    extension(BASIC_CONSTRAINTS, der(SEQUENCE), true),
    extension(KEY_USAGE, usage, true),
    extension(EXTENDED_KEY_USAGE, der(SEQUENCE, identifier(SERVER_AUTHENTICATION))),
    extension(SUBJECT_ALTERNATIVE_NAME, der(SEQUENCE, ...names.map(alternativeName))),
    extension(SUBJECT_KEY_IDENTIFIER, keyId),
  ];
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return der(SEQUENCE, identifier(id), isCritical ? TRUE : Buffer.alloc(0), der(OCTET_STRING, value));
}

function alternativeName(name: string): Buffer {
  if (isIPv4(name) || isIPv6(name)) return der(0x87, addressBytes(name));
  // A name is ASCII (RFC 5280 §7.2): others are written as in the DNS. What has no such form stays as it is.
  return der(0x82, Buffer.from(domainToASCII(name) || name, 'latin1'));
}

/** The octets of an IP address; a zone, which only means something on one machine, is left out. */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [plain = ''] = address.split('%');
  // As the URL Standard writes it, dotted octets are groups.
  const [head = '', tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail ?? '')];
  return Buffer.concat(all.map((group) => Buffer.from(group.padStart(4, '0'), 'hex')));
}

/** At most 64 characters (RFC 5280, upper bounds). */
function commonName([first = 'localhost']: readonly string[]): Buffer {
  return Buffer.from(`onezero for ${first}`.slice(0, 64));
}

/** Two digits of the year until 2049, four from then on (RFC 5280 §4.1.2.5). */
function time(date: Date): Buffer {
  // 2026-11-28T14:30:00.000Z becomes 20261128143000.
  const digits = date.toISOString().replaceAll(/\D/g, '').slice(0, 14);
  return date.getUTCFullYear() < 2050
    ? der(UTC_TIME, Buffer.from(`${digits.slice(2)}Z`))
    : der(GENERALIZED_TIME, Buffer.from(`${digits}Z`));
}

function bits(bytes: Buffer): Buffer {
  return der(BIT_STRING, Buffer.concat([Buffer.alloc(1), bytes]));
}

function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(OBJECT_IDENTIFIER, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}

/** A tag, a length and what it is the length of (X.690). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(content.length)]), content]);
}

function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff);
  return [0x80 | octets.length, ...octets];
}
