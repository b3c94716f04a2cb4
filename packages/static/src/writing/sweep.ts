// Removes what dead writers left below a root.
//
// A writer of this kernel and PID namespace is asked for by name. Of any other only the file can tell: a living writer shows every
// few seconds that it goes on, so a file that stays as it is for a while has no writer. It is looked at again until that is known.

import { type Dirent, lstatSync } from 'node:fs';
import { opendir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { throwOurs } from '../files/system-errors.ts';
import { PARTIAL_FILE_PREFIX } from '../files/path.ts';
import { livenessOf } from './owner.ts';
import { removeIfThere } from './work-folder.ts';

/** How often a living writer shows that it goes on. */
export const RENEW_MS = 10_000;

/** Unchanged for this long, a file of an unknown writer is left over: six signs of life are missing. */
const SILENT_MS = 60_000;

/** Left over whatever the clocks of two machines say, also on the first look. */
const OLD_MS = 24 * 60 * 60 * 1000;

/** The file of the quota, which nobody leaves behind. */
export const QUOTA_FILE = 'used';

interface Seen {
  readonly ctimeMs: number;
  readonly sinceMs: number;
}

/** Sweeps a root once, and then again as long as there is a file whose writer may live. */
export class Sweeper {
  readonly #root: string;
  readonly #seen = new Map<string, Seen>();
  readonly #now: () => number;

  /** `now` is a clock that nobody sets, in milliseconds. */
  constructor(root: string, now: () => number = () => performance.now()) {
    this.#root = root;
    this.#now = now;
  }

  /** Resolves with the number of files removed. Links are not followed. */
  async sweep(): Promise<number> {
    let removed = 0;
    const directories = [this.#root];
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      for (const entry of await entriesOf(directory)) {
        const path = join(directory, entry.name);
        if (!entry.name.startsWith(PARTIAL_FILE_PREFIX)) directories.push(path);
        else if (entry.isDirectory()) removed += await this.#sweepFolder(path);
        else if (entry.isFile()) removed += await this.#sweepFile(path, entry.name);
      }
    }
    return removed;
  }

  /** Looks again at what could not be judged, and goes on until nothing is left. Keeps no process alive. */
  watch(): void {
    if (this.#seen.size === 0) return;
    setTimeout(() => {
      this.#judgeAgain().then(
        () => this.watch(),
        // What the file system says now it says to the next start as well.
        () => {},
      );
    }, SILENT_MS).unref();
  }

  async #judgeAgain(): Promise<void> {
    for (const path of this.#seen.keys()) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      if ((await this.#sweepFile(path, name)) > 0) await rmdir(join(path, '..')).catch(throwOurs);
    }
  }

  async #sweepFolder(folder: string): Promise<number> {
    let removed = 0;
    for (const { name } of await entriesOf(folder, true)) {
      if (name !== QUOTA_FILE) removed += await this.#sweepFile(join(folder, name), name);
    }
    // A folder that is empty is between two steps of a writer, which makes it anew, or left over.
    await rmdir(folder).catch(throwOurs);
    return removed;
  }

  async #sweepFile(path: string, name: string): Promise<number> {
    const liveness = livenessOf(name);
    if (liveness === 'alive' || (liveness === 'unknown' && !this.#isSilent(path))) return 0;
    this.#seen.delete(path);
    await removeIfThere(path);
    return 1;
  }

  #isSilent(path: string): boolean {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) {
      this.#seen.delete(path);
      return false;
    }
    if (Date.now() - stats.ctimeMs > OLD_MS) return true;
    const seen = this.#seen.get(path);
    if (seen?.ctimeMs === stats.ctimeMs) return this.#now() - seen.sinceMs >= SILENT_MS;
    this.#seen.set(path, { ctimeMs: stats.ctimeMs, sinceMs: this.#now() });
    return false;
  }
}

/** The directories and work files of a directory, or all its entries. */
async function entriesOf(directory: string, all = false): Promise<readonly Dirent[]> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(directory)) {
      if (all || entry.isDirectory() || entry.name.startsWith(PARTIAL_FILE_PREFIX)) entries.push(entry);
    }
  } catch (error) {
    // A directory that vanished or is closed to us holds nothing that we left.
    throwOurs(error);
  }
  return entries;
}
