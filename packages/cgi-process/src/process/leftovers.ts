// Removes what processes that were killed have left in the directory for temporary files, and only that.
//
// A process number says nothing where several containers share that directory. So each directory of FIFOs has one that its process
// holds open for reading as long as it lives, and the kernel tells everybody else whether somebody does. The other leftovers are of
// processes killed in a moment that nothing living takes a minute for: a file of content has a name only until it is open, and the
// folder of a PHP is empty of what its keeper makes only until that one has begun; from then on the keeper removes it.

import { closeSync, constants, existsSync, lstatSync, openSync, readdirSync, rmSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the names of directories of FIFOs begin with. */
export const PIPES_PREFIX = 'onezero-pipes-';
/** The FIFO in each that tells of its process. */
export const ALIVE = 'alive';
/** What the names of files of content begin with. */
export const CONTENT_PREFIX = 'onezero-content-';
/** What the names of private folders of PHP begin with. */
export const PHP_PREFIX = 'onezero-php-';
/** The file in each that says whose it is, by the process that removes it. */
export const KEEPER_FILE = 'keeper';

/** What changed more recently may be about to be opened. */
const SETTLED_MS = 60_000;

const KINDS: readonly (readonly [prefix: string, isLeft: (path: string, stats: Stats) => boolean])[] = [
  [PIPES_PREFIX, (path, stats) => stats.isDirectory() && hasNoProcess(join(path, ALIVE))],
  [CONTENT_PREFIX, (_, stats) => stats.isFile()],
  [PHP_PREFIX, (path, stats) => stats.isDirectory() && !existsSync(join(path, KEEPER_FILE))],
];

let isDone = false;

/** The same as `removeLeftovers`, once for this process. */
export function removeLeftoversOnce(): void {
  if (!isDone) removeLeftovers();
  isDone = true;
}

/** Removes what nobody uses any more, as far as it is this user's. Whatever cannot be looked at or removed is left. */
export function removeLeftovers(): void {
  const parent = tmpdir();
  for (const name of namesIn(parent)) {
    const kind = KINDS.find(([prefix]) => name.startsWith(prefix));
    if (kind === undefined) continue;
    const path = join(parent, name);
    try {
      if (isLeft(path, kind[1])) rmSync(path, { recursive: true, force: true });
    } catch {
      // It has gone meanwhile, or is not ours to see or to remove. Tidying up keeps nobody from starting.
    }
  }
}

/** None of a directory that may be written but not listed, as some systems have it. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function isLeft(path: string, isOfNobody: (path: string, stats: Stats) => boolean): boolean {
  const stats = lstatSync(path);
  // As root we would not follow what somebody else has put there.
  if (stats.uid !== process.getuid?.() || Date.now() - stats.mtimeMs < SETTLED_MS) return false;
  return isOfNobody(path, stats);
}

function hasNoProcess(alive: string): boolean {
  if (!lstatSync(alive).isFIFO()) return false;
  try {
    closeSync(openSync(alive, constants.O_WRONLY | constants.O_NONBLOCK));
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return true;
    throw error;
  }
}
