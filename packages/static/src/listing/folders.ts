// What is known of directories, as long as the file system says the same, and shared by all who ask for it at once.
//
// Names are known for as long as the directory's times stay the same and it is still the directory at its path, on file systems that
// keep these times; they are kept for small directories, within a budget. A look that is under way when a request comes may have seen an earlier state: its outcome
// counts for that request only if it is still true when the look ends; otherwise one more look is begun for all who waited.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as loopTurned } from 'node:timers/promises';
import { type Eventually, whenReady } from '../files/eventually.ts';
import { keepsTimes } from '../files/exact-file-systems.ts';
import { directoryDisk, openDirectory } from '../files/open-directory.ts';
import { Queue } from '../files/queue.ts';
import { hasRested, isSameState, type Stamp, stampOf } from '../http/validators.ts';
import type { Settings } from '../options/settings.ts';
import { type Names, readNames } from './names.ts';
import type { RememberedPage } from './pages.ts';

/** A directory inside the root, and its names. */
export interface Folder extends Names {
  readonly location: string;
  readonly segments: readonly string[];
  readonly stamp: Stamp;
  /** Whether a change since then is certain to show in the times. */
  readonly isRested: boolean;
  /** Pages made of it, by what they were asked with. */
  readonly pages: Map<string, RememberedPage>;
}

/** Names kept, over all directories: some 5 MB, pages included. */
const MAX_KEPT_NAMES = 20_000;

/** Of directories with more names than this only the last is kept, and only until the collector needs the memory. */
const MAX_KEPT_FOLDER = 10_000;

/** Looks at directories that go on at once. A hundred thousand names are 20 MB while they are sorted. */
const MAX_LOOKS = 4;

type Look = Promise<Folder | undefined>;

/** The directories of one site. */
export class Folders {
  readonly #settings: Settings;
  readonly #kept = new Map<string, Folder>();
  readonly #looks = new Map<string, { readonly now: Look; next: Look | undefined }>();
  readonly #makings = new Map<string, Promise<RememberedPage | undefined>>();
  readonly #running = new Queue(MAX_LOOKS);
  #large: { readonly key: string; readonly folder: WeakRef<Folder> } | undefined;
  #keptNames = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** A directory that is known and as it was; looks at nothing but its times. There at once unless storage is slow. */
  known(segments: readonly string[]): Eventually<Folder | undefined> {
    const key = segments.join('/');
    const large = this.#large?.key === key ? this.#large.folder.deref() : undefined;
    const folder = large ?? this.#kept.get(key);
    if (folder === undefined) return undefined;
    this.#forget(key);
    return whenReady(isCurrent(folder), (isIt) => {
      if (!isIt) return undefined;
      this.#keep(key, folder);
      return folder;
    });
  }

  /** Makes a page that others are about to make, too, once for all who ask before `make` looks at the directory. */
  async share(key: string, make: () => Promise<RememberedPage | undefined>): Promise<RememberedPage | undefined> {
    const shared = this.#makings.get(key);
    if (shared !== undefined) return shared;
    const making = loopTurned().then(() => {
      this.#makings.delete(key);
      return make();
    });
    this.#makings.set(key, making);
    return making;
  }

  /** Looks at a directory; undefined outside the root. Rejects with the file system's error. */
  async look(segments: readonly string[]): Look {
    const key = segments.join('/');
    const look = this.#looks.get(key);
    if (look === undefined) return this.#begin(key, segments);
    const again = async (folder: Folder | undefined): Look =>
      folder !== undefined && (await isCurrent(folder)) ? folder : this.look(segments);
    return (look.next ??= look.now.then(again, () => this.look(segments)));
  }

  #begin(key: string, segments: readonly string[]): Look {
    const now = this.#running
      .run(() => this.#read(segments))
      .then((folder) => {
        if (folder !== undefined) this.#keep(key, folder);
        return folder;
      });
    const look = { now, next: undefined };
    this.#looks.set(key, look);
    const end = (): void => void this.#looks.delete(key);
    now.then(end, end);
    return now;
  }

  async #read(segments: readonly string[]): Look {
    const directory = await openDirectory(segments, this.#settings);
    if (directory === undefined) return undefined;
    try {
      const startedAtMs = Date.now();
      const before = stampOf(await stat(`${directory.path}/`));
      const names = await readNames(directory, segments, this.#settings);
      const isExact = await keepsTimes(directory.path);
      const isRested = isExact && hasRested(Math.max(before.mtimeMs, before.ctimeMs), startedAtMs);
      const location = join(this.#settings.root, ...segments);
      return { ...names, location, segments, stamp: before, isRested, pages: new Map() };
    } finally {
      await directory.close();
    }
  }

  #keep(key: string, folder: Folder): void {
    if (!isTrusted(folder)) return;
    if (folder.sorted.length > MAX_KEPT_FOLDER) {
      this.#large = { key, folder: new WeakRef(folder) };
      return;
    }
    this.#forget(key);
    this.#kept.set(key, folder);
    this.#keptNames += folder.sorted.length + 1;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptNames <= MAX_KEPT_NAMES) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const folder = this.#kept.get(key);
    if (folder === undefined) return;
    this.#kept.delete(key);
    this.#keptNames -= folder.sorted.length + 1;
  }
}

/** Whether what was read can be told from what came later by times alone. */
function isTrusted({ isRested, hasLinks }: Folder): boolean {
  return isRested && !hasLinks;
}

/** Whether a directory has the names that were read. */
function isCurrent(folder: Folder): Eventually<boolean> {
  if (!isTrusted(folder)) return false;
  return whenReady(stateNow(folder), (now) => now !== undefined && isSameState(folder.stamp, now));
}

/** Whether the directory at the path is the one that was read, whatever is in it. */
export function isSameDirectory(folder: Folder): Eventually<boolean> {
  return whenReady(
    stateNow(folder),
    (now) => now !== undefined && now.ino === folder.stamp.ino && now.dev === folder.stamp.dev,
  );
}

function stateNow({ location }: Folder): Eventually<Stamp | undefined> {
  // Whatever is wrong with it now, a new look finds out.
  return whenReady(directoryDisk.stat(location), (stats) => (stats instanceof Error ? undefined : stats));
}
