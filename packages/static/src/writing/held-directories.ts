// Directories in which this process has every name for a while.
//
// A small write takes four calls to the system. To claim its target, to look for claims of others and to remove the folder again
// takes as long once more. Whoever has a turn for many writes, such as WebDAV has that of its root, holds the directories that they
// go to: one claim on every name of a directory, which lasts as long as the turn. Writers of single targets, in whichever process,
// see it and wait; where one of them was first, the directory is not held, and its writes make claims as ever.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { isErrorOf } from '../files/disk.ts';
import type { Eventually } from '../files/eventually.ts';
import { isFastForFiles, readdir, timedFile } from '../files/calls.ts';
import { type OpenDirectory, openDirectory, rootPlace } from '../files/open-directory.ts';
import { PARTIAL_FILE_PREFIX } from '../files/path.ts';
import type { Settings } from '../options/settings.ts';
import { refusal } from '../refusals.ts';
import { ownName } from './owner.ts';
import { canHoldReplaced, holdReplaced } from './replaced-files.ts';
import { EVERY_NAME, type WorkFile, WorkFolder } from './work-folder.ts';
import { WriteRefused } from './write-refusal.ts';

/** Directories held at once, each with two descriptors. A client that synchronises writes to a few. */
const MAX_HELD = 16;

/** A process that was stopped for longer may have lost its claim to those who took it for dead. */
const MAX_AGE_MS = 1_000;

/** How long a directory is not held again after others wrote in it: longer than they wait between two looks. */
const PAUSE_MS = 100;

/** Directories that others write in, by identity, and until when they are left to them. */
const shared = new Map<string, number>();
const MAX_SHARED = 1_000;

/** What this process holds, by the identity of the directory. */
const holds = new Map<string, HeldDirectory>();

/** Lets go of a directory that this process holds, for a write of its own that makes a claim; resolves when that will be seen. */
export async function letGo({ identity }: OpenDirectory): Promise<void> {
  await holds.get(identity)?.release();
}

/** What was written, and what it replaced. */
export interface Outcome {
  readonly replaced: fs.Stats | undefined;
  readonly stats: fs.Stats;
}

/** The directories of one turn. Ask for one at a time, and release them when the turn ends. */
export class HeldDirectories {
  readonly #held = new Map<string, HeldDirectory>();
  /** Those that were where they were said to be in this turn of the loop. */
  #seen = new Set<string>();

  /** A directory below a root; undefined where its writes have to make claims. Rejects with what the system says. */
  take(segments: readonly string[], settings: Settings): Eventually<HeldDirectory | undefined> {
    if (!isFastForFiles()) return undefined;
    const location = join(settings.root, ...segments);
    const seen = this.#seen.has(location) ? this.#held.get(location) : undefined;
    return seen?.isHeld === true ? seen : this.#look(location, segments, settings);
  }

  async #look(location: string, segments: readonly string[], settings: Settings): Promise<HeldDirectory | undefined> {
    const held = await this.#takeAnew(location, segments, settings);
    if (held === undefined) return undefined;
    // Requests that came together are answered together: one look is for all of them.
    if (this.#seen.size === 0) setImmediate(() => this.doubt());
    this.#seen.add(location);
    return held;
  }

  /** Says that directories may have been moved since they were looked at. */
  doubt(): void {
    // Not `clear`: what a cleared set has been keeps alive what it becomes.
    this.#seen = new Set();
  }

  async #takeAnew(
    location: string,
    segments: readonly string[],
    settings: Settings,
  ): Promise<HeldDirectory | undefined> {
    const place = join(await rootPlace(settings), ...segments);
    const known = this.#held.get(location);
    if (known?.isStill(place) === true) return known;
    if (known !== undefined) {
      this.#held.delete(location);
      await known.release();
    }
    if (this.#held.size === MAX_HELD) return undefined;
    const directory = await openDirectory(segments, settings);
    const held = directory && (await hold(directory, place));
    if (held !== undefined) this.#held.set(location, held);
    return held;
  }

  /** Resolves when others can write. */
  async release(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(all.map((directory) => directory.release()));
  }
}

/** Holds a directory that was opened, or closes it. */
async function hold(directory: OpenDirectory, place: string): Promise<HeldDirectory | undefined> {
  let held: HeldDirectory | undefined;
  try {
    return (held = await holdUnlessShared(directory, place));
  } finally {
    if (held === undefined) await directory.close();
  }
}

