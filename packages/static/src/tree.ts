// `@onezero/static/tree`: the files of a site for packages that add methods of their own, such as WebDAV.
//
// It is what `serveStatic` stands on, safe in the same way: names are refused by the same policies, directories are opened and
// held, so that nothing renamed or linked meanwhile leads elsewhere, and secrets stay secrets.

import { type Dir, lstat, lstatSync, opendir, type Stats } from 'node:fs';
import { realpath, stat, statfs } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';
import { isErrorOf } from './files/disk.ts';
import { SmallDirectories } from './files/small-directories.ts';
import { type Eventually, whenReady } from './files/eventually.ts';
import { openDirectory } from './files/open-directory.ts';
import { isPermittedPlace, realRoot } from './files/open-file.ts';
import { Pace } from './files/pace.ts';
import { isVisible, OWN_PREFIX, PARTIAL_FILE_PREFIX, sitePath, type SitePath } from './files/path.ts';
import { type Secrets, secretsOf } from './files/secrets.ts';
import { contentTypeOf } from './http/content-type.ts';
import { selectionFields } from './http/request-fields.ts';
import { exactStateTag, lastModified, type Stamp } from './http/validators.ts';
import type { Field, StaticRequest, StaticResponse } from './message.ts';
import type { StaticOptions } from './options.ts';
import { type Settings, settingsOf } from './options/settings.ts';
import { responderFor, type StaticResponder } from './serve-static.ts';
import { preflightFields, withCors } from './site/cors.ts';
import { mayChange, tagsOfForms } from './writing/known-tags.ts';
import { livenessOf, ownName } from './writing/owner.ts';
import { HeldDirectories } from './writing/held-directories.ts';
import { chargeOf, Quota, takenBelow } from './writing/quota.ts';
import { WorkFolder } from './writing/work-folder.ts';

export type { Eventually } from './files/eventually.ts';
export type { SitePath } from './files/path.ts';
export type { HeldDirectories } from './writing/held-directories.ts';
export type { Liveness } from './writing/owner.ts';
export { livenessOf, OWN_PREFIX, ownName };
export { refusalOf, WriteRefused } from './writing/write-refusal.ts';

/** A directory inside the root, held open until it is closed. */
export interface TreeFolder {
  /** The names that lead there from the root. */
  readonly segments: readonly string[];
  /** A path that leads to it as long as it is open, wherever it is moved. */
  readonly path: string;
  /** Where it lay, without links, when it was opened. */
  readonly place: string;
  /** Whether it still lies where it was opened. */
  isInPlace(): Promise<boolean>;
  /** Resolves when its entries are on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** How often whoever has a turn shows that it goes on: others look for 3 s (work-folder.ts). */
const RENEW_MS = 500;

/** Names read at once: one trip to the thread pool. */
const NAMES_AT_ONCE = 256;

/**
 * The files below a root, under the options of `serveStatic`; entity tags are those of `etag: 'state'`.
 *
 * Provisional, for `@onezero/webdav`. Throws a TypeError that names the option when `root` is no directory or an option is wrong.
 */
export class SiteTree {
  /** Answers GET, HEAD, OPTIONS, and where it is writable PUT and DELETE, as `serveStatic` does. */
  readonly respond: StaticResponder;
  readonly root: string;
  readonly #settings: Settings;
  readonly #secrets: Secrets;
  readonly #quota: Quota;
  readonly #pace = new Pace();
  readonly #small = new SmallDirectories();

  constructor(root: string, options: Omit<StaticOptions, 'etag'> = {}) {
    const settings = settingsOf(root, { ...options, etag: 'state' });
    if (settings.onlyFile !== undefined) throw new TypeError(`root: ${root} is not a directory`);
    this.#settings = settings;
    this.#secrets = secretsOf(settings);
    this.#quota = new Quota(settings.root, settings.write?.quotaBytes ?? Number.POSITIVE_INFINITY);
    this.root = settings.root;
    this.respond = responderFor(settings);
  }

  /** Whether there are files that no request may have, beside what names hide. */
  get hasSecrets(): boolean {
    return !this.#secrets.isEmpty;
  }

