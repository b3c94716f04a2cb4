// Opens a directory below the root and holds it, so that nothing renamed or linked meanwhile leads elsewhere what is read from
// it or written into it. On Linux its entries are named through the descriptor; elsewhere through the path that was checked.

import { constants, type Stats } from 'node:fs';
import { join } from 'node:path';
import { open, type OpenFile, readlink, realpath, stat } from './calls.ts';
import { isErrorOf, MeasuredDisk } from './disk.ts';
import type { Eventually } from './eventually.ts';
import { isOwnSpelling, isPermittedPlace } from './open-file.ts';
import { Root } from './root.ts';
import { secretsOf } from './secrets.ts';
import type { Settings } from '../options/settings.ts';

/** A directory inside the root. */
export interface OpenDirectory {
  /** Its path as long as it is open. */
  readonly path: string;
  /** Where it lay, without links, when it was opened. */
  readonly place: string;
  /** Tells it from every other that there is at the same time. */
  readonly identity: string;
  /** Whether it still lies where it was opened; where directories cannot be held open, it counts as if. */
  isInPlace(): Eventually<boolean>;
  /** Resolves when its entries are on the disk. */
  sync(): Eventually<void>;
  close(): Eventually<void>;
}

/** One that was opened, before it is known whether it may be used. */
type Held = Omit<OpenDirectory, 'identity'> & { stat(): Eventually<Stats> };

/** How often a directory is opened when it or the root is replaced in between. */
const MAX_ATTEMPTS = 3;

/** Opens what `segments` name; undefined when links lead it to where the policy does not. Rejects with what the file system says. */
export async function openDirectory(
  segments: readonly string[],
  settings: Settings,
): Promise<OpenDirectory | undefined> {
  const location = join(settings.root, ...segments);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    // What was known of the root in this turn of the loop is looked at again before it refuses anything.
    const root = await rootPlace(settings, attempt > 1);
    const held = (settings.platform === 'linux' ? await hold(location) : undefined) ?? (await named(location));
    let isKept = false;
    try {
      const stats = await held.stat();
      isKept = await isPermitted(held.place, stats, join(root, ...segments), root, settings);
      if (isKept) return { ...held, identity: `${stats.dev}:${stats.ino}` };
    } finally {
      if (!isKept) await held.close();
    }
  }
  return undefined;
}

const roots = new WeakMap<Settings, Root>();
/** What is asked of directories and of what they list, for all roots: it finds once how fast their storage is. */
export const directoryDisk: MeasuredDisk = new MeasuredDisk();

/** Where the root is, without links; by default as it was looked up in this turn of the loop. */
export async function rootPlace(settings: Settings, isNow = false): Promise<string> {
  let root = roots.get(settings);
  if (root === undefined) roots.set(settings, (root = new Root(settings.root, directoryDisk)));
  const place = await (isNow ? root.placeNow() : root.place());
  // A root that is gone is told by the system's own error.
  return place instanceof Error ? realpath(settings.root) : place;
}

async function isPermitted(
  place: string,
  stats: Stats,
  asked: string,
  root: string,
  settings: Settings,
): Promise<boolean> {
  if (!isPermittedPlace(place, asked, root, settings)) return false;
  if (!stats.isDirectory() || !(await isOwnSpelling(stats, asked, root))) return false;
  return !(await secretsOf(settings).cover(stats, place, asked));
}

async function named(location: string): Promise<Held> {
  const place = await realpath(location);
  const nothing = (): undefined => undefined;
  return { path: place, place, stat: () => stat(place), isInPlace: () => true, sync: nothing, close: nothing };
}

/** Undefined without /proc, as in some containers. */
async function hold(location: string): Promise<Held | undefined> {
  const directory = await open(location, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK);
  try {
    return await heldBy(directory);
  } catch (error) {
    await directory.close();
    if (isErrorOf(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function heldBy(directory: OpenFile): Promise<Held> {
  const path = `/proc/self/fd/${directory.descriptor}`;
  const place = await readlink(path);
  return {
    path,
    place,
    stat: () => directory.stat(),
    isInPlace: async () => (await readlink(path)) === place,
    sync: () => directory.sync(),
    close: () => directory.close(),
  };
}
