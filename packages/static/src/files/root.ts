// Where the root really is. A deployment may point a link, that the root is or lies behind, to another directory at any time.

import type { Stats } from 'node:fs';
import type { Disk } from './disk.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { loopTurn } from './loop-turn.ts';

interface KnownPlace {
  readonly dev: number;
  readonly ino: number;
  /** Tells a directory from an earlier one that had the same inode. */
  readonly birthtimeMs: number;
  readonly place: string;
  turn: number;
}

export class Root {
  readonly #path: string;
  readonly #disk: Disk;
  readonly #saw: (stats: Stats, askedMs: number) => void;
  #known: KnownPlace | undefined;

  /** `saw` is told of each look at the root. */
  constructor(path: string, disk: Disk, saw: (stats: Stats, askedMs: number) => void = () => {}) {
    this.#path = path;
    this.#disk = disk;
    this.#saw = saw;
  }

  /** The root's path without links, looked at once per turn of the event loop. */
  place(): Eventually<string | Error> {
    const known = this.#known;
    if (known?.turn === loopTurn()) return known.place;
    const askedMs = Date.now();
    return whenReady(this.#disk.stat(this.#path), (stats) => {
      if (stats === undefined) return new Error('the root is gone');
      if (stats instanceof Error) return stats;
      this.#saw(stats, askedMs);
      const isSame = known?.ino === stats.ino && known.dev === stats.dev && known.birthtimeMs === stats.birthtimeMs;
      if (!isSame) return this.#resolve(stats);
      known.turn = loopTurn();
      return known.place;
    });
  }

  /** The same, looked at now: for when what was opened does not fit what was known. */
  placeNow(): Eventually<string | Error> {
    this.#known = undefined;
    return this.place();
  }

  #resolve({ dev, ino, birthtimeMs }: Pick<KnownPlace, 'dev' | 'ino' | 'birthtimeMs'>): Eventually<string | Error> {
    return whenReady(this.#disk.realPath(this.#path), (place) => {
      if (typeof place === 'string') this.#known = { dev, ino, birthtimeMs, place, turn: loopTurn() };
      return place;
    });
  }
}
