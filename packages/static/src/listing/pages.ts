// One page of a directory: which names are on it, and what the file system says of them now.
//
// Only the entries of the page are looked at closely. Sorting by size or date needs a look at everything, so very large
// directories are sorted by name alone. A page is made once and given again as long as all its entries are as they were; within
// one turn of the loop nobody looks twice.

import { join } from 'node:path';
import { setImmediate as loopTurned } from 'node:timers/promises';
import { type Eventually, whenReady } from '../files/eventually.ts';
import { loopTurn } from '../files/loop-turn.ts';
import { directoryDisk } from '../files/open-directory.ts';
import { Queue } from '../files/queue.ts';
import type { StaticResponse } from '../message.ts';
import type { Folder } from './folders.ts';
import type { Name } from './names.ts';
import type { ListingQuery, SortKey } from './query.ts';
import { filterInSlices, sortInSlices } from './slices.ts';

export interface ListedEntry extends Name {
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
  /** How many names are not UTF-8 and cannot be asked for. */
  readonly unreadable: number;
}

/** A page with its responses, as it was when its entries were looked at. */
export interface RememberedPage {
  readonly listed: ListingPage;
  readonly get: StaticResponse;
  readonly head: StaticResponse;
  /** The turn of the loop in which it was true. */
  turn: number;
}

/** Pages remembered for one directory: what its visitors usually ask for. */
const MAX_REMEMBERED = 8;

/** Pages of more entries are looked at in several turns of the loop. */
const MAX_AT_ONCE = 1024;
const SLICE = 256;

/** Beyond this, ordering by size or date would cost seconds of file system time. */
const MAX_FULLY_SORTED = 10_000;

/** Looks in the pool at a time, of all listings: one of its threads stays free for who asks for a file. */
const slowLooks = new Queue(3);

/** A page that is remembered and still true, if that can be said at once. */
export function rememberedPage({ pages, location }: Folder, key: string): RememberedPage | undefined {
  const page = pages.get(key);
  if (page === undefined) return undefined;
  const turn = loopTurn();
  if (page.turn === turn) return page;
  if (page.listed.entries.length > MAX_AT_ONCE || directoryDisk.isSlow) return undefined;
  if (!page.listed.entries.every((entry) => isAsListed(location, entry))) return undefined;
  page.turn = turn;
  return page;
}

/** Remembers a page that was made just now. */
export function rememberPage({ pages }: Folder, key: string, page: RememberedPage): void {
  // The order by size or date depends on entries that are not on the page.
  if (page.listed.sort !== 'name') return;
  const [oldest] = pages.keys();
  if (pages.size >= MAX_REMEMBERED && oldest !== undefined) pages.delete(oldest);
  pages.set(key, page);
}

/** The page that a query asks for, looked at now. */
export async function listPage(folder: Folder, query: ListingQuery, pageEntries: number): Promise<ListingPage> {
  const { sorted, unreadable, location } = folder;
  const names =
    query.search === ''
      ? sorted
      : await filterInSlices(sorted, ({ name }) => name.toLowerCase().includes(query.search));
  const total = names.length;
  const pages = Math.max(1, Math.ceil(total / pageEntries));
  const page = Math.min(query.page, pages);
  const sort = total > MAX_FULLY_SORTED ? 'name' : query.sort;
  const [start, end] = [(page - 1) * pageEntries, Math.min(page * pageEntries, total)];
  const facts = { total, page, pages, sort, unreadable };
  if (sort === 'name') {
    const shown = query.isDescending ? reversedSlice(names, start, end) : names.slice(start, end);
    return { ...facts, entries: await describe(location, shown) };
  }
  const described = await describe(location, names);
  const ordered = await sortInSlices(described, (a, b) => compareBy(a, b, sort, query.isDescending));
  return { ...facts, entries: ordered.slice(start, end) };
}

/** A part of the names as they are in descending order: directories stay first. */
function reversedSlice(names: readonly Name[], start: number, end: number): readonly Name[] {
  const firstFile = names.findIndex(({ kind }) => kind === 'file');
  const directories = firstFile === -1 ? names.length : firstFile;
  return Array.from({ length: end - start }, (_, offset) => {
    const index = start + offset;
    return index < directories ? directories - 1 - index : names.length - 1 - (index - directories);
  }).flatMap((index) => names[index] ?? []);
}

function compareBy(a: ListedEntry, b: ListedEntry, sort: 'size' | 'modified', isDescending: boolean): number {
  if (a.kind !== b.kind) return a.kind === 'directory' ? -1 : 1;
  const [left = 0, right = 0] = sort === 'size' ? [a.bytes, b.bytes] : [a.modifiedMs, b.modifiedMs];
  return isDescending ? right - left : left - right;
}

async function describe(location: string, names: readonly Name[]): Promise<readonly ListedEntry[]> {
  const described: ListedEntry[] = [];
  for (let start = 0; start < names.length; start += SLICE) {
    if (start > 0) await loopTurned();
    const slice = names.slice(start, start + SLICE);
    // Storage may show that it is slow at any name.
    const looks = slice.map(async (name) =>
      directoryDisk.isSlow ? slowLooks.run(async () => look(location, name)) : look(location, name),
    );
    described.push(...(await Promise.all(looks)));
  }
  return described;
}

function isAsListed(location: string, entry: ListedEntry): boolean {
  const now = look(location, entry);
  return !(now instanceof Promise) && now.bytes === entry.bytes && now.modifiedMs === entry.modifiedMs;
}

function look(location: string, name: Name): Eventually<ListedEntry> {
  return whenReady(directoryDisk.stat(join(location, name.name)), (stats) =>
    entryOf(name, stats instanceof Error ? undefined : stats),
  );
}

function entryOf(
  { name, kind }: Name,
  stats: { readonly size: number; readonly mtimeMs: number } | undefined,
): ListedEntry {
  return { name, kind, bytes: kind === 'file' ? stats?.size : undefined, modifiedMs: stats?.mtimeMs };
}
