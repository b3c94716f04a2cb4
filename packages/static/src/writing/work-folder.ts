// The folder beside a target in which its writes are prepared, and in which writers of all processes take turns.
//
// A write is a file in the folder, named after its process. To commit it is renamed to a claim on the target; then the folder is
// listed. Who sees no other living claim on it holds the target; who does waits, all but the oldest file withdrawing, so that the next
// is who has waited for longest. Two writers cannot both see no claim, since each makes its own before it looks. A claim is the file that is to be placed: once another process
// has removed the claim of a writer that it takes for dead, that writer has nothing left to place, so it cannot overwrite what came
// after. For the same reason the folder needs no descriptor: a name in it that is still there is in the folder that it was made in.

import { createHash } from 'node:crypto';
import { constants, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { codeOf } from '../files/system-errors.ts';
import { entryAt, open, type OpenFile, readdir, rename, unlink } from '../files/calls.ts';
import { refusal } from '../refusals.ts';
import { isOwnName, livenessOf, ownName } from './owner.ts';
import { join as joinFolder, removeFolders, type Share } from './shared-folders.ts';
import { removeLater } from './stuck-files.ts';
import { WriteRefused } from './write-refusal.ts';

/** How long a commit waits for others: many times what any of them takes, and shorter than clients wait. */
const MAX_WAIT_MS = 10_000;

/** A claim of which nothing is known and that does not change for this long is a dead writer's: holders take milliseconds. */
const STALE_CLAIM_MS = 3_000;

/** Waiting claims show this often that they go on. */
const RENEW_MS = 500;

/** How often a folder is made anew when others keep removing it as empty. */
const MAX_OPENS = 100;

/** Keys remembered: those of files that are written again and again. */
const MAX_KEYS = 1_000;

const keys = new Map<string, string>();

/** What claims on a target are known by. On disks that ignore case, names that differ in it only share one. */
export function targetKey(name: string): string {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = createHash('sha256').update(name.normalize().toLowerCase()).digest('base64url').slice(0, 16);
  if (keys.size >= MAX_KEYS) keys.clear();
  keys.set(name, key);
  return key;
}

/** A key for a claim on every name at once. No name has it, by the odds of a hash. */
export const EVERY_NAME: string = '-'.repeat(16);

/** Where a folder is, what tells it from others, and what for. */
export interface WorkPlace {
  /** Its path, for as long as it is worked in. */
  readonly path: string;
  /** The same for all writers of this process that work in it. @default the path */
  readonly identity?: string | undefined;
  /** What claims in it are on: only those on the same take turns. */
  readonly key?: string | undefined;
  /** Whether it stays when nobody works in it. */
  readonly isKept?: boolean | undefined;
}

/** How a write begins: with a file of its own, or at once with its claim, for who is going to commit without waiting. */
export type Beginning = 'file' | 'claim';

/** A folder that is worked in. */
export class WorkFolder {
  readonly #path: string;
  readonly #suffix: string;
  readonly #isKept: boolean;
  readonly #share: Share;

  private constructor({ path, key, isKept = false }: WorkPlace, share: Share) {
    this.#path = path;
    this.#isKept = isKept;
    this.#suffix = `${key === undefined ? '' : `.${key}`}${CLAIM}`;
    this.#share = share;
  }

  /** Makes or joins the folder, by default one for a single target, and a file of our own in it. */
  static async create(
    place: WorkPlace | string,
    begins: Beginning = 'file',
  ): Promise<{ folder: WorkFolder; file: WorkFile }> {
    const known = typeof place === 'string' ? { path: place } : place;
    const folder = new WorkFolder(known, joinFolder(known.identity ?? known.path));
    try {
      return { folder, file: await folder.#createFile(begins === 'claim') };
    } catch (error) {
      await folder.close();
      throw error;
    }
  }

  async #createFile(isClaim: boolean): Promise<WorkFile> {
    const name = ownName();
    const path = `${this.#path}/${name}`;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
    for (let opens = 1; ; opens++) {
      await this.#share.make(this.#path);
      working.add(name);
      try {
        const handle = await open(isClaim ? path + this.#suffix : path, flags, 0o666);
        return new WorkFile(handle, path, { suffix: this.#suffix, isClaim });
      } catch (error) {
        working.delete(name);
        if (codeOf(error) !== 'ENOENT' || opens === MAX_OPENS) throw error;
        // Another process was done with the folder, and found it empty.
        this.#share.lose();
      }
    }
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
      const isFirst = await this.#isOldest(file, others);
      if (!isFirst) await file.withdraw();
      await passed(Math.random() * delayMs);
      if (isFirst) await file.renew(RENEW_MS);
      else await file.claim();
    }
  }

  /** Whether nobody of these has waited for longer: all who look see the same times, and names tell apart what has one. */
  async #isOldest(file: WorkFile, others: readonly string[]): Promise<boolean> {
    const own = await entryAt(file.path);
    for (const name of others) {
      const other = await entryAt(`${this.#path}/${name}`);
      if (own === undefined || other === undefined) continue;
      const olderMs = own.mtimeMs - other.mtimeMs;
      if (olderMs > 0 || (olderMs === 0 && name < file.claimName)) return false;
    }
    return true;
  }

  /** Whether no other writer of any process has claimed what this file claims, now. */
  async isAlone(file: WorkFile): Promise<boolean> {
    return (await this.#othersOf(file, new Map())).length === 0;
  }

  /** Whether another process that may live works in the folder, be it that it waits for its turn. */
  async isWanted(): Promise<boolean> {
    const names = await readdir(this.#path);
    return names.some((name) => !isOwnName(name) && livenessOf(name) !== 'dead');
  }

  /** The claims of others, without those of the dead, which are removed. */
  async #othersOf(file: WorkFile, seen: Map<string, SeenClaim>): Promise<readonly string[]> {
    const others: string[] = [];
    for (const name of await readdir(this.#path)) {
      if (!this.#isRival(name) || name === file.claimName) continue;
      const liveness = isOwnName(name) && !isWorkedOn(name) ? 'dead' : livenessOf(name);
      const isDead = liveness === 'dead' || (liveness === 'unknown' && (await this.#isStale(name, seen)));
      if (isDead) await removeIfThere(`${this.#path}/${name}`);
      else others.push(name);
    }
    return others;
  }

  #isRival(name: string): boolean {
    if (name.endsWith(this.#suffix) || name.endsWith(EVERY_SUFFIX)) return true;
    return this.#suffix === EVERY_SUFFIX && name.endsWith(CLAIM);
  }

  async #isStale(name: string, seen: Map<string, SeenClaim>): Promise<boolean> {
    const stats = await entryAt(`${this.#path}/${name}`);
    if (stats === undefined) return true;
    const now = performance.now();
    const earlier = seen.get(name);
    if (earlier?.ctimeMs === stats.ctimeMs) return now - earlier.sinceMs > STALE_CLAIM_MS;
    seen.set(name, { ctimeMs: stats.ctimeMs, sinceMs: now });
    return false;
  }

  /** Lets go of the folder; it is removed by the last of this process, unless others work in it. */
  close(): Promise<void> {
    return this.#share.leave(this.#isKept ? undefined : this.#path);
  }
}

interface SeenClaim {
  readonly ctimeMs: number;
  readonly sinceMs: number;
}

const CLAIM = '.claim';
const EVERY_SUFFIX = `.${EVERY_NAME}${CLAIM}`;

/**
 * The names of files that this process works on. One that it is through with, and could not remove because the folder was moved away
 * or might not be changed at that moment, would keep all others from its target as long as the process lives.
 */
const working = new Set<string>();

function isWorkedOn(name: string): boolean {
  return working.has(/^[^-]+-\d+/.exec(name)?.[0] ?? name);
}

/** Files that are neither placed nor removed. A process that ends by itself leaves none of them, nor their folders. */
const unfinished = new Set<WorkFile>();
let isWatched = false;

function removeAtExit(file: WorkFile): void {
  if (!isWatched) process.on('exit', removeUnfinished);
  isWatched = true;
  unfinished.add(file);
}

function removeUnfinished(): void {
  for (const { path } of unfinished) {
    try {
      // A file that has been placed has no name here any more.
      rmSync(path, { force: true });
    } catch (error) {
      // Nothing may be removed: the next start of a writable root looks again.
      if (codeOf(error) === undefined) throw error;
    }
  }
  removeFolders();
}

/** A file of this process in a work folder: filled, then claimed, then placed by whoever holds it. */
export class WorkFile {
  readonly handle: OpenFile;
  readonly #unclaimed: string;
  readonly #claimed: string;
  #path: string;
  #isPlaced = false;
  #renewedAt = 0;

  constructor(handle: OpenFile, path: string, { suffix, isClaim }: { suffix: string; isClaim: boolean }) {
    this.handle = handle;
    this.#unclaimed = path;
    this.#claimed = path + suffix;
    this.#path = isClaim ? this.#claimed : path;
    removeAtExit(this);
  }

  /** Where the file is now. */
  get path(): string {
    return this.#path;
  }

  get claimName(): string {
    return this.#claimed.slice(this.#claimed.lastIndexOf('/') + 1);
  }

  async claim(): Promise<void> {
    if (this.#path !== this.#claimed) await this.#rename(this.#claimed);
  }

  withdraw(): Promise<void> {
    return this.#rename(this.#unclaimed);
  }

  /** Renames the file to its target. From then on nothing of it is left to remove. */
  async place(target: string): Promise<void> {
    await rename(this.#path, target);
    this.#isPlaced = true;
  }

  /** Shows that its writer goes on, unless that was shown within `everyMs`. */
  async renew(everyMs: number): Promise<void> {
    const now = performance.now();
    if (now - this.#renewedAt < everyMs) return;
    this.#renewedAt = now;
    await this.handle.touch();
  }

  /** Closes the file and removes it, unless it has been placed. */
  async discard(): Promise<void> {
    try {
      await this.handle.close();
    } finally {
      if (!this.#isPlaced) await removeOwn(this.#path);
      unfinished.delete(this);
      working.delete(basename(this.#unclaimed));
    }
  }

  async #rename(path: string): Promise<void> {
    await rename(this.#path, path);
    this.#path = path;
  }
}

/** Removes a file of this process, now or later. */
async function removeOwn(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    if (codeOf(error) !== 'ENOENT') removeLater(path);
  }
}

/** Removes a file; one that is gone, or a folder that others use, is no trouble. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
}
