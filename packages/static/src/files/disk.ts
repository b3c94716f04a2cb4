// The file system as this package asks it, on the main thread or through the thread pool.
//
// Questions return what the system says as a value, an Error included; they do not throw. `open` never blocks (a FIFO would
// otherwise hold a thread until a writer comes) and looks at what it opened: one descriptor, one state.

import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Eventually } from './eventually.ts';
import { Pace } from './pace.ts';
import { pool, readLater } from './queue.ts';
import { codeOf, throwOurs } from './system-errors.ts';

/** An open descriptor, which the receiver closes, and its state when it was opened. */
export interface Opened {
  readonly descriptor: number;
  readonly stats: fs.Stats;
}

/** What was read of a file, and its state after that. */
export interface ReadAgain {
  readonly count: number;
  readonly stats: fs.Stats;
}

export interface Disk {
  /** The state of what a path leads to; undefined when nothing is there. */
  stat(path: string): Eventually<fs.Stats | Error | undefined>;
  /** Whether a path names a directory, and no link to one. */
  isDirectoryItself(path: string): Eventually<boolean>;
  open(path: string): Eventually<Opened | Error>;
  /** The path of an open object, on Linux, without links; undefined when there is no /proc. */
  placeOf(descriptor: number): Eventually<string | Error | undefined>;
  realPath(path: string): Eventually<string | Error>;
  /** Fills `bytes` from a position of the file on; the number of bytes there were. */
  read(descriptor: number, bytes: Uint8Array, position: number): Eventually<number | Error>;
  /** Opens, reads from the start what `bytes` has room for, asks for the state and closes. What cannot be read at a position fails. */
  readAgain(path: string, bytes: Uint8Array): Eventually<ReadAgain | Error>;
  /** The state of an open descriptor, which network file systems have to ask for. Throws, or rejects with, what the system says. */
  state(descriptor: number): Eventually<fs.Stats>;
  close(descriptor: number): void;
}

const OPEN_FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);

/** Files up to this size are read on the main thread: copying them from memory takes less than 50 us. */
export const READ_AT_ONCE_BYTES: number = 128 * 1024;

/** Every question on the main thread. */
export const mainThreadDisk: Disk = {
  stat: (path) => statsOrNone(outcome(() => fs.statSync(path, { throwIfNoEntry: false }))),
  isDirectoryItself: (path) => isDirectory(outcome(() => fs.lstatSync(path, { throwIfNoEntry: false }))),
  open: (path) =>
    outcome(() => {
      const descriptor = fs.openSync(path, OPEN_FLAGS);
      try {
        return { descriptor, stats: fs.fstatSync(descriptor) };
      } catch (error) {
        fs.closeSync(descriptor);
        throw error;
      }
    }),
  placeOf: (descriptor) => {
    const place = outcome(() => fs.readlinkSync(`/proc/self/fd/${descriptor}`));
    // Without /proc, as in some containers, the caller has a portable way.
    return isErrorOf(place, 'ENOENT') ? undefined : place;
  },
  realPath: (path) => outcome(() => fs.realpathSync.native(path)),
  read: (descriptor, bytes, position) => {
    if (bytes.length > READ_AT_ONCE_BYTES) return poolDisk.read(descriptor, bytes, position);
    return outcome(() => {
      let filled = 0;
      while (filled < bytes.length) {
        const count = fs.readSync(descriptor, bytes, filled, bytes.length - filled, position + filled);
        if (count === 0) break;
        filled += count;
      }
      return filled;
    });
  },
  readAgain: (path, bytes) =>
    outcome(() => {
      const descriptor = fs.openSync(path, OPEN_FLAGS);
      try {
        const count = bytes.length === 0 ? 0 : fs.readSync(descriptor, bytes, 0, bytes.length, 0);
        return { count, stats: fs.fstatSync(descriptor) };
      } finally {
        fs.closeSync(descriptor);
      }
    }),
  state: (descriptor) => fs.fstatSync(descriptor),
  close: (descriptor) => {
    outcome(() => fs.closeSync(descriptor));
  },
};

const openFile = promisify(fs.open);
const statPath = promisify(fs.stat) as (path: string) => Promise<fs.Stats>;
const statOpen = promisify(fs.fstat) as (descriptor: number) => Promise<fs.Stats>;
const statName = promisify(fs.lstat) as (path: string) => Promise<fs.Stats>;
const realPath = promisify(fs.realpath.native);

/** Devices of paths and descriptors that the pool was asked of; a path that is not among them is on that of the nearest above it. */
const devices = new Map<string | number, number>();
const MAX_DEVICES = 4_096;

