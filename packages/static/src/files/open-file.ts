// Opens a path below the root, descriptor first: what is checked is what is open, not what a name meant a moment ago.
//
// The open never blocks (a FIFO would otherwise hold a thread until somebody writes). Then fstat: only regular files and
// directories go on. Then containment: where the open object really lies is asked of the descriptor on Linux, and of
// realpath compared by device and inode elsewhere. The outcome is an open file (the caller closes it), a directory, or why
// there is neither; the descriptor of anything but a file is closed here.

import { close, constants, fstatSync, open, type BigIntStats, readlink, realpath, stat, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';
import type { Settings } from '../options/settings.ts';
import { isSameState, type Stamp, stampOf } from '../http/validators.ts';

const openPath = promisify(open);
const readLink = promisify(readlink);
const realPath = promisify(realpath.native);
const statPath = promisify(stat);

/** A regular file inside the root, open for reading. */
export interface OpenFile {
  readonly kind: 'file';
  readonly descriptor: number;
  readonly location: string;
  readonly stats: BigIntStats;
  readonly stamp: Stamp;
}

export interface FoundDirectory {
  readonly kind: 'directory';
  readonly location: string;
}

/** Nothing that may be served, with the status that says so. */
export interface NotFound {
  readonly kind: 'refused';
  readonly status: 403 | 404 | 500 | 503;
  readonly location: string;
  /** Whether the name itself does not exist, so that its appearance can be noticed. */
  readonly isAbsent: boolean;
  readonly cause?: unknown;
}

/** Opens what `segments` name below the root. */
export async function openFile(
  segments: readonly string[],
  settings: Settings,
): Promise<OpenFile | FoundDirectory | NotFound> {
  const location = join(settings.root, ...segments);
  let descriptor: number;
  try {
    descriptor = await openPath(location, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return refusal(location, error);
  }
  let keep = false;
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile() && !stats.isDirectory()) return { kind: 'refused', status: 404, location, isAbsent: false };
    if (!(await isInPermittedPlace(descriptor, location, segments, settings))) {
      return { kind: 'refused', status: 404, location, isAbsent: false };
    }
    if (stats.isDirectory()) return { kind: 'directory', location };
    keep = true;
    return { kind: 'file', descriptor, location, stats, stamp: stampOf(fstatSync(descriptor)) };
  } catch (error) {
    keep = false;
    return refusal(location, error);
  } finally {
    if (!keep) closeDescriptor(descriptor);
  }
}

/** Closes a descriptor; the outcome cannot matter for a file that was only read. */
export function closeDescriptor(descriptor: number): void {
  close(descriptor, () => {});
}

/** Statuses for the ways in which the file system says no. */
function refusal(location: string, error: unknown): NotFound {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return { kind: 'refused', status: 404, location, isAbsent: true };
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
    case 'ELOOP':
    case 'ENXIO':
    case 'ENODEV':
    case 'EINVAL':
      return { kind: 'refused', status: 404, location, isAbsent: false };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'refused', status: 403, location, isAbsent: false, cause: error };
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
      return { kind: 'refused', status: 503, location, isAbsent: false, cause: error };
    default:
      return { kind: 'refused', status: 500, location, isAbsent: false, cause: error };
  }
}

/** Where the root really is, remembered until the root becomes another directory, as it does in atomic deployments. */
const realRoots = new Map<string, { stamp: Stamp; path: string }>();

export async function realRoot(root: string): Promise<string> {
  const stamp = stampOf(statSync(root));
  const known = realRoots.get(root);
  if (known !== undefined && known.stamp.ino === stamp.ino && known.stamp.dev === stamp.dev) return known.path;
  const path = await realPath(root);
  realRoots.set(root, { stamp, path });
  return path;
}

async function isInPermittedPlace(
  descriptor: number,
  location: string,
  segments: readonly string[],
  settings: Settings,
): Promise<boolean> {
  if (settings.symlinks === 'all' && settings.platform === 'linux') return true;
  const place = await realPlace(descriptor, location);
  if (place === undefined) return false;
  const root = await realRoot(settings.root);
  return isPermittedPlace(place, join(root, ...segments), root, settings);
}

/** Whether an object that really lies at `place` may answer for the path `asked`, with the real root. */
export function isPermittedPlace(place: string, asked: string, root: string, { symlinks }: Settings): boolean {
  // On a disk that ignores case, one file has many names; only its own is served, so that no guard can be walked around.
  if (place !== asked && place.normalize().toLowerCase() === asked.normalize().toLowerCase()) {
    return place.normalize() === asked.normalize();
  }
  if (symlinks === 'all') return true;
  return symlinks === 'deny' ? place === asked : isBelow(place, root);
}

/** Compares with a separator, so that `/srv/www-secret` is not inside `/srv/www`. */
export function isBelow(place: string, root: string): boolean {
  return place === root || place.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** The path of an open object without links, or undefined when its name has meanwhile become another object's. */
async function realPlace(descriptor: number, location: string): Promise<string | undefined> {
  if (process.platform === 'linux') {
    try {
      return await readLink(`/proc/self/fd/${descriptor}`);
    } catch (error) {
      // Without /proc, as in some containers, the portable way below is left.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  const place = await realPath(location);
  const there = await statPath(place);
  const here = fstatSync(descriptor);
  return there.ino === here.ino && there.dev === here.dev ? place : undefined;
}

/** Whether a descriptor is still of the state that `stamp` recorded. */
export function isUnchanged(descriptor: number, stamp: Stamp): boolean {
  return isSameState(stamp, fstatSync(descriptor));
}
