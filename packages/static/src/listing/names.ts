// The names in a directory that a request for them would be answered: read in batches, filtered by every policy, and sorted in
// slices between which the loop turns, in time and memory that the size of a directory does not run away with.

import type { Dirent } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { throwOurs } from '../files/system-errors.ts';
import { entryAt } from '../files/calls.ts';
import type { OpenDirectory } from '../files/open-directory.ts';
import { isBelow, realRoot } from '../files/open-file.ts';
import { isVisible } from '../files/path.ts';
import { secretsOf } from '../files/secrets.ts';
import type { Settings } from '../options/settings.ts';
import { sortInSlices } from './slices.ts';

export interface Name {
  readonly name: string;
  readonly kind: 'directory' | 'file';
}

/** All names of a directory. */
export interface Names {
  /** Directories first, then files, each as people sort them. */
  readonly sorted: readonly Name[];
  /** How many of them are directories. */
  readonly directories: number;
  /** Whether one of them is a link, whose kind no time of the directory tells. */
  readonly hasLinks: boolean;
  /** How many names are not UTF-8 and cannot be asked for. */
  readonly unreadable: number;
}

/** Names per read of a directory: one trip to the thread pool each. */
const READ_BATCH = 512;

let collator: Intl.Collator | undefined;

/** Made for the first listing: the tables it needs take 8 ms to load, which every start would wait for. */
function nameOrder(): Intl.Collator {
  return (collator ??= new Intl.Collator('en', { numeric: true, sensitivity: 'base' }));
}

/** Reads a directory that is open. Rejects with the file system's error. */
export async function readNames(
  { path, place }: Pick<OpenDirectory, 'path' | 'place'>,
  segments: readonly string[],
  settings: Settings,
): Promise<Names> {
  const isSecret = await secretsOf(settings).coverNames();
  const directories: Name[] = [];
  const files: Name[] = [];
  const odd = new Set<string>();
  let hasLinks = false;
  let unreadable = 0;
  for await (const entry of await opendir(path, { bufferSize: READ_BATCH })) {
    const { name } = entry;
    if (!isVisible([...segments, name], settings) || isSecret(`${place}${sep}${name}`)) continue;
    // Names that are not UTF-8 are read with replacement characters, under which there is nothing; others really have them.
    if (/\ufffd|\p{Surrogate}/u.test(name)) {
      if (odd.has(name) || (await entryAt(join(path, name))) === undefined) {
        unreadable++;
        continue;
      }
      odd.add(name);
    }
    const kind = kindOf(entry, path, settings, isSecret);
    const known = kind instanceof Promise ? await kind : kind;
    hasLinks ||= kind instanceof Promise;
    if (known === 'directory') directories.push({ name, kind: known });
    else if (known === 'file') files.push({ name, kind: known });
  }
  const sorted = await sortInSlices(directories, compareNames);
  return {
    sorted: [...sorted, ...(await sortInSlices(files, compareNames))],
    directories: directories.length,
    hasLinks,
    unreadable,
  };
}

type Kind = Name['kind'] | undefined;

function kindOf(
  entry: Dirent,
  directory: string,
  settings: Settings,
  isSecret: (place: string) => boolean,
): Kind | Promise<Kind> {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isFIFO() || entry.isSocket() || entry.isCharacterDevice() || entry.isBlockDevice()) return undefined;
  return kindOfTarget(join(directory, entry.name), settings, isSecret);
}

async function kindOfTarget(path: string, settings: Settings, isSecret: (place: string) => boolean): Promise<Kind> {
  try {
    // Some file systems do not tell kinds with names.
    const isLink = (await entryAt(path))?.isSymbolicLink() === true;
    if (isLink && settings.symlinks === 'deny') return undefined;
    const place = await realpath(path);
    if (isLink && settings.symlinks === 'inside' && !isBelow(place, await realRoot(settings.root))) return undefined;
    if (isSecret(place)) return undefined;
    const target = await stat(path);
    if (target.isDirectory()) return 'directory';
    return target.isFile() ? 'file' : undefined;
  } catch (error) {
    throwOurs(error);
    return undefined;
  }
}

/** Capitals and digits are read as people read them. */
function compareNames(a: Name, b: Name): number {
  return nameOrder().compare(a.name, b.name) || (a.name < b.name ? -1 : 1);
}
