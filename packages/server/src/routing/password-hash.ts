// The stored hashes that are understood: bcrypt (`$2a$ $2b$ $2y$`), scrypt in the PHC form
// `$scrypt$ln=15,r=8,p=1$SALT$HASH` (base64 without padding), Apache's `$apr1$`, and `{SHA}` with base64.

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const SCRYPT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{8,})\$([A-Za-z0-9+/]{16,})$/;
const APR1 = /^\$apr1\$([./A-Za-z0-9]{1,8})\$([./A-Za-z0-9]{22})$/;
const SHA = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/;

// A configuration that asks for more is a mistake that would keep everybody waiting for seconds at each login. Each step of
// bcrypt's cost doubles the time: 16 is some ten seconds, 31 two days.
const MAX_BCRYPT_COST = 16;
// Below it there is no bcrypt: whoever wrote such a hash meant another.
const MIN_BCRYPT_COST = 4;
const MAX_SCRYPT_BYTES = 268_435_456;

/** As node:crypto wants it. */
interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly maxmem: number;
}

/** A stored hash taken apart. */
export type StoredHash =
  | { readonly kind: 'bcrypt'; readonly cost: number }
  | { readonly kind: 'scrypt'; readonly salt: Buffer; readonly hash: Buffer; readonly cost: ScryptCost }
  | { readonly kind: 'apr1'; readonly salt: string; readonly hash: string }
  | { readonly kind: 'sha'; readonly hash: Buffer };

/** Takes a stored hash apart; undefined when it is of no known kind. */
export function parseHash(stored: string): StoredHash | undefined {
  const sha = SHA.exec(stored);
  if (sha !== null) return { kind: 'sha', hash: Buffer.from(sha[1] ?? '', 'base64') };
  const bcrypt = BCRYPT.exec(stored);
  if (bcrypt !== null) return { kind: 'bcrypt', cost: Number(bcrypt[1]) };
  const apr1 = APR1.exec(stored);
  if (apr1 !== null) return { kind: 'apr1', salt: apr1[1] ?? '', hash: apr1[2] ?? '' };
  const scrypt = SCRYPT.exec(stored);
  return scrypt === null ? undefined : scryptParts(scrypt);
}

/** Says what is wrong with a stored hash, or undefined when it can be checked. */
export function hashProblem(stored: string): string | undefined {
  const hash = parseHash(stored);
  if (hash === undefined)
    return 'unsupported hash; expected bcrypt ($2y$), scrypt ($scrypt$), $apr1$ or {SHA}, as "htpasswd -B" makes them';
  if (hash.kind === 'bcrypt') return bcryptProblem(hash.cost);
  return hash.kind === 'scrypt' ? scryptProblem(hash.cost) : undefined;
}

function bcryptProblem(cost: number): string | undefined {
  if (cost > MAX_BCRYPT_COST) return `its bcrypt cost of ${cost} is above ${MAX_BCRYPT_COST}`;
  return cost < MIN_BCRYPT_COST ? `its bcrypt cost of ${cost} is below ${MIN_BCRYPT_COST}` : undefined;
}

/** RFC 7914 §6: N is above 1 and below 2^(16r); r and p are no less than 1. */
function scryptProblem(cost: ScryptCost): string | undefined {
  const { N, r, p } = cost;
  if (N < 2 || r < 1 || p < 1 || N >= 2 ** (16 * r)) return 'its scrypt parameters are none (RFC 7914)';
  return scryptBytes(cost) > MAX_SCRYPT_BYTES ? 'its scrypt parameters need over 256 MiB' : undefined;
}

/** What decides how long a check takes: hashes of one class cost the same. */
export function hashClass(stored: string): string {
  const hash = parseHash(stored);
  if (hash?.kind === 'bcrypt') return `bcrypt ${hash.cost}`;
  if (hash?.kind !== 'scrypt') return hash?.kind ?? '';
  return `scrypt ${hash.cost.N} ${hash.cost.r} ${hash.cost.p} ${hash.hash.length}`;
}

function scryptParts([, ln = '', r = '', p = '', salt = '', hash = '']: RegExpExecArray): StoredHash {
  const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p) };
  return {
    kind: 'scrypt',
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
    cost: { ...cost, maxmem: scryptBytes(cost) + 1_048_576 },
  };
}

function scryptBytes({ N, r, p }: Omit<ScryptCost, 'maxmem'>): number {
  return 128 * r * (N + p + 2);
}
