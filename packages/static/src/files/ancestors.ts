// Whether the directories that lead to a file are still directories of their own names.
//
// A file does not show it when a directory above it is moved away, out of the root perhaps, and a link of the directory's name
// leads there: by its path it is the same file in the same state. So what was found at its own place is that place's no more once
// a link is on its way. A directory whose times have not changed vouches that the names in it mean what they meant, so a look
// per turn at each directory above a file's own says so for all files below; the root is looked at anyway. Where times
// cannot be trusted, each directory on the way is looked at by its name, once a turn as well.

import { sep } from 'node:path';
import type { Directories, DirectoryView } from './directories.ts';
import type { Disk } from './disk.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { loopTurn } from './loop-turn.ts';

/** Directories remembered: some 300 bytes each. When there are more, all are looked at anew. */
const MAX_KNOWN = 4_096;

/** A directory below the root. */
export interface Ancestor {
  readonly location: string;
  /** The one above; undefined for the root. */
  readonly above: Ancestor | undefined;
  checkedTurn: number;
  /** Whether neither it nor one above it is a link, as of that turn. */
  isOwn: boolean;
  /** The directory above as it was before that was seen, and its version; undefined where it does not vouch. */
  view: DirectoryView | undefined;
  version: number;
}

export class Ancestors {
  readonly #root: string;
  readonly #disk: Disk;
  readonly #directories: Directories;
  readonly #known = new Map<string, Ancestor>();

  constructor(root: string, disk: Disk, directories: Directories) {
    this.#root = root;
    this.#disk = disk;
    this.#directories = directories;
  }

  /** The directory that a location below the root is in; undefined for the root. */
  of(location: string): Ancestor | undefined {
    const end = location.lastIndexOf(sep);
    if (end <= this.#root.length) return undefined;
    const directory = location.slice(0, end);
    const known = this.#known.get(directory);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const above = this.of(directory);
    const made = { location: directory, above, checkedTurn: -1, isOwn: false, view: undefined, version: 0 };
    this.#known.set(directory, made);
    return made;
  }

  /** Whether a directory lies at its own name in this turn, and all above it do. */
  isOwn(ancestor: Ancestor | undefined): Eventually<boolean> {
    if (ancestor === undefined) return true;
    if (ancestor.checkedTurn === loopTurn()) return ancestor.isOwn;
    return whenReady(this.isOwn(ancestor.above), (isReached) => (isReached ? this.#look(ancestor) : false));
  }

  #look(ancestor: Ancestor): Eventually<boolean> {
    return whenReady(this.#directories.look(ancestor.above?.location ?? this.#root), (found) => {
      const view = found instanceof Error || found?.isVouching !== true ? undefined : found;
      const isSame = view !== undefined && view === ancestor.view && view.version === ancestor.version;
      if (isSame && ancestor.isOwn) return this.#note(ancestor, true);
      return whenReady(this.#disk.isDirectoryItself(ancestor.location), (isDirectory) => {
        ancestor.view = view;
        ancestor.version = view?.version ?? 0;
        return this.#note(ancestor, isDirectory);
      });
    });
  }

  #note(ancestor: Ancestor, isOwn: boolean): boolean {
    ancestor.checkedTurn = loopTurn();
    ancestor.isOwn = isOwn;
    return isOwn;
  }
}
