// The ways to scripts that were found before: a path that is asked for again is looked at step by step, and not taken apart again.

import { lstatSync } from 'node:fs';
import type { FoundScript } from './find-script.ts';

/** The way to a script, without a symbolic link on it. */
interface Walk {
  readonly folders: readonly string[];
  readonly found: FoundScript;
}

/** Paths that are asked for all the time. What is behind a script in a path may be anything. */
const MAX_WALKS = 256;
const MAX_CHARACTERS = 256;
const QUIETLY = { throwIfNoEntry: false } as const;

export class KnownWalks {
  #walks = new Map<string, Walk>();

  keep(path: string, walk: Walk): void {
    if (path.length > MAX_CHARACTERS) return;
    if (this.#walks.size >= MAX_WALKS) this.#walks = new Map();
    this.#walks.set(path, walk);
  }

  /** What was found for a path, where each step on the way to it is still what it was. */
  again(path: string): FoundScript | undefined {
    const walk = this.#walks.get(path);
    if (walk === undefined) return undefined;
    const { folders, found } = walk;
    try {
      for (const folder of folders) if (lstatSync(folder, QUIETLY)?.isDirectory() !== true) return undefined;
      const stats = lstatSync(found.file, QUIETLY);
      // What nobody else runs has to be executable.
      const isRun = stats?.isFile() === true && (found.interpreter !== undefined || (stats.mode & 0o111) !== 0);
      return isRun ? found : undefined;
    } catch {
      // Why it cannot be looked at, the search says.
      return undefined;
    }
  }
}
