// The locks of a root, in one file that all processes share: read when it has changed, replaced as a whole.
//
// Whoever changes it has the turn of the root (turn.ts). A lock is void when its time is over, or when nothing is at its root any
// more: what removed the resource may have ended before it could remove the lock.

import { closeSync, lstatSync, openSync, readFileSync, type Stats, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, FOLDER, isFull, nowUnlessGone, parsed, removeFile, replaceFile } from './folder.ts';
import { isBelow, type Lock } from './locks.ts';

const FILE = 'locks.json';

/** Clocks of kernels tick every 1 to 10 ms, those of some file systems every other second. */
const RESTED_MS = 2_100;

export class LockFile {
  readonly #root: string;
  readonly #path: string;
  readonly #fsync: boolean;
  #known:
    | { readonly ino: number; readonly mtimeMs: number; readonly size: number; readonly locks: readonly Lock[] }
    | undefined;

  #emptyDuring: object | undefined;

  constructor(root: string, fsync: boolean) {
    this.#root = root;
    this.#path = join(root, FOLDER, FILE);
    this.#fsync = fsync;
  }

  /** The locks that have to do with a path and all around and below it, as far as they are valid now. */
  around(path: string): readonly Lock[] {
    const now = Date.now();
    return this.#all().filter((lock) => {
      const isRelated = lock.path === path || isBelow(lock.path, path) || isBelow(path, lock.path);
      return isRelated && lock.expiresAtMs > now && this.#isThere(lock);
    });
  }

  /** All locks that are valid now. Looks at the root of each. */
  all(): readonly Lock[] {
    const now = Date.now();
    return this.#all().filter((lock) => lock.expiresAtMs > now && this.#isThere(lock));
  }

  /** Whether there is no lock at all, be it void. What was seen while the turn was held is so until it is given up. */
  isEmpty(held: object | undefined): boolean {
    if (held !== undefined && this.#emptyDuring === held) return true;
    const isEmpty = this.#all().length === 0;
    this.#emptyDuring = isEmpty ? held : undefined;
    return isEmpty;
  }

  /** All locks whose time is not over, also those of what may be gone. */
  unchecked(): readonly Lock[] {
    const now = Date.now();
    return this.#all().filter((lock) => lock.expiresAtMs > now);
  }

  #all(): readonly Lock[] {
    const stats = stateOf(this.#path);
    if (stats === undefined) return [];
    const { ino, mtimeMs, size } = stats;
    const known = this.#known;
    if (known?.ino === ino && known.mtimeMs === mtimeMs && known.size === size) return known.locks;
    const text = nowUnlessGone(() => readFileSync(this.#path, 'utf8'));
    // Another process has ended the last lock since the look.
    if (text === undefined) return [];
    const locks = parse(text);
    // Another process may replace the file within one tick of the clock, and get an inode again that was freed.
    this.#known = Date.now() - mtimeMs > RESTED_MS ? { ino, mtimeMs, size, locks } : undefined;
    return locks;
  }

  #isThere({ path }: Lock): boolean {
    try {
      return stateOf(join(this.#root, path)) !== undefined;
    } catch (error) {
      // What cannot be looked at may be there; it is no reason to refuse others their locks.
      if (codeOf(error) === undefined) throw error;
      return true;
    }
  }

  /** Replaces the locks. The caller has the turn. */
  async write(locks: readonly Lock[]): Promise<void> {
    this.#emptyDuring = undefined;
    if (locks.length === 0) {
      this.#known = undefined;
      return removeFile(this.#root, FILE, this.#fsync);
    }
    await replaceFile(this.#root, FILE, JSON.stringify(locks), this.#fsync);
  }

  /** Ends one lock. On a disk without room for another file, its time is set to a past one where it stands. The caller has the turn. */
  async end(lock: Lock, all: readonly Lock[]): Promise<void> {
    try {
      await this.write(all.filter((one) => one !== lock));
    } catch (error) {
      if (!isFull(error) || !endInPlace(this.#path, lock.token)) throw error;
      this.#known = undefined;
    }
  }
}

function stateOf(path: string): Stats | undefined {
  return nowUnlessGone(() => lstatSync(path));
}

/** As many digits as any time of now: whatever part of it is on the disk after a crash, the file can be read. */
const PAST_MS = '1000000000000';

/** Writes over the time of a lock; whether it was found. */
function endInPlace(path: string, token: string): boolean {
  const bytes = readFileSync(path);
  const time = '"expiresAtMs":';
  const start = bytes.indexOf(JSON.stringify(token));
  const at = start < 0 ? -1 : bytes.indexOf(time, start);
  const from = at + time.length;
  if (at < 0 || !/^\d{13}[,}]/.test(bytes.toString('latin1', from, from + PAST_MS.length + 1))) return false;
  const descriptor = openSync(path, 'r+');
  try {
    writeSync(descriptor, PAST_MS, from, 'latin1');
  } finally {
    closeSync(descriptor);
  }
  return true;
}

/** None for a file that is not ours: it is replaced by the next lock. */
function parse(text: string): readonly Lock[] {
  const locks = parsed(text);
  return Array.isArray(locks) ? locks.filter(isLock) : [];
}

function isLock(value: unknown): value is Lock {
  const { token, path, depth, scope, href, owner, timeoutSeconds, expiresAtMs } = Object(value) as Record<
    string,
    unknown
  >;
  const isText = [token, path, depth, scope, href, owner].every((one) => typeof one === 'string');
  return isText && typeof timeoutSeconds === 'number' && typeof expiresAtMs === 'number';
}