/** Every question through the thread pool, but for what the kernel knows itself. */
export const poolDisk: Disk = {
  stat: (path) => settled(path, statPath).then(statsOrNone),
  isDirectoryItself: (path) => settled(path, statName).then(isDirectory),
  open: (path) =>
    settled(path, async () => {
      const descriptor = await openFile(path, OPEN_FLAGS);
      try {
        const stats = await statOpen(descriptor);
        const directory = dirname(path);
        // A directory that was asked for itself says it better: this may be a link.
        if (!devices.has(directory)) learn(directory, stats.dev);
        learn(path, stats.dev);
        learn(descriptor, stats.dev);
        return { descriptor, stats };
      } catch (error) {
        poolDisk.close(descriptor);
        throw error;
      }
    }),
  placeOf: (descriptor) => mainThreadDisk.placeOf(descriptor),
  realPath: (path) => settled(path, realPath),
  read: (descriptor, bytes, position) => settled(descriptor, () => readWhole(descriptor, bytes, position)),
  readAgain: (path, bytes) =>
    settled(path, async () => {
      const descriptor = await openFile(path, OPEN_FLAGS);
      try {
        return { count: await readWhole(descriptor, bytes, 0), stats: await statOpen(descriptor) };
      } finally {
        poolDisk.close(descriptor);
      }
    }),
  state: (descriptor) =>
    pool.run(
      () => statOpen(descriptor),
      () => deviceOf(descriptor),
    ),
  // The outcome cannot matter for a file that was only read.
  close: (descriptor) => {
    devices.delete(descriptor);
    fs.close(descriptor, () => {});
  },
};

function deviceOf(key: string | number): number {
  return devices.get(key) ?? (typeof key === 'number' || dirname(key) === key ? 0 : deviceOf(dirname(key)));
}

function learn(key: string | number, device: number): void {
  if (deviceOf(key) === device) return;
  if (devices.size === MAX_DEVICES) devices.clear();
  devices.set(key, device);
}

/** Asks on the main thread while that is fast, and through the pool while it is not. */
export class MeasuredDisk implements Disk {
  readonly #mainThread: Disk;
  readonly #pool: Disk;
  readonly #clock: () => number;
  readonly #pace = new Pace();

  /** `clock` returns milliseconds that only grow. */
  constructor(mainThread: Disk = mainThreadDisk, pool: Disk = poolDisk, clock: () => number = () => performance.now()) {
    this.#mainThread = mainThread;
    this.#pool = pool;
    this.#clock = clock;
  }

  get isSlow(): boolean {
    return this.#pace.isSlow(this.#clock());
  }

  stat(path: string): Eventually<fs.Stats | Error | undefined> {
    return this.#ask((disk) => disk.stat(path));
  }

  isDirectoryItself(path: string): Eventually<boolean> {
    return this.#ask((disk) => disk.isDirectoryItself(path));
  }

  open(path: string): Eventually<Opened | Error> {
    return this.#ask((disk) => disk.open(path));
  }

  placeOf(descriptor: number): Eventually<string | Error | undefined> {
    return this.#ask((disk) => disk.placeOf(descriptor));
  }

  realPath(path: string): Eventually<string | Error> {
    return this.#ask((disk) => disk.realPath(path));
  }

  read(descriptor: number, bytes: Uint8Array, position: number): Eventually<number | Error> {
    return this.#ask((disk) => disk.read(descriptor, bytes, position));
  }

  readAgain(path: string, bytes: Uint8Array): Eventually<ReadAgain | Error> {
    return this.#ask((disk) => disk.readAgain(path, bytes));
  }

  state(descriptor: number): Eventually<fs.Stats> {
    return this.#ask((disk) => disk.state(descriptor));
  }

  close(descriptor: number): void {
    (this.isSlow ? this.#pool : this.#mainThread).close(descriptor);
  }

  #ask<Value>(question: (disk: Disk) => Value): Value {
    const startMs = this.#clock();
    if (this.#pace.isSlow(startMs)) return question(this.#pool);
    const answer = question(this.#mainThread);
    const endMs = this.#clock();
    this.#pace.record(endMs - startMs, endMs);
    return answer;
  }
}

/** Whether something is the error of one of these system codes. */
export function isErrorOf(value: unknown, ...codes: readonly string[]): value is NodeJS.ErrnoException {
  return value instanceof Error && codes.includes(String(codeOf(value)));
}

function statsOrNone(stats: fs.Stats | Error | undefined): fs.Stats | Error | undefined {
  return isErrorOf(stats, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG') ? undefined : stats;
}

function isDirectory(stats: fs.Stats | Error | undefined): boolean {
  return stats !== undefined && !(stats instanceof Error) && stats.isDirectory();
}

/** What a call returns, or the file system's error; any other error is a fault of ours and is thrown. */
function outcome<Value>(call: () => Value): Value | Error {
  try {
    return call();
  } catch (error) {
    throwOurs(error);
    return error;
  }
}

/** What a call of the pool gives for a path or a descriptor, or the file system's error. */
async function settled<Key extends string | number, Value>(
  key: Key,
  call: (key: Key) => Promise<Value>,
): Promise<Value | Error> {
  try {
    const value = await pool.run(
      () => call(key),
      () => deviceOf(key),
    );
    if (value instanceof fs.Stats) learn(key, value.dev);
    return value;
  } catch (error) {
    throwOurs(error);
    return error;
  }
}

async function readWhole(descriptor: number, bytes: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await readLater(descriptor, bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
