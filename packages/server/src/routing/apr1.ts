// Apache's own hash of passwords, `$apr1$salt$hash`: a thousand rounds of MD5, as `htpasswd -m` writes them.

import { createHash } from 'node:crypto';

const ROUNDS = 1000;
const MAGIC = Buffer.from('$apr1$');
const DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The 22 characters behind `$apr1$salt$` for a password. */
export function apr1(password: string, salt: string): string {
  const key = Buffer.from(password);
  const grain = Buffer.from(salt);
  let digest = md5(...firstMixture(key, grain));
  for (let round = 0; round < ROUNDS; round++) {
    const isOdd = round % 2 === 1;
    const parts = [isOdd ? key : digest];
    if (round % 3 !== 0) parts.push(grain);
    if (round % 7 !== 0) parts.push(key);
    parts.push(isOdd ? digest : key);
    digest = md5(...parts);
  }
  return encode(digest);
}

function firstMixture(key: Buffer, grain: Buffer): Buffer[] {
  const inner = md5(key, grain, key);
  const parts = [key, MAGIC, grain];
  for (let left = key.length; left > 0; left -= inner.length) parts.push(inner.subarray(0, left));
  // One byte for each bit of the length: NUL for a 1, the first byte of the password for a 0.
  for (let bits = key.length; bits > 0; bits >>= 1) parts.push(bits % 2 === 1 ? Buffer.alloc(1) : key.subarray(0, 1));
  return parts;
}

function md5(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function encode(digest: Buffer): string {
  const at = (index: number): number => digest[index] ?? 0;
  let text = '';
  // Which three bytes of the digest four digits are made of, in their order.
  for (let i = 0; i < 5; i++) text += digits((at(i) << 16) | (at(i + 6) << 8) | at(i === 4 ? 5 : i + 12), 4);
  return text + digits(at(11), 2);
}

function digits(value: number, count: number): string {
  return Array.from({ length: count }, (_, index) => DIGITS[(value >> (6 * index)) & 0x3f]).join('');
}
