// Questions about paths of this machine: whether one lies below another, and what the system lets this user do with it.

import { accessSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';

/** Whether a path is a place or lies in it. */
export function isAtOrBelow(path: string, place: string): boolean {
  const way = relative(place, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** What `look` finds; undefined where the system refuses. */
export function unlessRefused<Found>(look: () => Found): Found | undefined {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return undefined;
  }
}

/** Whether this user may do with a path what `mode` says, as `access` of Node has it. */
export function isAllowed(path: string, mode: number): boolean {
  const look = (): boolean => {
    accessSync(path, mode);
    return true;
  };
  return unlessRefused(look) === true;
}
