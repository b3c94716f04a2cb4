// Remembers what was found at each path, within a budget of bytes.
//
// Nothing goes out unchecked. Before an entry answers, its file is looked at again by one `stat`, at most once per turn of
// the event loop: device, inode, size and both times must be those of the bytes held, or, for a path with nothing there,
// nothing must have appeared. So a changed, replaced or removed file is noticed by the next turn. What stat of one name
// cannot see, the coming and going of other names with a say (precompressed siblings, index files, clean URLs), is looked at
// again after ALTERNATIVES_MS. Files that changed within the file system's last clock tick are not remembered at all.
//
// When the budget is spent, the oldest entry goes unless it was used since it was last considered (the "clock" rule).

import { statSync } from 'node:fs';
import { type Entry, entryBytes } from './entry.ts';
import { loopTurn } from './loop-turn.ts';
import { isSameState } from '../http/validators.ts';

/** Documented bound for noticing other names; one directory lookup per second and file costs nothing that can be measured. */
const ALTERNATIVES_MS = 1_000;

interface Slot {
  entry: Entry;
  bytes: number;
  checkedTurn: number;
  /** When names other than the file's own must be looked at again. */
  expiresAtMs: number;
  wasUsed: boolean;
}

export class FileCache {
  readonly #slots = new Map<string, Slot>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The entry for a path if it is still true. */
  get(path: string): Entry | undefined {
    const slot = this.#slots.get(path);
    if (slot === undefined) return undefined;
    const turn = loopTurn();
    if (slot.checkedTurn !== turn) {
      if (!isCurrent(slot)) {
        this.delete(path);
        return undefined;
      }
      slot.checkedTurn = turn;
    }
    slot.wasUsed = true;
    return slot.entry;
  }

  /** Remembers an entry that was found just now, if it can be checked later and fits. */
  set(path: string, entry: Entry): void {
    this.delete(path);
    if (!isCacheable(entry)) return;
    const bytes = entryBytes(entry) + 2 * path.length;
    if (bytes > this.#maxBytes) return;
    const expiresAtMs = entry.hasAlternatives ? Date.now() + ALTERNATIVES_MS : Number.POSITIVE_INFINITY;
    this.#slots.set(path, { entry, bytes, checkedTurn: -1, expiresAtMs, wasUsed: false });
    this.#bytes += bytes;
    this.#evict();
  }

  /** Counts bytes that an entry has gained since it was set. */
  grow(path: string, entry: Entry, bytes: number): void {
    const slot = this.#slots.get(path);
    if (slot?.entry !== entry) return;
    slot.bytes += bytes;
    this.#bytes += bytes;
    this.#evict();
  }

  delete(path: string): void {
    const slot = this.#slots.get(path);
    if (slot === undefined) return;
    this.#slots.delete(path);
    this.#bytes -= slot.bytes;
  }

  #evict(): void {
    for (const [path, slot] of this.#slots) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#slots.delete(path);
      if (slot.wasUsed) {
        slot.wasUsed = false;
        this.#slots.set(path, slot);
      } else this.#bytes -= slot.bytes;
    }
  }
}

function isCacheable(entry: Entry): entry is Exclude<Entry, { kind: 'directory' }> {
  return entry.kind === 'file' ? entry.isCacheable : entry.kind === 'missing' && entry.absentLocation !== undefined;
}

function isCurrent({ entry, expiresAtMs }: Slot): boolean {
  if (expiresAtMs !== Number.POSITIVE_INFINITY && Date.now() >= expiresAtMs) return false;
  try {
    if (entry.kind === 'file') {
      const now = statSync(entry.location, { throwIfNoEntry: false });
      return now !== undefined && isSameState(entry.stamp, now);
    }
    if (entry.kind !== 'missing' || entry.absentLocation === undefined) return false;
    return statSync(entry.absentLocation, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    // Whatever the file system has to say instead (no permission, a loop, a file where a directory was), the path is looked
    // up anew and answered accordingly.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}
