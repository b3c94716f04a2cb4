// Which work folders this process is in. Writes that end in one turn of the loop leave their folder together: to make a directory and
// to remove it costs the system more than to write a small file. No answer is sent while a folder is left over.

import { setImmediate as turned } from 'node:timers/promises';
import { mkdir, rmdir } from '../files/calls.ts';
import type { Eventually } from '../files/eventually.ts';

/** One writer's part in a folder. */
export interface Share {
  /** Makes the folder, unless this process did so already; that it is there is no trouble. */
  make(path: string): Eventually<void>;
  /** Says that somebody has removed it. */
  lose(): void;
  /** Resolves when the folder at `path` is removed, or others are in it. Without a path it stays. */
  leave(path: string | undefined): Promise<void>;
}

class SharedFolder implements Share {
  readonly #identity: string;
  #writers = 0;
  #removal: Promise<void> | undefined;
  #making: Eventually<void> = undefined;
  #isMade = false;

  constructor(identity: string) {
    this.#identity = identity;
  }

  get isLeft(): boolean {
    return this.#removal !== undefined;
  }

  make(path: string): Eventually<void> {
    if (this.#isMade) return this.#making;
    // Whoever comes next need not try.
    this.#isMade = true;
    const making = makeUnlessThere(path);
    this.#making = making instanceof Promise ? making.finally(() => (this.#making = undefined)) : undefined;
    return this.#making;
  }

  lose(): void {
    this.#isMade = false;
  }

  join(): this {
    this.#writers++;
    return this;
  }

  async leave(path: string | undefined): Promise<void> {
    this.#writers--;
    if (this.#writers > 0 || path === undefined) return;
    await turned();
    if (this.#writers > 0) return;
    await (this.#removal ??= this.#remove(path));
  }

  async #remove(path: string): Promise<void> {
    folders.delete(this.#identity);
    if (!this.#isMade) return;
    try {
      await rmdir(path);
    } catch (error) {
      // Other processes work in it, or removed it.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }
}

function makeUnlessThere(path: string): Eventually<void> {
  try {
    const made = mkdir(path, 0o700);
    return made instanceof Promise ? made.catch(unlessThere) : made;
  } catch (error) {
    return unlessThere(error);
  }
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}

const folders = new Map<string, SharedFolder>();

/** Becomes one of the writers in a folder. */
export function join(identity: string): Share {
  const known = folders.get(identity);
  const folder = known === undefined || known.isLeft ? new SharedFolder(identity) : known;
  folders.set(identity, folder);
  return folder.join();
}
