// One folder that is served: its files, its locks, and whose turn it is. What all methods share.

import { SiteTree } from '@onezero/static/tree';
import type { Settings } from './options.ts';
import { LockFile } from './store/lock-file.ts';
import { Sweeper } from './store/sweep.ts';
import { Turn } from './store/turn.ts';

export class Folder {
  readonly settings: Settings;
  readonly tree: SiteTree;
  readonly locks: LockFile;
  readonly turn: Turn;
  /** Resolves when what earlier processes left is removed. */
  readonly swept: Promise<void>;

  constructor(settings: Settings) {
    const { root, files, maxFileBytes, quotaBytes, fsync } = settings;
    this.settings = settings;
    this.tree = new SiteTree(root, { ...files, writable: { maxFileBytes, quotaBytes, fsync } });
    this.locks = new LockFile(this.tree.root, fsync);
    this.turn = new Turn(this.tree);
    this.swept = new Sweeper(this.tree.root, this.turn).sweep();
    // The first write reports a failed sweep; until then nothing waits for it.
    this.swept.catch(() => {});
  }
}
