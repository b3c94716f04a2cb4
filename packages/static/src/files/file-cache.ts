// Remembers the files found at paths, within a budget of bytes.
//
// Nothing goes out unchecked. Before an entry answers, its file is looked at again by one `stat`, at most once per turn of
// the event loop: device, inode, size and both times must be those of the bytes held. Likewise its precompressed siblings; and
// what was absent and would have had a say must still be, for which one look at the directory vouches. So whatever changes is
// noticed by the next turn. Files that changed within the file system's last clock tick are not remembered at all.
//
// Entries are gathered in generations, whose contents stand on one shelf. When the budget is spent, newcomers are refused until they
// sum up to many times the oldest generation. Then that is given up: what was used half as often as is usual in it, or more, moves to
// the newest, and newcomers have the room. So a stream of pages that are asked for once does not drive out what is asked for often,
// what is asked for often comes in soon, and where all pages are asked for alike the cache stays as it is, since moving entries about
// costs more than reading pages. What a deleted entry took counts until its generation goes, for until then the memory is taken.

import { dirname, sep } from 'node:path';
import type { Disk } from './disk.ts';
import { entryBytes, type FileEntry, madeOf, type Neighbours } from './entry.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { loopTurn, secondOfTurn } from './loop-turn.ts';
import { ReadyResponses } from './ready-responses.ts';
import type { ContentSource } from './representation.ts';
import { Shelf } from './shelf.ts';
import { fileBudget, readyBudget, type Storage } from './storage.ts';
import { isSameState } from '../http/validators.ts';

/** How many times the bytes of the oldest generation are refused before it goes. */
const REFUSALS = 32;

/** The share of the mean of a generation's uses above which an entry is kept: few of pages that are asked for alike go, and nearly all that came and were not asked for again. */
const KEPT_SHARE = 1 / 2;

/** How often in a second a page has to be asked for before its response is kept where it may be lent: below, that costs less. */
const USES_OF_READY = 256;

/** Some hundred small pages: giving them up takes less than 0.2 ms. */
const GENERATION_BYTES = 512 * 1024;

/** The share of the budget that newcomers leave free for codings of what is there: else each would drive out a generation. */
const GROWTH_SHARE = 1 / 64;

interface Generation {
  readonly shelf: Shelf;
  readonly paths: string[];
  bytes: number;
}

interface Slot {
  readonly entry: FileEntry;
  readonly generation: Generation;
  checkedTurn: number;
  /** The turns in which it was used since it came to its generation. */
  hits: number;
  /** How often it was used in which second. */
  second: number;
  uses: number;
}

