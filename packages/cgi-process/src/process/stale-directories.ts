// Removes the directories of FIFOs that processes have left which were killed, and only those.
//
// A process number says nothing where several containers share a directory for temporary files. So each directory has a FIFO
// that its process holds open for reading as long as it lives, and the kernel tells everybody else whether somebody does.

import { closeSync, constants, lstatSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the names of the directories begin with. */
export const PREFIX = 'onezero-pipes-';
/** The FIFO that tells of its process. */
export const ALIVE = 'alive';

/** A directory that changed more recently may be about to get its FIFO opened. */
const SETTLED_MS = 60_000;

/** Removes what nobody uses any more, as far as it is this user's. Whatever cannot be looked at or removed is left. */
export function removeStaleDirectories(): void {
  const parent = tmpdir();
  for (const name of namesIn(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    try {
      if (isStale(path)) rmSync(path, { recursive: true, force: true });
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

function isStale(path: string): boolean {
  const stats = lstatSync(path);
  // As root we would not follow what somebody else has put there.
  if (!stats.isDirectory() || stats.uid !== process.getuid?.() || Date.now() - stats.mtimeMs < SETTLED_MS) return false;
  const alive = join(path, ALIVE);
  if (!lstatSync(alive).isFIFO()) return false;
  try {
    closeSync(openSync(alive, constants.O_WRONLY | constants.O_NONBLOCK));
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return true;
    throw error;
  }
}
