// Which work folders this process is in. Writes that end in one turn of the loop leave their folder together: to make a directory and
// to remove it costs the system more than to write a small file. No answer is sent while a folder is left over.

import { rmdirSync } from 'node:fs';
import { setImmediate as turned } from 'node:timers/promises';
import { isErrorOf } from '../files/disk.ts';
import { throwOurs } from '../files/system-errors.ts';
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
  #path: string | undefined;

  constructor(identity: string) {
    this.#identity = identity;
  }

  get isLeft(): boolean {
    return this.#removal !== undefined;
  }

  /** Where the folder is for its last writer, as long as that one has it. */
  get path(): string | undefined {
    return this.#path;
  }

  make(path: string): Eventually<void> {
    this.#path = path;
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
    try {
      if (this.#isMade) await rmdir(path);
    } catch (error) {
      // Other processes work in it, or removed it.
      throwOurs(error);
    } finally {
      if (folders.get(this.#identity) === this) folders.delete(this.#identity);
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
  if (!isErrorOf(error, 'EEXIST')) throw error;
}

const folders = new Map<string, SharedFolder>();

/** Becomes one of the writers in a folder. */
export function join(identity: string): Share {
  const known = folders.get(identity);
  const folder = known === undefined || known.isLeft ? new SharedFolder(identity) : known;
  folders.set(identity, folder);
  return folder.join();
}

/** Removes those that are empty: for the end of the process, whose writers have not all left. */
export function removeFolders(): void {
  for (const { path } of folders.values()) {
    try {
      if (path !== undefined) rmdirSync(path);
    } catch (error) {
      // Others work in it, or nothing may be removed: the next start of a writable root looks again.
      throwOurs(error);
    }
  }
}
