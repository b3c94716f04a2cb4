// Name and hash pairs, from a map or from an htpasswd file that is read again when it has changed.
//
// The file is looked at once a second at most. Its first reading must succeed. Later, a user who is not in it any more is
// out at once: a broken line is skipped, and while the file cannot be read nobody gets in. Either is a warning of the process.

import { readFileSync, statSync } from 'node:fs';
import { hashProblem } from './password-hash.ts';

export type Users = ReadonlyMap<string, string>;

const LOOK_AGAIN_MS = 1000;

interface Reading {
  readonly users: Users;
  /** What is wrong with lines, one sentence each. */
  readonly problems: readonly string[];
}

/**
 * Reads the lines `name:hash`, as Apache and nginx do: of two lines for one name the first counts, and what follows the hash
 * behind another colon is a comment. Empty lines and lines that begin with `#` are skipped, as is a byte order mark.
 */
function parseHtpasswd(text: string): Reading {
  const users = new Map<string, string>();
  const problems: string[] = [];
  for (const [index, given] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = given.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    const [hash = ''] = line.slice(colon + 1).split(':', 1);
    const problem = colon < 1 ? 'is not "name:hash"' : hashProblem(hash);
    if (problem === undefined) users.set(name, users.get(name) ?? hash);
    else problems.push(colon < 1 ? `line ${index + 1} ${problem}` : `line ${index + 1}, user "${name}": ${problem}`);
  }
  return { users, problems };
}

/** The users of a map of names to hashes. Throws a TypeError naming the user whose hash cannot be checked. */
export function usersOf(record: Readonly<Record<string, string>>): Users {
  const users = new Map<string, string>();
  for (const [name, hash] of Object.entries(record)) addUser(users, name, hash);
  return users;
}

function addUser(users: Map<string, string>, name: string, hash: string): void {
  const problem = hashProblem(hash);
  if (problem !== undefined) throw new TypeError(`user "${name}": ${problem}`);
  users.set(name, hash);
}

/** Reads a file now and returns how to get its users from then on. Throws a TypeError for what is wrong with it. */
export function watchHtpasswd(file: string): () => Users {
  let stamp = tryStamp(file);
  let users = firstReading(file);
  let looked = Date.now();
  return () => {
    const now = Date.now();
    if (now - looked < LOOK_AGAIN_MS && now >= looked) return users;
    looked = now;
    const found = tryStamp(file);
    if (found === stamp) return users;
    stamp = found;
    users = nextReading(file);
    return users;
  };
}

function firstReading(file: string): Users {
  let reading: Reading;
  try {
    reading = parseHtpasswd(readFileSync(file, 'utf8'));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new TypeError(`the password file ${file} cannot be read: ${error.message}`, { cause: error });
  }
  const [problem] = reading.problems;
  if (problem !== undefined) throw new TypeError(`the password file ${file}: ${problem}`);
  return reading.users;
}

function nextReading(file: string): Users {
  try {
    const { users, problems } = parseHtpasswd(readFileSync(file, 'utf8'));
    for (const problem of problems) warn(`the password file ${file}: ${problem}; this line is skipped`);
    return users;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    warn(`the password file ${file} cannot be read, so nobody gets in: ${error.message}`);
    return new Map();
  }
}

function warn(message: string): void {
  process.emitWarning(message, { type: 'OnezeroWarning' });
}

/** What changes when the file does; a file that is not there has a stamp as well. */
function tryStamp(file: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return error.code ?? 'unreadable';
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
