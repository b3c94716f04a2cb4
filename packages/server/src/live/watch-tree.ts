// Says that something below a directory has changed. One watcher for each directory, which on Linux costs one inotify watch
// each, whatever the number of files; elsewhere the system watches a whole tree at once.
//
// What programs write for themselves is left out: hidden names, backups of editors, caches, logs, databases, dependencies.

import { type FSWatcher, watch } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';

const IGNORED =
  /^\.|~$|^#.*#$|^4913$|^(?:node_modules|__pycache__|bower_components)$|\.(?:sw[a-z]|tmp|bak|log|pid|lock|py[co]|(?:db|sqlite3?)(?:-(?:journal|wal|shm))?)$/i;

// Beyond it a tree is no site under development; Linux allows 8,192 watches on old systems.
const MAX_DIRECTORIES = 4096;

/** Whether a change of this name says nothing about what a page shows. */
function isIgnored(name: string): boolean {
  return IGNORED.test(name);
}

/** What a watcher tells. */
export interface TreeListener {
  /** The path of what changed, which may be gone. */
  changed(path: string): void;
  /** Part of the tree is not watched. */
  failed(error: Error): void;
}

/** Watches a directory and all below it. `close` may be called again. */
export class TreeWatcher {
  readonly #listener: TreeListener;
  readonly #watchers = new Map<string, FSWatcher>();
  #isClosed = false;

  constructor(listener: TreeListener) {
    this.#listener = listener;
  }

  /** Begins with a directory. Resolves when all of it is watched. */
  async add(directory: string): Promise<void> {
    try {
      await this.#addTree(await realpath(directory));
    } catch (error) {
      this.#listener.failed(error as Error);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  async #addTree(directory: string): Promise<void> {
    const waiting = [directory];
    for (let next = waiting.pop(); next !== undefined && !this.#isClosed; next = waiting.pop()) {
      if (this.#watchers.has(next)) continue;
      if (this.#watchers.size >= MAX_DIRECTORIES) {
        this.#listener.failed(new Error(`more than ${MAX_DIRECTORIES} folders: not all of them are watched`));
        return;
      }
      this.#watch(next);
      // The system watches the rest by itself.
      if (process.platform !== 'linux') return;
      const entries = await readdir(next, { withFileTypes: true }).catch(unlessGone);
      for (const entry of entries ?? []) {
        if (entry.isDirectory() && !isIgnored(entry.name)) waiting.push(join(next, entry.name));
      }
    }
  }

  #watch(directory: string): void {
    const recursive = process.platform !== 'linux';
    const watcher = watch(directory, { recursive, persistent: false }, (_, name) => this.#event(directory, name));
    this.#watchers.set(directory, watcher);
    watcher.on('error', () => this.#forget(directory));
  }

  #event(directory: string, name: string | null): void {
    if (this.#isClosed || name === null || name.split(/[\\/]/).some(isIgnored)) return;
    const path = join(directory, name);
    void this.#look(path).catch((error: unknown) => this.#listener.failed(error as Error));
    this.#listener.changed(path);
  }

  /** A new directory is watched, with what came into it before; one that is gone is not any more. */
  async #look(path: string): Promise<void> {
    const stats = await lstat(path).catch(unlessGone);
    if (stats === undefined) this.#forget(path);
    else if (stats.isDirectory() && process.platform === 'linux') await this.#addTree(path);
  }

  #forget(directory: string): void {
    for (const [path, watcher] of this.#watchers) {
      if (path !== directory && !path.startsWith(join(directory, '/'))) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
  }
}

function unlessGone(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && /^(?:ENOENT|ENOTDIR|EACCES)$/.test(String(error.code))) return;
  throw error;
}
