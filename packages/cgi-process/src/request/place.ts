// Where scripts are. A deployment may point a link, that their directory is or lies behind, to another one at any time.

import { realpathSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { resolve, sep } from 'node:path';
import { forTurn } from './turn-memo.ts';

/**
 * Tells the path of a directory without links, looked at once per turn of the event loop. While nothing is there it tells where it was.
 * What had no link on its way stays where it is. Throws the system's error for what is not there.
 */
export function placeOf(path: string): () => string {
  const named = resolve(path);
  let place = realpathSync(named);
  if (place === named) return () => place;
  let known = statSync(place);
  const look = forTurn(() => {
    try {
      const now = statSync(named);
      if (!isSame(known, now)) [place, known] = [realpathSync(named), now];
    } catch {
      // Between two links, or gone: the next turn looks again.
    }
    return place;
  });
  return () => look('');
}

/** The time of birth tells a directory from an earlier one that had the same inode. */
function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev && one.birthtimeMs === other.birthtimeMs;
}

/** Whether a path is a place or lies in it. */
export function isAtOrBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(place.endsWith(sep) ? place : place + sep);
}
