// The entries of one page of a directory, in time and memory that its size does not run away with.
//
// Names are read in batches, filtered by every policy that would refuse them, and sorted in slices between which the loop
// turns; only the entries of the page are looked at closely. Sorting by size or date needs a stat of everything, so very
// large directories are sorted by name alone.

import { type Dirent, lstatSync } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as loopTurned } from 'node:timers/promises';
import type { ListingQuery, SortKey } from './query.ts';
import { openDirectory } from '../files/open-directory.ts';
import { isBelow, realRoot } from '../files/open-file.ts';
import { isVisible } from '../files/path.ts';
import type { Settings } from '../options/settings.ts';

export interface ListedEntry {
  readonly name: string;
  readonly kind: 'directory' | 'file';
  /** Undefined for directories, and for files that vanished or cannot be looked at. */
  readonly bytes: number | undefined;
  readonly modifiedMs: number | undefined;
}

export interface ListingPage {
  readonly entries: readonly ListedEntry[];
  /** Entries in all, after policies and search. */
  readonly total: number;
  readonly page: number;
  readonly pages: number;
  /** The order that was used; always by name in very large directories. */
  readonly sort: SortKey;
}

interface Name {
  readonly name: string;
  readonly kind: 'directory' | 'file';
}

/** Names per read of a directory: one trip to the thread pool each. */
const READ_BATCH = 512;

/** Names sorted, or entries looked at, before others get their turn: some milliseconds for names of all scripts. */
const SLICE = 512;
const STAT_SLICE = 64;

/** Beyond this, ordering by size or date would cost seconds of file system time. */
const MAX_FULLY_SORTED = 10_000;

let collator: Intl.Collator | undefined;

/** Made for the first listing: the tables it needs take 8 ms to load, which every start would wait for. */
function nameOrder(): Intl.Collator {
  return (collator ??= new Intl.Collator('en', { numeric: true, sensitivity: 'base' }));
}

/** Reads one page; undefined outside the root. Rejects with the file system's error when the directory cannot be read. */
export async function listDirectory(
  segments: readonly string[],
  query: ListingQuery,
  settings: Settings,
): Promise<ListingPage | undefined> {
  const directory = await openDirectory(segments, settings);
  if (directory === undefined) return undefined;
  try {
    return await readPage(directory.path, segments, query, settings);
  } finally {
    await directory.close();
  }
}

async function readPage(
  directory: string,
  segments: readonly string[],
  query: ListingQuery,
  settings: Settings,
): Promise<ListingPage> {
  const names = await visibleNames(directory, segments, query.search, settings);
  const pageEntries = settings.listing?.pageEntries ?? names.length;
  const pages = Math.max(1, Math.ceil(names.length / pageEntries));
  const page = Math.min(query.page, pages);
  const slice = <Value>(all: readonly Value[]): readonly Value[] =>
    all.slice((page - 1) * pageEntries, page * pageEntries);
  const sort = names.length > MAX_FULLY_SORTED ? 'name' : query.sort;
  const byName = await sortInSlices(names, (a, b) => compareNames(a, b, sort === 'name' && query.isDescending));
  if (sort === 'name')
    return { entries: await describe(directory, slice(byName)), total: names.length, page, pages, sort };
  const sorted = (await describe(directory, byName)).toSorted((a, b) => compareBy(a, b, sort, query.isDescending));
  return { entries: slice(sorted), total: names.length, page, pages, sort };
}

/** Names that a request for them would be answered; a reader would otherwise be led to a 404. */
async function visibleNames(
  directory: string,
  segments: readonly string[],
  search: string,
  settings: Settings,
): Promise<readonly Name[]> {
  const names: Name[] = [];
  for await (const entry of await opendir(directory, { bufferSize: READ_BATCH })) {
    const { name } = entry;
    // A name that is not valid UTF-8 arrives with replacement characters, and cannot be asked for.
    if (/\ufffd|\p{Surrogate}/u.test(name) || !isVisible([...segments, name], settings)) continue;
    if (search !== '' && !name.toLowerCase().includes(search)) continue;
    const kind = await kindOf(entry, directory, settings);
    if (kind !== undefined) names.push({ name, kind });
  }
  return names;
}

async function kindOf(entry: Dirent, directory: string, settings: Settings): Promise<Name['kind'] | undefined> {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  const path = join(directory, entry.name);
  try {
    // Some file systems do not tell kinds with names.
    const isLink = entry.isSymbolicLink() || lstatSync(path).isSymbolicLink();
    if (isLink && settings.symlinks === 'deny') return undefined;
    if (isLink && settings.symlinks === 'inside' && !isBelow(await realpath(path), await realRoot(settings.root))) {
      return undefined;
    }
    const target = await stat(path);
    if (target.isDirectory()) return 'directory';
    return target.isFile() ? 'file' : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

async function describe(directory: string, names: readonly Name[]): Promise<readonly ListedEntry[]> {
  const described: ListedEntry[] = [];
  for (let start = 0; start < names.length; start += STAT_SLICE) {
    const slice = names.slice(start, start + STAT_SLICE);
    described.push(...(await Promise.all(slice.map((name) => describeOne(directory, name)))));
  }
  return described;
}

async function describeOne(directory: string, { name, kind }: Name): Promise<ListedEntry> {
  try {
    const { size, mtimeMs } = await stat(join(directory, name));
    return { name, kind, bytes: kind === 'file' ? size : undefined, modifiedMs: mtimeMs };
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { name, kind, bytes: undefined, modifiedMs: undefined };
    throw error;
  }
}

/** Directories come first whatever the order; capitals and digits are read as people read them. */
function compareNames(a: Name, b: Name, isDescending: boolean): number {
  if (a.kind !== b.kind) return a.kind === 'directory' ? -1 : 1;
  const order = nameOrder().compare(a.name, b.name) || (a.name < b.name ? -1 : 1);
  return isDescending ? -order : order;
}

function compareBy(a: ListedEntry, b: ListedEntry, sort: 'size' | 'modified', isDescending: boolean): number {
  if (a.kind !== b.kind) return a.kind === 'directory' ? -1 : 1;
  const [left = 0, right = 0] = sort === 'size' ? [a.bytes, b.bytes] : [a.modifiedMs, b.modifiedMs];
  return isDescending ? right - left : left - right;
}

/** A merge sort whose runs are sorted one per turn of the loop. */
async function sortInSlices<Value>(
  values: readonly Value[],
  compare: (a: Value, b: Value) => number,
): Promise<readonly Value[]> {
  let runs: (readonly Value[])[] = [];
  for (let start = 0; start < values.length; start += SLICE) {
    if (start > 0) await loopTurned();
    runs.push(values.slice(start, start + SLICE).toSorted(compare));
  }
  while (runs.length > 1) {
    const merged: (readonly Value[])[] = [];
    for (let index = 0; index < runs.length; index += 2) {
      merged.push(await merge(runs[index] ?? [], runs[index + 1] ?? [], compare));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<Value>(
  left: readonly Value[],
  right: readonly Value[],
  compare: (a: Value, b: Value) => number,
): Promise<readonly Value[]> {
  const merged: Value[] = [];
  let [fromLeft, fromRight] = [0, 0];
  for (let a = left[0], b = right[0]; a !== undefined || b !== undefined;) {
    if (b === undefined || (a !== undefined && compare(a, b) <= 0)) {
      if (a !== undefined) merged.push(a);
      a = left[++fromLeft];
    } else {
      merged.push(b);
      b = right[++fromRight];
    }
    if (merged.length % SLICE === 0) await loopTurned();
  }
  return merged;
}
