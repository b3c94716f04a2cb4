// Name and hash pairs, from a map or from an htpasswd file that is read again when it has changed.
//
// The file is looked at once a second at most. While it cannot be read, or a line of it is wrong, the last good reading
// stays in force, so that an editor's half-written file locks nobody out and lets nobody in; the first reading must succeed.

import { readFileSync, statSync } from 'node:fs';
import { hashProblem } from './password-hash.ts';

export type Users = ReadonlyMap<string, string>;

const LOOK_AGAIN_MS = 1000;

/** Reads the lines `name:hash`; empty lines and lines that begin with `#` are skipped, as is a byte order mark. Throws a TypeError naming the line. */
function parseHtpasswd(text: string): Users {
  const users = new Map<string, string>();
  for (const [index, given] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = given.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    if (colon < 1) throw new TypeError(`line ${index + 1} is not "name:hash"`);
    addUser(users, line.slice(0, colon), line.slice(colon + 1));
  }
  return users;
}

/** The users of a map of names to hashes. Throws a TypeError naming the user whose hash cannot be checked. */
export function usersOf(record: Readonly<Record<string, string>>): Users {
  const users = new Map<string, string>();
  for (const [name, hash] of Object.entries(record)) addUser(users, name, hash);
  return users;
}

function addUser(users: Map<string, string>, name: string, hash: string): void {
  const problem = hashProblem(hash);
  if (problem !== undefined) throw new TypeError(`the hash of user "${name}" is of no use: ${problem}`);
  users.set(name, hash);
}

/** Reads a file now and returns how to get its users from then on. */
export function watchHtpasswd(file: string): () => Users {
  let { stamp, users } = firstReading(file);
  let looked = Date.now();
  return () => {
    const now = Date.now();
    if (now - looked < LOOK_AGAIN_MS && now >= looked) return users;
    looked = now;
    try {
      const found = stampOf(file);
      if (found !== stamp) {
        users = parseHtpasswd(readFileSync(file, 'utf8'));
        stamp = found;
      }
    } catch (error) {
      if (!(error instanceof TypeError) && !isSystemError(error)) throw error;
    }
    return users;
  };
}

function firstReading(file: string): { stamp: string; users: Users } {
  try {
    return { stamp: stampOf(file), users: parseHtpasswd(readFileSync(file, 'utf8')) };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new TypeError(`the password file ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function stampOf(file: string): string {
  const { mtimeMs, ctimeMs, size, ino } = statSync(file);
  return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
