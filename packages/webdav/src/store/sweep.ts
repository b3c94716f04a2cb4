// Removes what processes that ended in the middle of something have left in the folders of directories (folder.ts), and puts back
// what gave way to a successor that never came.
//
// A writer of this kernel is asked for by its name. Of any other only its files can tell: they are looked at again, and what has
// not changed for a minute is left over.

import { lstat, opendir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { livenessOf, OWN_PREFIX } from '@onezero/static/tree';
import { afterwards, codeOf, dropFolder, FOLDER, isFull, recordKey, unlessGone } from './folder.ts';
import { boundName, readRecord, settle, settledName } from './records.ts';
import { removeTree } from './staging.ts';
import type { Turn } from './turn.ts';

/** How often what belongs to processes that cannot be asked for is looked at again. */
const LOOK_AGAIN_MS = 60_000;

/** Left over whatever the clocks of two machines say, also on the first look. */
const OLD_MS = 24 * 60 * 60 * 1000;

/** `<writer>.new`, `.del`, or a record that is being written; and `.old`, of a writer or a name. */
const WORK = /^([0-9a-f]+\.\d+\.\d+\.\d+\.[0-9a-f]{12}-\d+|[0-9a-f]{32}(?=\.old$))(?:\.(new|old|del))?$/;
const RECORD = /^[0-9a-f]{32}(~[0-9a-z]+-[0-9a-z]+)?\.json$/;

/** Sweeps a root once, and later again what it could not judge. */
export class Sweeper {
  readonly #root: string;
  readonly #turn: Turn;
  /** Directories with entries of unknown writers, and when those entries had last changed. */
  readonly #doubtful = new Map<string, Map<string, number>>();

  constructor(root: string, turn: Turn) {
    this.#root = root;
    this.#turn = turn;
  }

  async sweep(): Promise<void> {
    const directories = [this.#root];
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      let hasFolder = false;
      for (const name of await directoriesIn(directory)) {
        if (name === FOLDER) hasFolder = true;
        else if (!name.startsWith(OWN_PREFIX)) directories.push(join(directory, name));
      }
      if (hasFolder) await this.#sweepIfMay(directory);
    }
    this.#watch();
  }

  #watch(): void {
    if (this.#doubtful.size === 0) return;
    setTimeout(() => {
      this.#again().then(
        () => this.#watch(),
        // What the file system says now it says to the next start as well.
        () => {},
      );
    }, LOOK_AGAIN_MS).unref();
  }

  async #again(): Promise<void> {
    for (const directory of this.#doubtful.keys()) await this.#sweepFolder(directory);
  }

  /** What may not be removed, or not now, is in nobody's way: the next start looks again. */
  async #sweepIfMay(directory: string): Promise<void> {
    const swept = this.#sweepFolder(directory).catch(async (error: unknown) => {
      // What is left over may be what takes the room that a turn needs.
      if (!isFull(error) || !(await makeRoom(directory))) throw error;
      await this.#sweepFolder(directory);
    });
    await afterwards(swept);
  }

  /** In the turn of the root, so that nothing that is under way is taken for left over. */
  async #sweepFolder(directory: string): Promise<void> {
    const doubtful = await doubtfulIn(directory);
    if (doubtful === undefined) return;
    await this.#turn.run(async () => {
      const folder = join(directory, FOLDER);
      const names = await namesIn(folder);
      const seen = new Map<string, number>();
      for (const name of names) {
        const path = join(folder, name);
        const [, writer, kind] = WORK.exec(name) ?? [];
        if (writer === undefined) continue;
        // Nothing is set aside for longer than a turn.
        if (kind === 'old' || (await this.#isLeftOver(directory, name, writer, seen)))
          await cleanUp(directory, path, kind);
      }
      if (seen.size === 0) this.#doubtful.delete(directory);
      else this.#doubtful.set(directory, seen);
      await sweepRecords(
        directory,
        names.filter((name) => doubtful.has(name)),
      );
      await dropFolder(directory);
    });
  }

  async #isLeftOver(directory: string, name: string, writer: string, seen: Map<string, number>): Promise<boolean> {
    const liveness = livenessOf(writer);
    if (liveness !== 'unknown') return liveness === 'dead';
    const stats = await unlessGone(lstat(join(directory, FOLDER, name)));
    if (stats === undefined) return false;
    if (Date.now() - stats.ctimeMs > OLD_MS || this.#doubtful.get(directory)?.get(name) === stats.ctimeMs) return true;
    seen.set(name, stats.ctimeMs);
    return false;
  }
}

/**
 * The records of a directory that may be of nothing, or not settled yet; undefined where there is nothing to do in its folder. That is
 * found out without a turn: there may be a record of each of many files, and others would wait meanwhile.
 */
async function doubtfulIn(directory: string): Promise<ReadonlySet<string> | undefined> {
  const names = await namesIn(join(directory, FOLDER));
  const doubtful = new Set(names.filter((name) => RECORD.test(name)));
  const isWorkedIn = names.length === 0 || names.some((name) => WORK.test(name));
  if (doubtful.size > 0)
    for await (const entry of await opendir(directory, { bufferSize: 256 }))
      if (!entry.isDirectory()) doubtful.delete(settledName(entry.name));
  return isWorkedIn || doubtful.size > 0 ? doubtful : undefined;
}

/** Removes without a turn what dead writers made, or were removing, and nobody looks at any more; whether there was any. */
async function makeRoom(directory: string): Promise<boolean> {
  const folder = join(directory, FOLDER);
  let isMade = false;
  for (const name of await namesIn(folder)) {
    const [, writer, kind] = WORK.exec(name) ?? [];
    if (writer === undefined || kind === 'old' || livenessOf(writer) !== 'dead') continue;
    await removeTree(join(folder, name));
    isMade = true;
  }
  return isMade;
}

/** Removes what a dead writer has left; what had given way comes back if nothing has taken its name. */
async function cleanUp(directory: string, path: string, kind: string | undefined): Promise<void> {
  if (kind === 'old') {
    for (const name of await namesIn(path)) {
      const place = join(directory, name);
      if ((await unlessGone(lstat(place))) === undefined) await rename(join(path, name), place);
    }
  }
  await removeTree(path);
}

/** Settles records whose files have come to their names, and removes those of nothing. */
async function sweepRecords(directory: string, names: readonly string[]): Promise<void> {
  for (const file of names) {
    const found = RECORD.exec(file);
    if (found === null) continue;
    const path = join(directory, FOLDER, file);
    const name = (await readRecord(path))?.name;
    const stats = name === undefined ? undefined : await unlessGone(lstat(join(directory, name)));
    const isOurs = name !== undefined && file.startsWith(recordKey(name)) && stats?.isDirectory() === false;
    if (!isOurs || stats === undefined) await rm(path, { force: true });
    else if (found[1] !== undefined) {
      if (file === boundName(name, stats)) await settle(directory, name, stats);
      else await rm(path, { force: true });
    }
  }
}

async function directoriesIn(directory: string): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(directory, { bufferSize: 256 })) {
      if (entry.isDirectory()) names.push(entry.name);
    }
  } catch (error) {
    // A directory that vanished or is closed to us holds nothing that we left.
    if (codeOf(error) === undefined) throw error;
  }
  return names;
}

async function namesIn(path: string): Promise<readonly string[]> {
  return (await unlessGone(readdir(path))) ?? [];
}
