// A read that does not wait, from the reading end of a FIFO.

import { readSync } from 'node:fs';

/** The number of bytes read; 0 when none are left and nobody has the pipe open for writing, undefined when somebody has. */
export function readNow(readEnd: number, into: Buffer): number | undefined {
  try {
    return readSync(readEnd, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}
