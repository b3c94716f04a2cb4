// The folder beside a target in which its writes are prepared, and in which writers of all processes take turns.
//
// A write is a file in the folder, named after its process. To commit it is renamed to a claim; then the folder is listed. Who
// sees no other living claim holds the target; who does waits, all but the least name withdrawing. Two writers cannot both see no
// claim, since each makes its own before it looks. A claim is the file that is to be placed: once another process has removed
// the claim of a writer that it takes for dead, that writer has nothing left to place, so it cannot overwrite what came after.

import { createHash } from 'node:crypto';
import { constants, rmdirSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { PARTIAL_FILE_PREFIX } from '../files/path.ts';
import { refusal } from '../refusals.ts';
import { livenessOf, ownName } from './owner.ts';
import { WriteRefused } from './write-refusal.ts';

/** How long a commit waits for others: many times what any of them takes, and shorter than clients wait. */
const MAX_WAIT_MS = 10_000;

/** A claim of which nothing is known and that does not change for this long is a dead writer's: holders take milliseconds. */
const STALE_CLAIM_MS = 3_000;

/** Waiting claims show this often that they go on. */
const RENEW_MS = 500;

/** How often a folder is made anew when others keep removing it as empty. */
const MAX_OPENS = 100;

/** The name of the folder for a target. On disks that ignore case, names that differ in it only share one. */
export function workFolderName(target: string): string {
  const key = createHash('sha256').update(target.normalize().toLowerCase()).digest('base64url').slice(0, 16);
  return `${PARTIAL_FILE_PREFIX}${key}`;
}

/** The folder for one target, open. */
export class WorkFolder {
  readonly #location: string;
  readonly #handle: FileHandle;
  readonly #path: string;

  private constructor(location: string, handle: FileHandle) {
    this.#location = location;
    this.#handle = handle;
    // A name below the descriptor leads to the folder that was opened, whatever its own name leads to by then.
    this.#path = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : location;
  }

  /** Makes or joins the folder and a file of our own in it. */
  static async create(location: string): Promise<{ folder: WorkFolder; file: WorkFile }> {
    for (let opens = 1; ; opens++) {
      const folder = await WorkFolder.#open(location);
      try {
        return { folder, file: await folder.#createFile() };
      } catch (error) {
        await folder.close();
        // Another writer was done with the folder between our two steps.
        if (codeOf(error) !== 'ENOENT' || opens === MAX_OPENS) throw error;
      }
    }
  }

  static async #open(location: string): Promise<WorkFolder> {
    for (let opens = 1; ; opens++) {
      try {
        await mkdir(location, { mode: 0o700 });
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
      try {
        const flags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);
        return new WorkFolder(location, await open(location, flags));
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || opens === MAX_OPENS) throw error;
      }
    }
  }

  async #createFile(): Promise<WorkFile> {
    const path = join(this.#path, ownName());
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
    const file = new WorkFile(await open(path, flags, 0o666), path);
    removeAtExit(file, this.#location);
    return file;
  }

  /** Runs `commit` when no other writer of any process holds the target. */
  async inTurn<Value>(file: WorkFile, commit: () => Promise<Value>): Promise<Value> {
    const started = performance.now();
    const seen = new Map<string, SeenClaim>();
    await file.claim();
    for (let delayMs = 1; ; delayMs = Math.min(delayMs * 2, 25)) {
      const others = await this.#othersOf(file, seen);
      if (others.length === 0) return commit();
      if (performance.now() - started > MAX_WAIT_MS) {
        throw new WriteRefused(refusal(503, new Error('other writes of the file go on'), [['retry-after', '1']]));
      }
      const isFirst = others.every((other) => file.claimName < other);
      if (!isFirst) await file.withdraw();
      await passed(Math.random() * delayMs);
      if (isFirst) await file.renew(RENEW_MS);
      else await file.claim();
    }
  }

  /** The claims of others, without those of the dead, which are removed. */
  async #othersOf(file: WorkFile, seen: Map<string, SeenClaim>): Promise<readonly string[]> {
    const others: string[] = [];
    for (const name of await readdir(this.#path)) {
      if (!name.endsWith(CLAIM) || name === file.claimName) continue;
      const liveness = livenessOf(name);
      const isDead = liveness === 'dead' || (liveness === 'unknown' && (await this.#isStale(name, seen)));
      if (isDead) await removeIfThere(join(this.#path, name));
      else others.push(name);
    }
    return others;
  }

  async #isStale(name: string, seen: Map<string, SeenClaim>): Promise<boolean> {
    const stats = await stat(join(this.#path, name)).catch(absent);
    if (stats === undefined) return true;
    const now = performance.now();
    const earlier = seen.get(name);
    if (earlier?.ctimeMs === stats.ctimeMs) return now - earlier.sinceMs > STALE_CLAIM_MS;
    seen.set(name, { ctimeMs: stats.ctimeMs, sinceMs: now });
    return false;
  }

  /** Closes the folder, and removes it unless others work in it. */
  async close(): Promise<void> {
    await this.#handle.close();
    await rmdir(this.#location).catch(absent);
  }
}

interface SeenClaim {
  readonly ctimeMs: number;
  readonly sinceMs: number;
}

const CLAIM = '.claim';

/** Files that are neither placed nor removed, and their folders. A process that ends by itself leaves none of them. */
const unfinished = new Map<WorkFile, string>();

function removeAtExit(file: WorkFile, folder: string): void {
  if (unfinished.size === 0 && !process.listeners('exit').includes(removeUnfinished)) {
    process.on('exit', removeUnfinished);
  }
  unfinished.set(file, folder);
}

function removeUnfinished(): void {
  for (const [file, folder] of unfinished) {
    try {
      // A file that has been placed has no name here any more.
      rmSync(file.path, { force: true });
      rmdirSync(folder);
    } catch (error) {
      // Others work in the folder, or nothing may be removed: the next start of a writable root looks again.
      if (codeOf(error) === undefined) throw error;
    }
  }
}

/** A file of this process in a work folder: filled, then claimed, then placed by whoever holds it. */
export class WorkFile {
  readonly handle: FileHandle;
  readonly #unclaimed: string;
  #path: string;
  #renewedAt = 0;

  constructor(handle: FileHandle, path: string) {
    this.handle = handle;
    this.#unclaimed = path;
    this.#path = path;
  }

  /** Where the file is now. */
  get path(): string {
    return this.#path;
  }

  get claimName(): string {
    return `${this.#unclaimed.slice(this.#unclaimed.lastIndexOf('/') + 1)}${CLAIM}`;
  }

  claim(): Promise<void> {
    return this.#rename(`${this.#unclaimed}${CLAIM}`);
  }

  withdraw(): Promise<void> {
    return this.#rename(this.#unclaimed);
  }

  /** Shows that its writer goes on, unless that was shown within `everyMs`. */
  async renew(everyMs: number): Promise<void> {
    const now = performance.now();
    if (now - this.#renewedAt < everyMs) return;
    this.#renewedAt = now;
    const { atime, mtime } = await this.handle.stat();
    await this.handle.utimes(atime, mtime);
  }

  /** Closes the file and removes it, unless it has been placed. */
  async discard(): Promise<void> {
    await this.handle.close();
    await removeIfThere(this.#path);
    unfinished.delete(this);
  }

  async #rename(path: string): Promise<void> {
    await rename(this.#path, path);
    this.#path = path;
  }
}

/** Removes a file; one that is gone, or a folder that others use, is no trouble. */
export function removeIfThere(path: string): Promise<void> {
  return unlink(path).catch(absent);
}

function absent(error: unknown): undefined {
  if (codeOf(error) === undefined) throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
