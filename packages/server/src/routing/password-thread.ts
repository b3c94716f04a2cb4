// A thread that checks passwords. Hashing is slow by design: on the thread of the event loop, or in the pool that reads
// files, a few clients with wrong passwords would stop everything else.

import { createHash, scryptSync, timingSafeEqual } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';
import { apr1 } from './apr1.ts';
import { parseHash } from './password-hash.ts';

/** What a thread is asked. */
export interface PasswordQuestion {
  readonly password: string;
  /** The hash that it has to match; undefined for a name that is not known. */
  readonly stored: string | undefined;
  /** Hashes that are computed as well when it does not, so that all failures of one password file take the same time. */
  readonly others: readonly string[];
}

// Where the module is part of a bundle, the thread may be another's.
if (workerData === 'passwords')
  parentPort?.on('message', (question: PasswordQuestion) => parentPort?.postMessage(answer(question), []));

/** Whether the password matches. It takes as long as hashing does. */
export function answer({ password, stored, others }: PasswordQuestion): boolean {
  if (stored !== undefined && matches(password, stored)) return true;
  for (const other of others) matches(password, other);
  return false;
}

/** Whether a password belongs to a hash. The comparison takes constant time. */
function matches(password: string, stored: string): boolean {
  const hash = parseHash(stored);
  switch (hash?.kind) {
    case 'bcrypt':
      return compareSync(password, stored);
    case 'scrypt':
      return timingSafeEqual(scryptSync(password, hash.salt, hash.hash.length, hash.cost), hash.hash);
    case 'apr1':
      return timingSafeEqual(Buffer.from(apr1(password, hash.salt)), Buffer.from(hash.hash));
    case 'sha':
      return timingSafeEqual(createHash('sha1').update(password).digest(), hash.hash);
    default:
      return false;
  }
}
