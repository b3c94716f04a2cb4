// Opens a path below the root, descriptor first: what is checked is what is open, not what a name meant a moment ago.
//
// One `open`, which never blocks, and one `fstat`: only regular files and directories go on. Then containment: where the open
// object really lies is asked of the descriptor on Linux, and of realpath compared by device and inode elsewhere. Then secrets.
// The outcome is an open file (the caller closes it), a directory, or why there is neither; the descriptor of anything but a
// file is closed here. The state in the outcome is the one that was checked, and the only one.

import { lstatSync, type Stats } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import type { Settings } from '../options/settings.ts';
import { type Stamp, stampOf } from '../http/validators.ts';
import { readdir } from './calls.ts';
import { isErrorOf, type Opened } from './disk.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { closing } from './file-state.ts';
import type { Storage } from './storage.ts';

/** A regular file inside the root, open for reading. */
export interface OpenFile {
  readonly kind: 'file';
  readonly descriptor: number;
  readonly location: string;
  readonly stamp: Stamp;
  /** Where it lies, if that is not at the location itself: a link is on the way. */
  readonly place: string | undefined;
  /** The revision of the secrets that it was judged by, if it has no other name, and is behind no link that matters. */
  readonly revision: number | undefined;
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
  /** Whether the name itself does not exist. */
  readonly isAbsent: boolean;
  readonly cause?: unknown;
}

export type Outcome = OpenFile | FoundDirectory | NotFound;

/**
 * How often a path is opened when file or root are replaced in between: by then a replacement would have to have come within
 * the few microseconds between two calls, again and again.
 */
const MAX_ATTEMPTS = 10;

/** Where a path below the root is, links not resolved. */
export function locationOf(root: string, segments: readonly string[]): string {
  if (segments.length === 0) return root;
  return `${root.endsWith(sep) ? root : root + sep}${segments.join(sep)}`;
}

/** Opens what `segments` name below the root. */
export function openFile(segments: readonly string[], storage: Storage): Eventually<Outcome> {
  return openLocation(locationOf(storage.settings.root, segments), storage);
}

/** Opens a location below the root, as `locationOf` makes it. */
export function openLocation(location: string, storage: Storage): Eventually<Outcome> {
  return attempt(location, storage, 1);
}

function attempt(location: string, storage: Storage, count: number): Eventually<Outcome> {
  // The root is asked for first: a file opened after that may lie in a newer root, which shows, but never in an older one.
  return whenReady(count === 1 ? storage.root.place() : storage.root.placeNow(), (root) => {
    if (root instanceof Error) return refusal(location, root);
    return whenReady(storage.disk.open(location), (opened) => {
      if (opened instanceof Error) return refusal(location, opened);
      // As of before the judgement: what changes meanwhile makes it one of an earlier revision.
      const { revision } = storage.secrets;
      // Where the judgement itself fails, as a policy of the caller may, nobody else closes what is open.
      const admitted = closing(opened, storage, () => admit(opened, location, root, storage), isKept);
      return whenReady(admitted, (verdict) => {
        if (verdict === 'file' || isLinked(verdict)) return fileOf(opened, location, verdict, revision);
        storage.disk.close(opened.descriptor);
        if (verdict === 'directory') return { kind: 'directory', location };
        if (verdict === 'elsewhere' && count < MAX_ATTEMPTS) return attemptIfMoved(location, root, storage, count);
        return verdict instanceof Error ? refusal(location, verdict) : refused(location);
      });
    });
  });
}

const isKept = (): boolean => true;

/** What is open lies elsewhere: for good, or because the root or the file was replaced between two calls. */
function attemptIfMoved(location: string, root: string, storage: Storage, count: number): Eventually<Outcome> {
  if (count === 1) return attempt(location, storage, count + 1);
  return whenReady(storage.root.placeNow(), (now) =>
    now === root && count > 2 ? refused(location) : attempt(location, storage, count + 1),
  );
}

/** A file that is permitted where it lies, which is not where it was asked for. */
interface Linked {
  readonly place: string;
}

type Verdict = 'file' | Linked | 'directory' | 'elsewhere' | 'refused' | Error;

function isLinked(verdict: Verdict): verdict is Linked {
  return typeof verdict === 'object' && 'place' in verdict;
}

function fileOf({ descriptor, stats }: Opened, location: string, verdict: 'file' | Linked, revision: number): OpenFile {
  const stamp = stampOf(stats);
  if (verdict !== 'file')
    return { kind: 'file', descriptor, location, stamp, place: verdict.place, revision: undefined };
  const judgedBy = stats.nlink === 1 ? revision : undefined;
  return { kind: 'file', descriptor, location, stamp, place: undefined, revision: judgedBy };
}

