// Checks a password against one stored hash: bcrypt (`$2a$ $2b$ $2y$`), scrypt in the PHC form
// `$scrypt$ln=15,r=8,p=1$SALT$HASH` (base64 without padding), or `{SHA}` with base64.
//
// Every check of one kind and cost takes the same time, whether it succeeds or not; the comparison itself is constant-time.

import { createHash, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const SCRYPT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{8,})\$([A-Za-z0-9+/]{16,})$/;
const SHA = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/;

// A configuration that asks for more is a mistake that would stop the server for seconds at each request. Each step of
// bcrypt's cost doubles the time: 16 is some ten seconds, 31 two days.
const MAX_BCRYPT_COST = 16;
const MAX_SCRYPT_BYTES = 268_435_456;

/** Says what is wrong with a stored hash, or undefined when it can be checked. */
export function hashProblem(stored: string): string | undefined {
  if (SHA.test(stored)) return undefined;
  const cost = BCRYPT.exec(stored)?.[1];
  if (cost !== undefined) {
    return Number(cost) > MAX_BCRYPT_COST ? `its bcrypt cost of ${cost} is above ${MAX_BCRYPT_COST}` : undefined;
  }
  const parts = SCRYPT.exec(stored);
  if (parts !== null) {
    const { options } = scryptParts(parts);
    return scryptBytes(options) > MAX_SCRYPT_BYTES ? 'its scrypt parameters need over 256 MiB' : undefined;
  }
  return 'it is neither bcrypt ($2y$), scrypt ($scrypt$) nor {SHA}; make one with "htpasswd -B"';
}

/** Whether the password belongs to the stored hash, which has no problem. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const sha = SHA.exec(stored);
  if (sha !== null) {
    const digest = createHash('sha1').update(password).digest();
    return timingSafeEqual(digest, Buffer.from(sha[1] ?? '', 'base64'));
  }
  const parts = SCRYPT.exec(stored);
  if (parts !== null) return verifyScrypt(password, parts);
  const { compare } = await import('bcryptjs');
  return compare(password, stored);
}

function verifyScrypt(password: string, parts: RegExpExecArray): Promise<boolean> {
  const { salt, hash, options } = scryptParts(parts);
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hash.length, options, (error, derived) => {
      if (error) reject(error);
      else resolve(timingSafeEqual(derived, hash));
    });
  });
}

function scryptParts(parts: RegExpExecArray): { salt: Buffer; hash: Buffer; options: Required<ScryptCost> } {
  const [, ln = '', r = '', p = '', salt = '', hash = ''] = parts;
  const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p) };
  return {
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
    options: { ...cost, maxmem: scryptBytes(cost) + 1_048_576 },
  };
}

type ScryptCost = Pick<ScryptOptions, 'N' | 'r' | 'p' | 'maxmem'>;

function scryptBytes({ N = 1, r = 1, p = 1 }: ScryptCost): number {
  return 128 * r * (N + p + 2);
}
