// The calls with which files are changed: on the main thread while storage is fast, in the thread pool while it is not.
//
// A rename or a new file takes the kernel some 10 us where its journal is in memory, and a trip to the pool costs more than that,
// so a PUT of 1 KiB cost ten times what it does the system. What waits for the disk by definition, `fsync`, and what copies many
// bytes goes to the pool always. Each call rejects or throws with what the system says: await it.

import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { isErrorOf } from './disk.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { forgetTurn } from './loop-turn.ts';
import { Pace } from './pace.ts';

/**
 * A rename that replaces a file takes 0.2 ms, and one that meets another's journal commit one or two; a busy machine takes the processor
 * away for three to five. A disk that seeks takes more. In the pool the same call takes a millisecond of processor time then, as
 * threads spin for the lock of the directory.
 */
const SLOW_CALL_MS = 6;
const SLOW_LOOK_MS = 0.2;

/**
 * The share of slow calls that makes storage slow. What changes a directory may sleep until the disk has taken its word, and on a busy
 * machine another has the processor then: at a load of five up to one of five took 3 ms. On a slow disk most of them wait.
 */
const SLOW_SHARE = 0.25;

/** Copying so much to the system's memory takes less than 30 us. */
const WRITE_AT_ONCE_BYTES = 64 * 1024;

/**
 * How fast the storage of this process is: for what changes directories, which may wait for a journal, and for the rest, which seldom
 * waits. All roots share it: the pool is never wrong, only slower.
 */
const changes = new Pace(SLOW_CALL_MS, SLOW_SHARE);
const others = new Pace(SLOW_LOOK_MS, SLOW_SHARE);

/** For small files that are written at once: a new file and a rename, each of which may meet a commit. */
const files = new Pace(SLOW_CALL_MS, SLOW_SHARE);

/** A call in both ways. */
function paced<Words extends readonly unknown[], Value>(
  pace: Pace,
  now: (...words: Words) => Value,
  later: (...words: Words) => Promise<Value>,
): (...words: Words) => Eventually<Value> {
  return (...words) => {
    const startMs = performance.now();
    if (pace.isSlow(startMs)) return later(...words);
    try {
      return now(...words);
    } finally {
      const endMs = performance.now();
      pace.record(endMs - startMs, endMs);
    }
  };
}

/** A call that changes a directory: what this turn has seen of it is no longer so. */
function changing<Words extends readonly unknown[]>(
  now: (...words: Words) => void,
  later: (...words: Words) => Promise<void>,
): (...words: Words) => Eventually<void> {
  return paced(
    changes,
    (...words) => {
      now(...words);
      forgetTurn();
    },
    (...words) => later(...words).then(forgetTurn),
  );
}

/** Whether whole small files are written fast enough for the main thread. */
export function isFastForFiles(): boolean {
  return !files.isSlow(performance.now());
}

/** Writes a small file with calls on the main thread, and notes how long that took and that its directory has changed. */
export function timedFile<Value>(write: () => Value): Value {
  const startMs = performance.now();
  try {
    return write();
  } finally {
    forgetTurn();
    const endMs = performance.now();
    files.record(endMs - startMs, endMs);
  }
}

type Mode = number | undefined;

/** What the system took of what it was given. */
export interface Written {
  readonly bytesWritten: number;
}

