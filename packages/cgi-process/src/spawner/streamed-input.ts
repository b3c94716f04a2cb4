// A FIFO through which a command that a shell starts is given its input.

import { closeSync, constants, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { FifoDirectory } from '../process/fifo-directory.ts';
import { inputOf } from '../process/fifo-streams.ts';
import type { Status } from '../process/launch.ts';

const { O_NONBLOCK, O_RDWR, O_WRONLY } = constants;

/** A FIFO for standard input. `both` keeps it open until the command has opened it. */
export interface Input {
  readonly path: string;
  readonly both: number;
}

/** Opens a FIFO that nobody has open. Throws the system's error; the FIFO is gone then. */
export function openInput(fifos: FifoDirectory, path: string): Input {
  try {
    return { path, both: openSync(path, O_RDWR | O_NONBLOCK) };
  } catch (error) {
    fifos.discard(path);
    throw error;
  }
}

/** Our end of an input that the command has opened; undefined when it has gone already. */
export function writerOf({ path, both }: Input, fifos: FifoDirectory, ended: Promise<Status>): Writable | undefined {
  // Without this end a command that has gone would not be noticed: we would be our own reader.
  let writeEnd: number | undefined;
  try {
    writeEnd = opened(both);
  } catch (error) {
    fifos.discard(path);
    throw error;
  } finally {
    closeSync(both);
  }
  if (writeEnd !== undefined) return inputOf(writeEnd, fifos, path, ended);
  fifos.discard(path);
  return undefined;
}

/** By its descriptor, since the name may have been removed. */
function opened(both: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${both}`, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return undefined;
    throw error;
  }
}