function admit({ descriptor, stats }: Opened, location: string, root: string, storage: Storage): Eventually<Verdict> {
  const { settings, secrets } = storage;
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'refused';
  if (kind === 'refused') return kind;
  const asked = root + location.slice(settings.root.length);
  return whenReady(isOwnSpelling(stats, asked, root), (isOwn) => {
    if (!isOwn) return 'refused';
    if (settings.symlinks === 'all' && settings.platform === 'linux' && secrets.isEmpty) return kind;
    return whenReady(placeOf(descriptor, location, storage), (place) => {
      if (typeof place !== 'string') return place ?? 'elsewhere';
      const whole = stats.nlink === 0 ? withoutDeleted(place) : place;
      if (!isPermittedPlace(whole, asked, root, settings)) return 'elsewhere';
      return whenReady(secrets.cover(stats, whole, location), (isSecret) => {
        if (isSecret) return 'refused';
        return kind === 'file' && place !== asked ? { place } : kind;
      });
    });
  });
}

/** What Linux adds to the path of an open file that has no name any more, as after a replacement by rename. */
const DELETED = ' (deleted)';

function withoutDeleted(place: string): string {
  return place.endsWith(DELETED) ? place.slice(0, -DELETED.length) : place;
}

function refused(location: string): NotFound {
  return { kind: 'refused', status: 404, location, isAbsent: false };
}

function refusal(location: string, error: Error): NotFound {
  const status = statusOf(error);
  if (status === 404) return { ...refused(location), isAbsent: isErrorOf(error, 'ENOENT') };
  return { kind: 'refused', status, location, isAbsent: false, cause: error };
}

/** Statuses for the ways in which the file system says no. */
export function statusOf(error: Error): NotFound['status'] {
  if (isErrorOf(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'ENXIO', 'ENODEV', 'EINVAL')) return 404;
  return isErrorOf(error, 'EACCES', 'EPERM') ? 403 : isErrorOf(error, 'EMFILE', 'ENFILE', 'ENOMEM') ? 503 : 500;
}

/** Whether an object that really lies at `place` may answer for the path `asked`, with the real root. */
export function isPermittedPlace(
  place: string,
  asked: string,
  root: string,
  { symlinks }: Pick<Settings, 'symlinks'>,
): boolean {
  if (place === asked) return true;
  // On a disk that ignores case, one file has many names; only its own is served, so that no guard can be walked around. On Linux
  // `isOwnSpelling` tells: there another case may be a link to this one.
  if (process.platform !== 'linux' && place.normalize().toLowerCase() === asked.normalize().toLowerCase()) {
    return place.normalize() === asked.normalize();
  }
  if (symlinks === 'all') return true;
  return symlinks === 'inside' && isBelow(place, root);
}

/** Whether disks ignore case, by device: found out at the first name with a letter in it. */
const ignoring = new Map<number, boolean>();

/** Names of directories on such disks, as they were when one was last missed. */
const listed = new Map<string, ReadonlySet<string>>();
const MAX_LISTED = 64;

/**
 * Whether each name of a path below the root is spelled as the disk has it. Linux tells the place of what is open as it was asked for,
 * also where a disk ignores case, as those of Windows and macOS do that are mounted or passed on; there directories are read for it.
 */
export function isOwnSpelling(stats: Stats, asked: string, root: string): Eventually<boolean> {
  return !ignoresCase(stats, asked) || areNames(asked, root);
}

function ignoresCase(stats: Stats, asked: string): boolean {
  const { dev, ino, nlink } = stats;
  const known = ignoring.get(dev);
  if (known !== undefined || process.platform !== 'linux') return known === true;
  const [directory, name] = [dirname(asked), basename(asked)];
  const other = name.replace(/[a-z]/gi, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()));
  const look = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });
  // A hard link may have that name, and that of a mounted directory is elsewhere.
  if (other === name || (nlink > 1 && !stats.isDirectory()) || look(directory)?.dev !== dev) return false;
  const isIt = look(join(directory, other))?.ino === ino;
  ignoring.set(dev, isIt);
  return isIt;
}

async function areNames(path: string, root: string): Promise<boolean> {
  if (path.length <= root.length) return true;
  const [directory, name] = [dirname(path), basename(path).normalize()];
  let names = listed.get(directory);
  if (names?.has(name) !== true) {
    names = new Set((await readdir(directory)).map((one) => one.normalize()));
    if (listed.size === MAX_LISTED) listed.clear();
    listed.set(directory, names);
  }
  return names.has(name) && areNames(directory, root);
}

/** Compares with a separator, so that `/srv/www-secret` is not inside `/srv/www`. */
export function isBelow(place: string, root: string): boolean {
  return place === root || place.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** The path of an open object without links, or undefined when its name has meanwhile become another object's. */
function placeOf(descriptor: number, location: string, { disk }: Storage): Eventually<string | Error | undefined> {
  return whenReady(process.platform === 'linux' ? disk.placeOf(descriptor) : undefined, (place) =>
    place === undefined ? portablePlaceOf(descriptor, location, disk) : place,
  );
}

function portablePlaceOf(descriptor: number, location: string, disk: Storage['disk']) {
  return whenReady(disk.realPath(location), (place) => {
    if (place instanceof Error) return place;
    return whenReady(disk.stat(place), (there) => {
      if (there === undefined || there instanceof Error) return there;
      return whenReady(disk.state(descriptor), (here) =>
        there.ino === here.ino && there.dev === here.dev ? place : undefined,
      );
    });
  });
}

/** The root's path without links, as it is now. */
export function realRoot(root: string): Promise<string> {
  return realpath(root);
}
