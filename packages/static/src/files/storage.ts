// What the looks into one site share: its settings, the disk, and what was learned of it.

import { Ancestors } from './ancestors.ts';
import { Directories } from './directories.ts';
import { type Disk, MeasuredDisk } from './disk.ts';
import { Digests } from './digests.ts';
import { KnownCodings } from './known-codings.ts';
import { KnownFiles } from './known-files.ts';
import { Root } from './root.ts';
import { type Secrets, secretsOf } from './secrets.ts';
import type { Settings } from '../options/settings.ts';

export interface Storage {
  readonly settings: Settings;
  readonly disk: Disk;
  readonly root: Root;
  readonly secrets: Secrets;
  readonly directories: Directories;
  readonly ancestors: Ancestors;
  readonly digests: Digests;
  readonly known: KnownFiles;
  readonly codings: KnownCodings;
}

/** The share of the cache's memory that names of directories may take: 8 MiB of the usual 64 are some 110,000 names. */
const DIRECTORY_SHARE = 1 / 8;

/** What of it directories above those of files may take: 1 MiB are some 1,500 of them. */
const ABOVE_SHARE = 1 / 8;

/** The share for responses that stand ready: 4 MiB are some 1,000 pages. */
const READY_SHARE = 1 / 16;

/** The share for what is known of files that are not in memory: 8 MiB are some 113,000 files. */
const KNOWN_SHARE = 1 / 8;

/** The most that codings of small files take of what files have otherwise: 16 MiB are some 39,000 of 300 bytes. */
const CODINGS_SHARE = 1 / 4;

/** What is left of the cache's memory for files, and for codings of them. */
export function fileBudget({ cacheMemoryBytes }: Settings): number {
  return cacheMemoryBytes * (1 - DIRECTORY_SHARE - READY_SHARE - KNOWN_SHARE);
}

/** The memory for responses that stand ready. */
export function readyBudget({ cacheMemoryBytes }: Settings): number {
  return cacheMemoryBytes * READY_SHARE;
}

export function makeStorage(settings: Settings, disk: Disk = new MeasuredDisk()): Storage {
  const directoryBytes = settings.cacheMemoryBytes * DIRECTORY_SHARE;
  // Of their own, as directories whose names are known would drive them out.
  const above = new Directories(disk, directoryBytes * ABOVE_SHARE);
  return {
    settings,
    disk,
    root: new Root(settings.root, disk, (stats, askedMs) => above.saw(settings.root, stats, askedMs)),
    secrets: secretsOf(settings, disk),
    directories: new Directories(disk, directoryBytes * (1 - ABOVE_SHARE)),
    ancestors: new Ancestors(settings.root, disk, above),
    digests: new Digests(),
    known: new KnownFiles(settings.cacheMemoryBytes * KNOWN_SHARE),
    codings: new KnownCodings(settings.cacheMemoryBytes * CODINGS_SHARE),
  };
}
