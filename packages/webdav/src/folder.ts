// One folder that is served: its files, its locks, and whose turn it is. What all methods share.

import { SiteTree, type TreeFolder } from '@onezero/static/tree';
import type { Settings } from './options.ts';
import { isFull } from './store/folder.ts';
import { LockFile } from './store/lock-file.ts';
import { Remembered } from './store/remembered.ts';
import { Sweeper } from './store/sweep.ts';
import { Turn } from './store/turn.ts';

export class Folder {
  readonly settings: Settings;
  readonly tree: SiteTree;
  readonly locks: LockFile;
  readonly turn: Turn;
  readonly remembered: Remembered = new Remembered();
  #swept: Promise<void> | undefined;

  constructor(settings: Settings) {
    const { root, files, maxFileBytes, quotaBytes, fsync } = settings;
    this.settings = settings;
    this.tree = new SiteTree(root, { ...files, writable: { maxFileBytes, quotaBytes, fsync } });
    this.locks = new LockFile(this.tree.root, fsync);
    this.turn = new Turn(this.tree);
  }

  /** Resolves when what earlier processes left is removed, once. Where that fails, the next write tries it again. */
  sweep(): Promise<void> {
    return (this.#swept ??= this.#sweepNow().catch((error: unknown) => {
      this.#swept = undefined;
      throw error;
    }));
  }

  /**
   * Why it cannot be said that the entries of directories are on the disk; undefined where it can. What was done is brought to its end
   * before that is told.
   */
  async unsynced(...directories: readonly TreeFolder[]): Promise<unknown> {
    if (!this.settings.fsync) return undefined;
    const results = await Promise.allSettled(directories.map((directory) => directory.sync()));
    return results.find((result) => result.status === 'rejected')?.reason;
  }

  async #sweepNow(): Promise<void> {
    await new Sweeper(this.tree.root, this.turn).sweep();
    // A lock whose file never came, because its process ended in between, is void; here it goes.
    if (this.locks.unchecked().length > this.locks.all().length) {
      await this.turn.run(() => this.locks.write(this.locks.all())).catch(unlessFull);
    }
  }
}

/** Without room it stays noted, and void: nothing waits for it, least of all a DELETE that is to make some. */
function unlessFull(error: unknown): void {
  if (!isFull(error)) throw error;
}