  /** The names that a decoded path leads along; 400 for what is no path, 404 for what a policy hides. */
  locate(pathInfo: string): SitePath | 400 | 404 {
    return sitePath(pathInfo, this.#settings);
  }

  /** Opens a directory; undefined where links lead to where the policy does not, and for secrets. Rejects with the system's error. */
  async open(segments: readonly string[]): Promise<TreeFolder | undefined> {
    const opened = await openDirectory(segments, this.#settings);
    if (opened === undefined) return undefined;
    const { path, place } = opened;
    return {
      segments,
      path,
      place,
      isInPlace: async () => opened.isInPlace(),
      sync: async () => opened.sync(),
      close: async () => opened.close(),
    };
  }

  /**
   * The names in a directory that policies let through, in batches as they come, for `for await`. Non-UTF-8 names are there, with
   * nothing behind them.
   */
  names(folder: TreeFolder): Iterable<readonly string[]> | AsyncIterable<readonly string[]> {
    const few = this.#fewNames(folder);
    return few === undefined ? this.#manyNames(folder) : batchesOf(few);
  }

  /** All names of a small directory at once; undefined for a larger one, and while storage is slow. */
  #fewNames({ path, place, segments }: TreeFolder): readonly string[] | undefined {
    if (this.#pace.isSlow(performance.now())) return undefined;
    return this.#small.names(path, place, (name) => isVisible([...segments, name], this.#settings));
  }

  async *#manyNames(folder: TreeFolder): AsyncGenerator<readonly string[], void> {
    const directory = await openNames(`${folder.path}/`, { bufferSize: NAMES_AT_ONCE });
    try {
      let taken = 0;
      for (let isLast = false; !isLast;) {
        const names: string[] = [];
        for (let entry = await directory.read(); ; entry = directory.readSync()) {
          if (entry === null) isLast = true;
          else if (isVisible([...folder.segments, entry.name], this.#settings)) names.push(entry.name);
          // What comes after the first of a batch is in memory, so that it is taken without a promise for each name.
          if (isLast || ++taken % NAMES_AT_ONCE === 0) break;
        }
        yield names;
      }
    } finally {
      await directory.close();
    }
  }

  /** The state of what a name in a directory stands for: a file or directory that would be served, or undefined. */
  look(folder: TreeFolder, name: string): Eventually<Stats | undefined> {
    return whenReady(this.#lstat(`${folder.path}/${name}`), (stats) => {
      if (stats === undefined) return undefined;
      if (stats.isSymbolicLink()) return this.#follow(folder, name);
      if (!stats.isFile() && !stats.isDirectory()) return undefined;
      return this.#unlessSecret(stats, folder, name);
    });
  }

  /**
   * The same for many names, which are looked at by the path at which the directory lay; undefined as a whole when it lies there no
   * more. Calls `found` for each that is there, and resolves when all have been looked at.
   */
  async lookAll(
    folder: TreeFolder,
    names: readonly string[],
    found: (name: string, stats: Stats) => void,
  ): Promise<boolean> {
    // A path through /proc takes the system twice as long; where the directory was moved meanwhile, nothing counts.
    const isPlain = this.#secrets.isEmpty;
    for (const name of names) {
      const entry = this.#lstat(`${folder.place}/${name}`);
      const stats = entry instanceof Promise ? await entry : entry;
      if (stats === undefined) continue;
      const isSimple = stats.isFile() || stats.isDirectory();
      if (isSimple && isPlain) found(name, stats);
      else {
        const looked = isSimple ? this.#unlessSecret(stats, folder, name) : this.look(folder, name);
        const seen = looked instanceof Promise ? await looked : looked;
        if (seen !== undefined) found(name, seen);
      }
    }
    return folder.isInPlace();
  }

  /** The state of what has a name in a directory, whether or not it is served: of a link that of itself. */
  entry(folder: TreeFolder, name: string): Eventually<Stats | undefined> {
    return this.#lstat(`${folder.path}/${name}`);
  }

  /** Whether what had a name in a directory would be a secret or the source of a program, be it there or still to come. */
  async conceals(folder: TreeFolder, name: string): Promise<boolean> {
    if (this.#secrets.isEmpty) return false;
    const place = join(folder.place, name);
    const nothing = { dev: -1, ino: -1, nlink: 0 };
    return this.#secrets.cover(nothing, place, [this.root, ...folder.segments, name].join(sep));
  }

  #unlessSecret(stats: Stats, folder: TreeFolder, name: string, place?: string): Eventually<Stats | undefined> {
    if (this.#secrets.isEmpty) return stats;
    const asked = [this.root, ...folder.segments, name].join(sep);
    const real = place ?? folder.place + sep + name;
    return whenReady(this.#secrets.cover(stats, real, asked), (isSecret) => (isSecret ? undefined : stats));
  }

  async #follow(folder: TreeFolder, name: string): Promise<Stats | undefined> {
    try {
      const [root, place] = await Promise.all([realRoot(this.root), realpath(join(folder.path, name))]);
      if (!isPermittedPlace(place, [root, ...folder.segments, name].join(sep), root, this.#settings)) return undefined;
      const stats = await stat(place);
      if (!stats.isFile() && !stats.isDirectory()) return undefined;
      return await this.#unlessSecret(stats, folder, name, place);
    } catch (error) {
      if (isNothing(error)) return undefined;
      throw error;
    }
  }

  /** On the main thread while that is fast, as a call answered from memory costs a tenth of a trip to the thread pool. */
  #lstat(path: string): Eventually<Stats | undefined> {
    const startMs = performance.now();
    if (this.#pace.isSlow(startMs)) return statLater(path).catch(undefinedIfNothing);
    try {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      const endMs = performance.now();
      this.#pace.record(endMs - startMs, endMs);
      return stats;
    } catch (error) {
      return undefinedIfNothing(error);
    }
  }

  /** The entity tag that GET gives for a file in this state. */
  etagOf(stats: Omit<Stamp, 'dev'>): string {
    return exactStateTag(stats);
  }

  /** The Last-Modified that GET gives; undefined when there is none. */
  lastModifiedOf({ mtimeMs }: Pick<Stats, 'mtimeMs'>): string | undefined {
    return lastModified(mtimeMs, Date.now());
  }

  /** The media type by name. GET may find another one in the content. */
  typeOf(name: string): string {
    return contentTypeOf(name, this.#settings);
  }

  /** Whether the conditional fields of a request let it change what is at its target; `stats` is undefined where nothing is. */
  mayChange(fields: readonly Field[], stats: Stats | undefined): boolean {
    const conditions = selectionFields(fields);
    if (conditions === undefined) return true;
    const tags = stats?.isFile() === true ? tagsOfForms(exactStateTag(stats)) : [];
    const modifiedSeconds = stats === undefined ? undefined : Math.floor(stats.mtimeMs / 1000);
    return mayChange(conditions, stats !== undefined, { tags, modifiedSeconds });
  }

  /** The response with what `cors` says of it, and a preflight's for these methods. */
  withCors(response: StaticResponse, request: StaticRequest, methods: string): StaticResponse {
    const { cors } = this.#settings;
    if (cors === undefined) return response;
    const preflight = request.method === 'OPTIONS' ? preflightFields(request, cors, methods) : [];
    return withCors({ ...response, fields: [...response.fields, ...preflight] }, request, cors);
  }

  /** Takes bytes of `quotaBytes` for a file that is about to be made; false when they do not fit. */
  async takeQuota(bytes: number): Promise<boolean> {
    await this.#quota.prepare();
    return this.#quota.take(chargeOf(bytes));
  }

  /** Gives back what a file of so many bytes had taken. */
  giveQuota(bytes: number): Promise<void> {
    return this.#quota.give(chargeOf(bytes));
  }

  /** Runs `remove`, which removes a file or a tree, and gives back what its files had taken. Rejects with what `remove` throws. */
  async giveTree(path: string, remove: () => Promise<void>): Promise<void> {
    const bytes = this.#quota.isLimited ? await takenBelow(path) : 0;
    await remove();
    await this.#quota.give(bytes);
  }

  /** How much of the space for files is used and left, in bytes: that of the quota, or of the file system. */
  async space(): Promise<{ readonly usedBytes: number; readonly availableBytes: number }> {
    const { bsize, blocks, bfree, bavail } = await statfs(this.root);
    const usedBytes = await this.#quota.used();
    const left = this.#quota.maxBytes - (usedBytes ?? 0);
    return {
      usedBytes: usedBytes ?? (blocks - bfree) * bsize,
      availableBytes: Math.max(0, Math.min(bavail * bsize, left)),
    };
  }

  /**
   * Runs `action` while no other process, on this machine or another, runs one of that name for the same root. Rejects with a
   * `WriteRefused` of 503 when others keep the turn for 10 s. `held` is for the `commit` of writes within the turn, one at a time;
   * `isWanted` tells whether another process waits for the turn.
   */
  async inTurn<Value>(
    name: string,
    action: (held: HeldDirectories, isWanted: () => Promise<boolean>) => Promise<Value>,
  ): Promise<Value> {
    const path = join(this.root, `${PARTIAL_FILE_PREFIX}${name}`);
    const { folder, file } = await WorkFolder.create(path, 'claim');
    const held = new HeldDirectories();
    let renewing: NodeJS.Timeout | undefined;
    try {
      return await folder.inTurn(file, () => {
        // What takes seconds on a slow disk would be taken for a dead process's by those who cannot ask for this one.
        renewing = setInterval(() => void file.renew(0).catch(() => {}), RENEW_MS).unref();
        return action(held, () => folder.isWanted());
      });
    } finally {
      clearInterval(renewing);
      try {
        await held.release();
      } finally {
        // Whatever became of the directories, the turn is over: nobody else could write otherwise.
        await file.discard();
        await folder.close();
      }
    }
  }
}

function* batchesOf(names: readonly string[]): Generator<readonly string[], void> {
  for (let from = 0; from < names.length; from += NAMES_AT_ONCE) yield names.slice(from, from + NAMES_AT_ONCE);
}

const statLater = promisify(lstat);
const openNames: (path: string, options: { readonly bufferSize: number }) => Promise<Dir> = promisify(opendir);

function undefinedIfNothing(error: unknown): undefined {
  if (!isNothing(error)) throw error;
}

function isNothing(error: unknown): boolean {
  return isErrorOf(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES', 'EPERM');
}