async function holdUnlessShared(directory: OpenDirectory, place: string): Promise<HeldDirectory | undefined> {
  // Where directories are not held open, or links lead there, what a path leads to may change between two writes.
  const isHeld = directory.path !== directory.place && directory.place === place;
  if (!isHeld || (shared.get(directory.identity) ?? 0) > performance.now()) return undefined;
  const path = `${directory.path}/${PARTIAL_FILE_PREFIX}writes`;
  const holdsReplaced = canHoldReplaced(directory.path);
  const { folder, file } = await WorkFolder.create({ path, identity: directory.identity, key: EVERY_NAME }, 'claim');
  const held = new HeldDirectory(directory, path, folder, file, holdsReplaced);
  let isAlone = false;
  try {
    isAlone = await folder.isAlone(file);
  } finally {
    // A claim that stays would keep all others from the directory as long as this process lives.
    if (!isAlone) await held.leave();
  }
  if (!isAlone) return undefined;
  holds.set(directory.identity, held);
  return held;
}

/** A directory with a claim on every name in it. */
export class HeldDirectory {
  readonly #directory: OpenDirectory;
  readonly #path: string;
  readonly #folder: WorkFolder;
  readonly #claim: WorkFile;
  readonly #sinceMs = performance.now();
  readonly #holdsReplaced: boolean;
  /** The permissions that a new file has here. */
  #newMode: number | undefined;
  #released: Promise<void> | undefined;

  constructor(directory: OpenDirectory, path: string, folder: WorkFolder, claim: WorkFile, holdsReplaced: boolean) {
    this.#directory = directory;
    this.#path = path;
    this.#folder = folder;
    this.#claim = claim;
    this.#holdsReplaced = holdsReplaced;
  }

  /** Whether every name of it is still this process's. */
  get isHeld(): boolean {
    return this.#released === undefined && performance.now() - this.#sinceMs < MAX_AGE_MS;
  }

  /** Whether it still lies at a place, and is held. */
  isStill(place: string): boolean {
    return this.isHeld && this.#directory.place === place && fs.readlinkSync(this.#directory.path) === place;
  }

  /**
   * Writes a whole file, on the main thread; undefined where the directory is not held any more. Throws what the system says, or a
   * refusal with 409 for what is no file; then nothing has changed.
   */
  write(name: string, chunks: readonly Uint8Array[]): Outcome | undefined {
    if (this.#released !== undefined) return undefined;
    return timedFile(() => this.#write(`${this.#directory.path}/${name}`, chunks));
  }

  #write(target: string, chunks: readonly Uint8Array[]): Outcome | undefined {
    const replaced = fs.lstatSync(target, { throwIfNoEntry: false });
    if (replaced !== undefined && !replaced.isFile()) throw new WriteRefused(refusal(409));
    const partial = `${this.#path}/${ownName()}`;
    const descriptor = openNew(partial);
    if (descriptor === undefined) return undefined;
    try {
      for (const chunk of chunks) writeAll(descriptor, chunk);
      if (replaced !== undefined) {
        this.#takeMode(descriptor, replaced.mode & 0o777);
        if (this.#holdsReplaced && replaced.blocks > 0 && replaced.nlink === 1) holdReplaced(target);
      }
      fs.renameSync(partial, target);
      const stats = fs.fstatSync(descriptor);
      if (replaced === undefined) this.#newMode = stats.mode & 0o777;
      return { replaced, stats };
    } catch (error) {
      fs.rmSync(partial, { force: true });
      throw error;
    } finally {
      fs.closeSync(descriptor);
    }
  }

  /** Permissions are the old file's; what lets a program run as its owner was not given to these bytes. */
  #takeMode(descriptor: number, mode: number): void {
    this.#newMode ??= fs.fstatSync(descriptor).mode & 0o777;
    if (this.#newMode !== mode) fs.fchmodSync(descriptor, mode);
  }

  /** Lets go of it, and leaves it to others for a while if some have come. */
  release(): Promise<void> {
    return (this.#released ??= this.#release());
  }

  async #release(): Promise<void> {
    if (holds.get(this.#directory.identity) === this) holds.delete(this.#directory.identity);
    try {
      const names = await readdir(this.#path);
      if (names.length > 1) {
        if (shared.size >= MAX_SHARED) shared.clear();
        shared.set(this.#directory.identity, performance.now() + PAUSE_MS);
      }
    } catch (error) {
      // Somebody has removed the folder, with the directory or without.
      if (!isErrorOf(error, 'ENOENT')) throw error;
    } finally {
      await this.leave();
      await this.#directory.close();
    }
  }

  /** Gives up the claim, and not the directory. */
  async leave(): Promise<void> {
    await this.#claim.discard();
    await this.#folder.close();
  }
}

const NEW_FILE = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | (fs.constants.O_NOFOLLOW ?? 0);

function openNew(path: string): number | undefined {
  try {
    return fs.openSync(path, NEW_FILE, 0o666);
  } catch (error) {
    if (isErrorOf(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function writeAll(descriptor: number, chunk: Uint8Array): void {
  for (let offset = 0; offset < chunk.length;) offset += fs.writeSync(descriptor, chunk, offset);
}
