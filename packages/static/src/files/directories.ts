// One look at a directory vouches for every name in it.
//
// A directory's times change when a name in it comes or goes. So while `stat`, asked once per turn of the event loop, shows
// the same directory with the same times, what was absent is still absent: precompressed siblings, index files, the pages of
// clean URLs, missing paths. Where many absent names are asked for, the names are read into memory, and then an absent name
// costs no system call at all. In-place changes of files do not show in their directory; files are looked at themselves.
//
// A directory vouches only where its times can be trusted: on file systems that are known to keep them, and once they are
// older than the clock's last tick, in which a second change would not show. Elsewhere each name is asked for.

import { opendir, type Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Disk } from './disk.ts';
import { throwOurs } from './system-errors.ts';
import { withoutCodingSuffix } from '../http/content-coding.ts';
import { isSameState, hasRested, type Stamp, stampOf } from '../http/validators.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { isExactFileSystem } from './exact-file-systems.ts';
import { loopTurn } from './loop-turn.ts';

/** Names read at most: 8,192 are some 5 ms of processor time in slices, and 0.6 MiB. In larger directories names are asked for one by one. */
const MAX_NAMES = 8_192;

/** Absent names asked for one by one before the names are read; an absent name costs 1 to 3 us, a name read 0.7. */
const MIN_PROBES = 8;
const NAMES_PER_PROBE = 4;

/** Names per trip to the thread pool. */
const READ_BATCH = 256;

/** What a view keeps alive: a name is a string and a slot in a set. */
const VIEW_BYTES = 600;
const NAME_BYTES = 72;

const openDirectory = promisify(opendir);

/** A directory as it was when it was last looked at. */
export interface DirectoryView {
  readonly location: string;
  /** Whether what was absent at the last look is known to be absent now. */
  readonly isVouching: boolean;
  /** Another number after every change, and after every look at a directory that does not vouch. */
  readonly version: number;
}

class View implements DirectoryView {
  readonly location: string;
  isVouching = false;
  version = 0;
  stamp: Stamp | undefined;
  checkedTurn = -1;
  names: ReadonlySet<string> | undefined;
  /** Whether one of `names` may be that of a precompressed file. */
  hasCodings = false;
  /** How many names there were when they were last read. */
  lastNames = 0;
  /** Absent names asked for since the last change. */
  probes = 0;

  constructor(location: string) {
    this.location = location;
  }
}

export class Directories {
  readonly #disk: Disk;
  readonly #maxBytes: number;
  readonly #views = new Map<string, View>();
  readonly #isExact = new Map<number, boolean>();
  #bytes = 0;

  constructor(disk: Disk, maxBytes: number) {
    this.#disk = disk;
    this.#maxBytes = maxBytes;
  }

