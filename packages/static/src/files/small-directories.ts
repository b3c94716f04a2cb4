// The names in small directories: read at once, and remembered as long as the directory is as it was.
//
// To read the names of a thousand files, and to ask policies about each, takes a third of what a look at each of them does, and
// who lists a directory once lists it again. Its change time tells that no name came or went, once that time is past, on
// file systems that keep it exact.

import { readdirSync, statSync } from 'node:fs';
import { isSameState, type Stamp, stampOf } from '../http/validators.ts';
import { isExactFileSystem } from './exact-file-systems.ts';

/** Some thousands of names, by the 12 to 30 bytes that file systems count for each: read in less than a millisecond. */
const SMALL_BYTES = 64 * 1024;

/** Clocks of kernels tick every 1 to 10 ms, those of some file systems every other second. */
const RESTED_MS = 2_100;

/** Directories remembered, the last that were listed: a megabyte or two. */
const MAX_REMEMBERED = 32;

interface Listed {
  readonly stamp: Stamp;
  readonly names: readonly string[];
}

export class SmallDirectories {
  readonly #listed = new Map<string, Listed>();
  readonly #now: () => number;

  readonly #isExact: (path: string) => boolean;

  /** `now` is the clock of the file system, in milliseconds; `isExact` tells whether a directory's times can be believed. */
  constructor(now: () => number = Date.now, isExact: (path: string) => boolean = isExactFileSystem) {
    this.#now = now;
    this.#isExact = isExact;
  }

  /**
   * The names in the directory at `path` that `isVisible` lets through; undefined where they may be many. `key` tells the
   * directory from others as long as it has its name. Throws what the system says.
   */
  names(path: string, key: string, isVisible: (name: string) => boolean): readonly string[] | undefined {
    const stats = statSync(path);
    // Some file systems have no size for directories.
    if (stats.size === 0 || stats.size > SMALL_BYTES) return undefined;
    const known = this.#listed.get(key);
    if (known !== undefined && isSameState(known.stamp, stats)) return known.names;
    this.#listed.delete(key);
    const names = readdirSync(`${path}/`).filter(isVisible);
    const stamp = stampOf(stats);
    if (isRested(stamp, this.#now()) && this.#isExact(path)) this.#remember(key, { stamp, names });
    return names;
  }

  #remember(key: string, listed: Listed): void {
    for (const oldest of this.#listed.keys()) {
      if (this.#listed.size < MAX_REMEMBERED) break;
      this.#listed.delete(oldest);
    }
    this.#listed.set(key, listed);
  }
}

/** Whether a change from now on gets another time than the last. */
function isRested({ mtimeMs, ctimeMs }: Stamp, nowMs: number): boolean {
  return nowMs - Math.max(mtimeMs, ctimeMs) > RESTED_MS;
}
