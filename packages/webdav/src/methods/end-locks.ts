// Locks end with what they lock (RFC 4918 §7.5, §9.6): whoever removes or replaces something takes its locks away in the same turn.

import type { Folder } from '../folder.ts';
import { afterwards } from '../store/folder.ts';
import { isBelow, type Lock } from '../store/locks.ts';

/** Ends the locks of a resource that is gone, with those of all that was below it. Also before one is made: a lock that was left over is not its. */
export function endLocks(folder: Folder, path: string): Promise<void> {
  return endWhere(folder, (lock) => lock.path === path || isBelow(lock.path, path));
}

/** Ends those below a resource that was replaced. The one on itself stays: its holder has put something else there. */
export function endInnerLocks(folder: Folder, path: string): Promise<void> {
  return endWhere(folder, (lock) => isBelow(lock.path, path));
}

/** Ends those of what was removed. Where that fails they stay noted, and void: whoever puts something there ends them first. */
export function endLocksOfGone(folder: Folder, path: string): Promise<void> {
  return afterwards(endLocks(folder, path));
}

async function endWhere(folder: Folder, isGone: (lock: Lock) => boolean): Promise<void> {
  const locks = folder.locks.unchecked();
  if (locks.some(isGone)) await folder.locks.write(locks.filter((lock) => !isGone(lock)));
}