  /** The directory at a location as it is in this turn; undefined when there is none, an Error when it cannot be told. */
  look(location: string): Eventually<DirectoryView | Error | undefined> {
    const known = this.#views.get(location);
    if (known?.checkedTurn === loopTurn()) return known;
    const askedMs = Date.now();
    return whenReady(this.#disk.stat(location), (stats) => {
      if (stats instanceof Error) return stats;
      // Another may have looked, or the view been forgotten, while the pool was asked.
      if (stats?.isDirectory() === true) return this.#update(this.#viewOf(location), stampOf(stats), askedMs);
      this.#forget(location);
      return undefined;
    });
  }

  /** To be called with the state of a directory that somebody else has asked for at `askedMs`. */
  saw(location: string, stats: Stats, askedMs: number): void {
    const known = this.#views.get(location);
    if (known?.checkedTurn === loopTurn() || !stats.isDirectory()) return;
    this.#update(this.#viewOf(location), stampOf(stats), askedMs);
  }

  /**
   * Whether opening a location is likely to find something: its directory was there, and its names, if they are known, have it.
   * Then nothing is to be gained by a look at the directory.
   */
  expects(location: string): boolean {
    const view = this.#views.get(dirname(location));
    if (view === undefined) return false;
    return view.names?.has(basename(location)) ?? view.probes <= 0;
  }

  /** Whether a name is certainly not in a directory looked at in this turn. False says nothing. */
  lacks(view: DirectoryView, name: string): boolean {
    // Some file systems find a name by another spelling; for ASCII names that is a name that is not served.
    return view instanceof View && view.names?.has(name) === false && isAscii(name);
  }

  /** Whether there is certainly no precompressed file in a directory looked at in this turn. False says nothing. */
  lacksCodings(view: DirectoryView): boolean {
    return view instanceof View && view.names !== undefined && !view.hasCodings;
  }

  /** To be called when a name was asked for that turned out absent; many such calls make the names be read. */
  probed(view: DirectoryView): void {
    if (!(view instanceof View) || !view.isVouching || view.names !== undefined) return;
    view.probes++;
    if (view.probes < MIN_PROBES || view.probes * NAMES_PER_PROBE < view.lastNames) return;
    view.probes = Number.NEGATIVE_INFINITY;
    void this.#readNames(view, view.version);
  }

  #update(view: View, stamp: Stamp, askedMs: number): View {
    view.checkedTurn = loopTurn();
    if (view.isVouching && view.stamp !== undefined && isSameState(view.stamp, stamp)) return view;
    view.stamp = stamp;
    view.version++;
    view.probes = 0;
    view.isVouching =
      hasRested(Math.max(stamp.mtimeMs, stamp.ctimeMs), askedMs) && this.#isExactAt(view.location, stamp.dev);
    this.#setNames(view, undefined);
    return view;
  }

  #viewOf(location: string): View {
    const known = this.#views.get(location);
    if (known !== undefined) return known;
    const view = new View(location);
    this.#views.set(location, view);
    this.#bytes += VIEW_BYTES + location.length;
    this.#evict(view);
    return view;
  }

  #forget(location: string): void {
    const view = this.#views.get(location);
    if (view === undefined) return;
    this.#setNames(view, undefined);
    this.#views.delete(location);
    this.#bytes -= VIEW_BYTES + location.length;
    // Entries may still hold it.
    view.isVouching = false;
    view.version++;
  }

  #setNames(view: View, names: ReadonlySet<string> | undefined): void {
    this.#bytes += NAME_BYTES * ((names?.size ?? 0) - (view.names?.size ?? 0));
    view.names = names;
    view.hasCodings = names !== undefined && hasCodings(names);
    if (names !== undefined) this.#evict(view);
  }

  /** The oldest go; a view that is needed again is made again by one `stat`. */
  #evict(newest: View): void {
    for (const view of this.#views.values()) {
      if (this.#bytes <= this.#maxBytes) return;
      if (view !== newest) this.#forget(view.location);
    }
  }

  async #readNames(view: View, version: number): Promise<void> {
    const names = await namesIn(view.location);
    // Whether they are those of the directory that was looked at, and of one moment, is seen when its times are the same.
    const looked = await this.#disk.stat(view.location);
    if (view.version !== version || looked === undefined || looked instanceof Error || view.stamp === undefined) return;
    if (names === undefined || !isSameState(view.stamp, looked)) return;
    view.lastNames = names.size;
    this.#setNames(view, names);
  }

  #isExactAt(location: string, device: number): boolean {
    let isExact = this.#isExact.get(device);
    if (isExact === undefined) this.#isExact.set(device, (isExact = isExactFileSystem(location)));
    return isExact;
  }
}

/** All names in a directory; undefined when there are too many or they cannot be read. */
async function namesIn(location: string): Promise<ReadonlySet<string> | undefined> {
  try {
    const names = new Set<string>();
    for await (const { name } of await openDirectory(location, { bufferSize: READ_BATCH })) {
      names.add(name);
      if (names.size > MAX_NAMES) return undefined;
    }
    return names;
  } catch (error) {
    throwOurs(error);
    return undefined;
  }
}

function hasCodings(names: ReadonlySet<string>): boolean {
  for (const name of names) if (withoutCodingSuffix(name) !== name) return true;
  return false;
}

function isAscii(name: string): boolean {
  return !/[^\x00-\x7f]/.test(name);
}
