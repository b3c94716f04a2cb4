// Says that something below a directory has changed. One watcher for each directory, which on Linux costs one inotify watch
// each, whatever the number of files; elsewhere the system watches a whole tree at once.
//
// Builds remove a directory and make it again, or put a link to another in its place. A watcher stays with the directory that it was made for,
// wherever that goes, so each is known by its inode. What is in a watched directory is told by the system; the directories that were
// asked for are in none, and are looked at now and then.
//
// What programs write for themselves is left out: hidden names, backups of editors, caches, logs, databases, dependencies.

import { type FSWatcher, watch } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const IGNORED =
  /^\.|~$|^#.*#$|^4913$|^(?:node_modules|__pycache__|bower_components)$|\.(?:sw[a-z]|tmp|bak|log|pid|lock|py[co]|(?:db|sqlite3?)(?:-(?:journal|wal|shm))?)$/i;

// Beyond it a tree is no site under development; Linux allows 8,192 watches on old systems.
const MAX_DIRECTORIES = 4096;

// How late a directory that was asked for may be seen to have come back.
const LOOK_MS = 500;

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

/** One watched directory. */
interface Watched {
  readonly watcher: FSWatcher;
  readonly inode: number;
}

/** Watches a directory and all below it. `close` may be called again. */
export class TreeWatcher {
  readonly #listener: TreeListener;
  readonly #watched = new Map<string, Watched>();
  /** What was asked for, and where that is; undefined while it is nowhere. */
  readonly #roots = new Map<string, string | undefined>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(listener: TreeListener) {
    this.#listener = listener;
  }

  /** Begins with a directory, which may come later. Resolves when all of it is watched. */
  async add(directory: string): Promise<void> {
    this.#roots.set(directory, undefined);
    try {
      const real = await realpath(directory);
      this.#roots.set(directory, real);
      await this.#addTree(real);
    } catch (error) {
      this.#listener.failed(error as Error);
    }
    if (!this.#isClosed) this.#timer ??= setTimeout(() => void this.#lookAtRoots(), LOOK_MS).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }

  async #addTree(directory: string): Promise<void> {
    const waiting = [directory];
    for (let next = waiting.pop(); next !== undefined && !this.#isClosed; next = waiting.pop()) {
      const inode = (await lstat(next).catch(unlessGone))?.ino;
      if (inode === undefined || this.#isClosed || this.#watched.get(next)?.inode === inode) continue;
      // Another was here before.
      this.#forget(next);
      if (this.#watched.size >= MAX_DIRECTORIES) {
        this.#listener.failed(new Error(`more than ${MAX_DIRECTORIES} folders: not all of them are watched`));
        return;
      }
      this.#watch(next, inode);
      // The system watches the rest by itself.
      if (process.platform !== 'linux') return;
      const entries = await readdir(next, { withFileTypes: true }).catch(unlessGone);
      for (const entry of entries ?? []) {
        if (entry.isDirectory() && !isIgnored(entry.name)) waiting.push(join(next, entry.name));
      }
    }
  }

  #watch(directory: string, inode: number): void {
    const recursive = process.platform !== 'linux';
    const watcher = watch(directory, { recursive, persistent: false }, (_, name) => this.#event(directory, name));
    this.#watched.set(directory, { watcher, inode });
    watcher.on('error', () => this.#forget(directory));
  }

  #event(directory: string, name: string | null): void {
    if (this.#isClosed || name === null || name.split(/[\\/]/).some(isIgnored)) return;
    const path = join(directory, name);
    this.#lookSoon(path);
    this.#listener.changed(path);
  }

  #lookSoon(path: string): void {
    void this.#look(path).catch((error: unknown) => this.#listener.failed(error as Error));
  }

  /** A new directory is watched, with what came into it before; one that is gone is not any more. */
  async #look(path: string): Promise<void> {
    const stats = await lstat(path).catch(unlessGone);
    if (stats?.isDirectory() === true) {
      if (process.platform === 'linux') await this.#addTree(path);
      return;
    }
    this.#forget(path);
    // A directory that is removed or moved says so by its own name, as if something of that name in it were.
    const directory = dirname(path);
    if (basename(directory) !== basename(path)) return;
    this.#forget(directory);
    await this.#addTree(directory);
  }

  /** Finds what was asked for and is there again, or is another than before. */
  async #lookAtRoots(): Promise<void> {
    for (const [given, before] of this.#roots) {
      try {
        const real = await realpath(given).catch(unlessGone);
        const inode = real === undefined ? undefined : (await lstat(real).catch(unlessGone))?.ino;
        if (this.#isClosed) return;
        this.#roots.set(given, real);
        if (before !== undefined && before !== real) this.#forget(before);
        if (real === undefined || inode === undefined || this.#watched.get(real)?.inode === inode) continue;
        await this.#addTree(real);
        this.#listener.changed(real);
      } catch (error) {
        this.#listener.failed(error as Error);
      }
    }
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#lookAtRoots(), LOOK_MS).unref();
  }

  #forget(directory: string): void {
    for (const [path, { watcher }] of this.#watched) {
      if (path !== directory && !path.startsWith(join(directory, '/'))) continue;
      watcher.close();
      this.#watched.delete(path);
    }
  }
}

function unlessGone(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && /^(?:ENOENT|ENOTDIR|EACCES)$/.test(String(error.code))) return;
  throw error;
}
