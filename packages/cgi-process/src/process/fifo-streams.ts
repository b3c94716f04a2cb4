// Our end of a FIFO that is a child's standard input, as a Node stream, and what becomes of the FIFO afterwards.

import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { FifoDirectory } from './fifo-directory.ts';
import type { Status } from './launch.ts';

/** How often a late opening of `/dev/stdin` is looked for, in milliseconds: soon at first, then rarely. */
const FIRST_WAKE_MS = 5;
const LAST_WAKE_MS = 320;

/** A writer that, when it has closed, lets late readers see the end, and gives its FIFO back when the child has gone. */
export function inputOf(writeEnd: number, directory: FifoDirectory, path: string, ended: Promise<Status>): Writable {
  const stream = new Socket({ fd: writeEnd, readable: false, writable: true });
  let timer: NodeJS.Timeout | undefined;
  const wakeLater = (waitMs: number): void => {
    timer = setTimeout(() => {
      directory.wake(path);
      wakeLater(Math.min(waitMs * 2, LAST_WAKE_MS));
    }, waitMs).unref();
  };
  const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
  void closed.then(() => wakeLater(FIRST_WAKE_MS));
  const finish = (): void => {
    clearTimeout(timer);
    directory.giveBackWritten(path);
  };
  void Promise.allSettled([closed, ended]).then(finish);
  return stream;
}