export const mkdir: (path: string, mode?: Mode) => Eventually<void> = changing(
  (path: string, mode?: Mode) => fs.mkdirSync(path, mode),
  (path, mode) => fs.promises.mkdir(path, mode),
);
export const rmdir: (path: string) => Eventually<void> = changing(fs.rmdirSync, fs.promises.rmdir);
export const unlink: (path: string) => Eventually<void> = changing(fs.unlinkSync, fs.promises.unlink);
export const link: (from: string, to: string) => Eventually<void> = changing(fs.linkSync, fs.promises.link);
export const rename: (from: string, to: string) => Eventually<void> = changing(fs.renameSync, fs.promises.rename);
export const readlink: (path: string) => Eventually<string> = paced(
  others,
  (path: string) => fs.readlinkSync(path),
  (path) => fs.promises.readlink(path),
);
export const realpath: (path: string) => Eventually<string> = paced(
  others,
  (path: string) => fs.realpathSync.native(path),
  promisify(fs.realpath.native) as (path: string) => Promise<string>,
);
export const readdir: (path: string) => Eventually<string[]> = paced(
  others,
  (path: string) => fs.readdirSync(path),
  (path) => fs.promises.readdir(path),
);
export const stat: (path: string) => Eventually<fs.Stats> = paced(
  others,
  (path: string) => fs.statSync(path),
  (path) => fs.promises.stat(path),
);

/** The state of what has a name, of a link its own; undefined when there is nothing. */
export const entryAt: (path: string) => Eventually<fs.Stats | undefined> = paced(
  others,
  (path: string) => fs.lstatSync(path, { throwIfNoEntry: false }),
  (path) => fs.promises.lstat(path).catch(undefinedIfAbsent),
);

export const open: (path: string, flags: number | string, mode?: Mode) => Eventually<OpenFile> = paced(
  changes,
  (path: string, flags: number | string, mode?: Mode) => new OpenFile(fs.openSync(path, flags, mode)),
  async (path, flags, mode) => new OpenFile(await openLater(path, flags, mode)),
);

const openLater = promisify(fs.open) as (path: string, flags: number | string, mode?: Mode) => Promise<number>;
const writeLater = promisify(fs.write) as (
  descriptor: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
) => Promise<Written>;
const writeNow = paced(
  others,
  (descriptor: number, bytes: Uint8Array, offset: number, length: number): Written => ({
    bytesWritten: fs.writeSync(descriptor, bytes, offset, length),
  }),
  writeLater,
);
const truncateNow = paced(others, fs.ftruncateSync, promisify(fs.ftruncate));
const statNow = paced(
  others,
  (descriptor: number) => fs.fstatSync(descriptor),
  promisify(fs.fstat) as (descriptor: number) => Promise<fs.Stats>,
);
const chmodNow = paced(others, fs.fchmodSync, promisify(fs.fchmod));
const touchNow = paced(others, fs.futimesSync, promisify(fs.futimes));
const closeNow = paced(others, fs.closeSync, promisify(fs.close));
const syncLater = promisify(fs.fsync);

/** A descriptor that whoever opened it closes; closing it twice is harmless. */
export class OpenFile {
  readonly descriptor: number;
  #isClosed = false;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /** Writes at the end of what was written; resolves with how much of it the system took. */
  write(bytes: Uint8Array, offset: number, length: number): Eventually<Written> {
    const write = length <= WRITE_AT_ONCE_BYTES ? writeNow : writeLater;
    return write(this.descriptor, bytes, offset, length);
  }

  truncate(bytes: number): Eventually<void> {
    return truncateNow(this.descriptor, bytes);
  }

  chmod(mode: number): Eventually<void> {
    return chmodNow(this.descriptor, mode);
  }

  stat(): Eventually<fs.Stats> {
    return statNow(this.descriptor);
  }

  /** Sets both times to what they are, which changes the change time. */
  touch(): Eventually<void> {
    return whenReady(this.stat(), ({ atime, mtime }) => touchNow(this.descriptor, atime, mtime));
  }

  /** Resolves when all is on the disk. */
  sync(): Promise<void> {
    return syncLater(this.descriptor);
  }

  close(): Eventually<void> {
    if (this.#isClosed) return undefined;
    this.#isClosed = true;
    return closeNow(this.descriptor);
  }
}

/** Nothing where there is none; anything else is thrown on. */
function undefinedIfAbsent(error: unknown): undefined {
  if (!isErrorOf(error, 'ENOENT')) throw error;
}