export class FileCache {
  /** Whether the answer to the request under way may be lent: then it is only kept when it is asked for all the time. */
  isLending = false;
  readonly #slots = new Map<string, Slot>();
  readonly #storage: Storage;
  readonly #budgetBytes: number;
  readonly #ready: ReadyResponses;
  /** The oldest first. */
  readonly #generations: Generation[] = [];
  /** Memory of generations that were given up. */
  readonly #spare: Buffer[] = [];
  #bytes = 0;
  /** The bytes of newcomers that were refused since a generation went. */
  #refusedBytes = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
    this.#budgetBytes = fileBudget(storage.settings);
    this.#ready = new ReadyResponses(readyBudget(storage.settings));
  }

  /** What codings of small files leave. */
  get #maxBytes(): number {
    return this.#budgetBytes - this.#storage.codings.bytes;
  }

  /** Whether something is remembered for a path, be it still true or not. */
  has(path: string): boolean {
    return this.#slots.has(path);
  }

  /** The entry for a path if it is still true. */
  get(path: string): Eventually<FileEntry | undefined> {
    const slot = this.#slots.get(path);
    if (slot === undefined) return undefined;
    const turn = loopTurn();
    if (slot.second !== secondOfTurn()) slot.uses = 0;
    slot.second = secondOfTurn();
    slot.uses++;
    if (slot.checkedTurn === turn) return slot.entry;
    return whenReady(isCurrent(slot.entry, this.#storage), (isTrue) => {
      if (isTrue) {
        slot.checkedTurn = loopTurn();
        if (slot.uses >= USES_OF_READY) this.#keepReady(slot.entry);
        else if (slot.hits > 0 && !this.isLending) this.#ready.use(slot.entry.identity);
        slot.hits++;
        return slot.entry;
      }
      if (this.#slots.get(path) === slot) this.delete(path);
      return undefined;
    });
  }

  #keepReady(entry: FileEntry): void {
    this.#ready.keep(entry.identity);
    for (const one of madeOf(entry)) if (one.isOnShelf) this.#ready.keep(one);
  }

  /** Remembers an entry that was found just now, if it can be checked later and fits. */
  set(path: string, entry: FileEntry): void {
    const wasKnown = this.#slots.has(path);
    const size = entryBytes(entry) + path.length;
    const mayCome = entry.isCacheable && size <= this.#maxBytes;
    if (!mayCome || !(wasKnown || this.#admitsOrCounts(size))) return this.delete(path);
    if (this.#bytes + size > this.#maxBytes * (1 - GROWTH_SHARE)) this.#refusedBytes = 0;
    const { bytes } = entry.identity;
    this.#put(wasKnown ? path : ownText(path, entry), entry);
    this.#evict();
    // Its generation may have been the one to go; this request still needs the bytes.
    if (this.#slots.get(path)?.entry !== entry) entry.identity.takeOff(bytes);
  }

  #admitsOrCounts(size: number): boolean {
    const isAdmitted = this.admits(size);
    if (!isAdmitted) this.refused(size);
    return isAdmitted;
  }

  /** Whether a newcomer of this size would be remembered: there is room, or it is time to make some. */
  admits(size: number): boolean {
    if (this.#bytes + size <= this.#maxBytes * (1 - GROWTH_SHARE)) return true;
    // Codings take what files have had.
    this.#evict();
    return this.#refusedBytes >= REFUSALS * (this.#generations[0]?.bytes ?? 0);
  }

  /** Counts a newcomer that was answered without being remembered. */
  refused(size: number): void {
    this.#refusedBytes += size;
  }

  #put(path: string, entry: FileEntry): void {
    const generation = this.#newest();
    for (const one of [entry.identity, ...madeOf(entry)]) one.putOn(generation.shelf);
    if (!this.isLending) this.#ready.offer(entry.identity);
    this.#slots.set(path, { entry, generation, checkedTurn: -1, hits: 0, second: 0, uses: 0 });
    generation.paths.push(path);
    this.#count(generation, entryBytes(entry) + path.length);
  }

  #newest(): Generation {
    const newest = this.#generations.at(-1);
    if (newest !== undefined && newest.bytes < GENERATION_BYTES) return newest;
    const generation: Generation = { shelf: new Shelf(this.#spare), paths: [], bytes: 0 };
    this.#generations.push(generation);
    return generation;
  }

  #count(generation: Generation, bytes: number): void {
    generation.bytes += bytes;
    this.#bytes += bytes;
  }

  /** Counts bytes that an entry has gained since it was set. */
  grow(path: string, entry: FileEntry, bytes: number): void {
    const slot = this.#slots.get(path);
    if (slot?.entry !== entry) return;
    for (const one of madeOf(entry)) {
      if (one.isOnShelf) continue;
      one.putOn(slot.generation.shelf);
      if (!this.isLending) this.#ready.offer(one);
    }
    this.#count(slot.generation, bytes);
    this.#evict();
  }

  delete(path: string): void {
    const slot = this.#slots.get(path);
    if (slot === undefined) return;
    this.#slots.delete(path);
    this.#ready.drop(slot.entry.identity);
    for (const one of madeOf(slot.entry)) {
      this.#ready.drop(one);
      // Who is about to send it cannot make it again.
      one.takeOff(one.bytes);
    }
  }

  #evict(): void {
    for (let isFirst = true; this.#bytes > this.#maxBytes; isFirst = false) {
      const oldest = this.#generations.shift();
      if (oldest === undefined) return;
      this.#bytes -= oldest.bytes;
      // One whose entries all stay makes no room: then the next goes whole.
      const bar = isFirst ? KEPT_SHARE * this.#meanHits(oldest) : Number.POSITIVE_INFINITY;
      for (const path of oldest.paths) this.#giveUp(path, oldest, bar);
      oldest.shelf.giveUp();
    }
  }

  #meanHits(generation: Generation): number {
    const hits = generation.paths.flatMap((path) => {
      const slot = this.#slots.get(path);
      return slot?.generation === generation ? [slot.hits] : [];
    });
    return hits.reduce((sum, count) => sum + count, 0) / Math.max(1, hits.length);
  }

  /** Ends the place of a path in a generation; what was used in more turns than `bar` goes on in the newest. */
  #giveUp(path: string, generation: Generation, bar: number): void {
    const slot = this.#slots.get(path);
    if (slot?.generation !== generation) return;
    if (slot.hits > bar) return this.#put(path, slot.entry);
    this.delete(path);
    slot.entry.identity.takeOff();
  }
}

/** A path that does not keep the request alive that it was cut from: most are the end of the file's location. */
function ownText(path: string, { location }: FileEntry): string {
  if (location.endsWith(path)) return location.slice(location.length - path.length);
  return Buffer.from(path, 'utf8').toString('utf8');
}

function isCurrent(entry: FileEntry, storage: Storage): Eventually<boolean> {
  return whenReady(isThere(entry, storage), (isSame) => {
    if (!isSame) return false;
    const { stored, neighbours } = entry;
    if (stored.length === 0 && neighbours === undefined) return true;
    return whenReady(
      all(stored, ({ source }) => isThere(source, storage)),
      (areThere) => (areThere && neighbours !== undefined ? areSame(neighbours, entry.location, storage) : areThere),
    );
  });
}

/** Whether what may be served from a location is unchanged, and lies where it lay. */
function isThere(source: ContentSource, storage: Storage): Eventually<boolean> {
  return whenReady(isUnchanged(source, storage.disk), (isSame) => isSame && isInPlace(source, storage));
}

function isInPlace({ location, place }: ContentSource, storage: Storage): Eventually<boolean> {
  const { settings, secrets, ancestors, disk } = storage;
  if (settings.symlinks === 'all' && secrets.isEmpty) return true;
  if (place === undefined) return ancestors.isOwn(ancestors.of(location));
  return whenReady(disk.realPath(location), (now) => now === place);
}

/** Whether siblings that cannot stand for a file are as they were, and what was absent still is. */
function areSame(neighbours: Neighbours, location: string, storage: Storage): Eventually<boolean> {
  return whenReady(
    all(neighbours.unfit, (source) => isUnchanged(source, storage.disk)),
    (isSame) => isSame && areAbsent(neighbours, location, storage),
  );
}

function isUnchanged({ location, stamp }: ContentSource, disk: Disk): Eventually<boolean> {
  return whenReady(
    disk.stat(location),
    (stats) => stats !== undefined && !(stats instanceof Error) && isSameState(stamp, stats),
  );
}

/** Whether what was absent still is: vouched for by the directory, or else asked one by one. */
function areAbsent(neighbours: Neighbours, location: string, storage: Storage): Eventually<boolean> {
  const { directory } = neighbours;
  return whenReady(storage.directories.look(dirname(location)), (view) => {
    if (view instanceof Error) return false;
    if (view !== undefined && view === directory && view.version === neighbours.version) return true;
    const absent = [...neighbours.suffixes.map((suffix) => location + suffix), ...neighbours.earlier];
    const asked =
      view === undefined
        ? absent
        : absent.filter((one) => !storage.directories.lacks(view, one.slice(one.lastIndexOf(sep) + 1)));
    neighbours.directory = view ?? directory;
    neighbours.version = asked.length === 0 ? view?.version : undefined;
    return all(asked, (one) =>
      whenReady(storage.disk.stat(one), (stats) => {
        if (view !== undefined) storage.directories.probed(view);
        return stats === undefined;
      }),
    );
  });
}

function all<Value>(values: readonly Value[], test: (value: Value) => Eventually<boolean>): Eventually<boolean> {
  let result: Eventually<boolean> = true;
  for (const value of values) result = whenReady(result, (isSoFar) => isSoFar && test(value));
  return result;
}
