// Named pipes in a private directory, because Node's own `stdio: 'pipe'` is a socket.
//
// On Linux a process cannot open its own socket again, so `> /dev/stderr`, `cat /dev/stdin` and `tee /dev/stderr` fail in
// shell scripts. A FIFO opened on both sides is a pipe in every respect. `mkfifo` makes a batch of names at a time; a name
// is used again only when its pipe is known to have no end left open anywhere, and is removed otherwise, so what one
// process writes late can never reach the reader of another. Names that something else has removed are made anew.

import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALIVE, PIPES_PREFIX, removeLeftoversOnce } from './leftovers.ts';

const { O_RDONLY, O_RDWR, O_WRONLY, O_NONBLOCK } = constants;

/** systemd-tmpfiles removes what has been old for days from directories for temporary files, but not what has the sticky bit. */
const STICKY_MODE = 0o1600;

/** Others come to the FIFOs that are theirs. None but us makes, removes or replaces what root is about to open, change or sweep. */
const SHARED_MODE = 0o711;

/** Names made by one `mkfifo`: four processes' worth, so that its cost is spread. */
const BATCH = 12;

const directories = new Set<string>();
let isWatching = false;

function removeDirectories(): void {
  for (const path of directories) removeDirectory(path);
  directories.clear();
}

/** The two ends of a pipe as file descriptors. */
export interface PipeEnds {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/** A user and a group, by number. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A directory of FIFOs that only this user may change, removed with the process. */
export class FifoDirectory {
  #path: string;
  /** Called when the directory was removed by another program, and made anew at another path. */
  whenMoved: (() => void) | undefined;
  readonly #free: string[] = [];
  /** Held open so that others see that we live. */
  #alive: number | undefined;
  #made = 0;
  #batch: Promise<void> | undefined;

  readonly #owner: Owner | undefined;

  /** @param owner who may open the FIFOs beside us; needed for processes that run as somebody else */
  constructor(owner?: Owner) {
    this.#owner = owner;
    if (!isWatching) {
      process.once('exit', removeDirectories);
      removeLeftoversOnce();
    }
    isWatching = true;
    this.#path = this.#makeDirectory();
  }

  get path(): string {
    return this.#path;
  }

  #makeDirectory(): string {
    // As the system names what a process has open there (`pipe-holders.ts`).
    const path = realpathSync(mkdtempSync(join(tmpdir(), PIPES_PREFIX)));
    if (this.#owner !== undefined) chmodSync(path, SHARED_MODE);
    directories.add(path);
    return path;
  }

  /** A FIFO that nobody has open, if one is left. */
  takeNow(): string | undefined {
    for (let path = this.#free.pop(); path !== undefined; path = this.#free.pop()) if (isFifo(path)) return path;
    return undefined;
  }

  /** A FIFO that nobody has open. Rejects when `mkfifo` cannot be run. */
  async take(): Promise<string> {
    for (;;) {
      const path = this.takeNow();
      if (path !== undefined) return path;
      this.#batch ??= this.#make().finally(() => (this.#batch = undefined));
      await this.#batch;
    }
  }

  async #make(): Promise<void> {
    this.#heal();
    const alive = join(this.#path, ALIVE);
    const isFirst = this.#alive === undefined;
    const names = Array.from({ length: BATCH }, () => join(this.#path, String(this.#made++)));
    const all = isFirst ? [...names, alive] : names;
    await mkfifo(all);
    for (const name of all) chmodSync(name, STICKY_MODE);
    if (this.#owner !== undefined) {
      for (const name of names) chownSync(name, this.#owner.uid, this.#owner.gid);
    }
    this.#alive ??= openSync(alive, O_RDONLY | O_NONBLOCK);
    this.#free.push(...names);
  }

  /**
   * Gets the FIFO that shows the directory to be in use made again when something has removed it, or has come between while it was
   * made; and makes another directory when ours is gone. What is left in ours stays: a shell may be about to open it.
   */
  #heal(): void {
    const alive = join(this.#path, ALIVE);
    if (this.#made === 0 || (this.#alive !== undefined && isFifo(alive))) return;
    if (this.#alive !== undefined) closeSync(this.#alive);
    this.#alive = undefined;
    if (isOurs(this.#path)) return rmSync(alive, { recursive: true, force: true });
    directories.delete(this.#path);
    this.#free.length = 0;
    this.#path = this.#makeDirectory();
    this.whenMoved?.();
  }

  /** Takes back a FIFO whose writers are all gone, as its reader's end-of-file has shown. */
  giveBack(path: string): void {
    this.#free.push(path);
  }

  /** Takes back a FIFO that was written to, after the writer closed it: reusable when no reader is left. */
  giveBackWritten(path: string): void {
    try {
      closeSync(openSync(path, O_WRONLY | O_NONBLOCK));
      this.discard(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENXIO') this.giveBack(path);
      else this.discard(path);
    }
  }

  /**
   * Lets a process go on that is about to open a FIFO for reading after its last writer has left: unlike a pipe, a FIFO
   * makes it wait for a writer. It finds the end at once. Nobody else notices.
   */
  wake(path: string): void {
    // Nobody has it open for reading, it was removed, or descriptors are short: a process that waits is looked for again.
    unlessRefused(() => closeSync(openSync(path, O_WRONLY | O_NONBLOCK)));
  }

  /** Removes the name of a FIFO that somebody may still have open. What cannot be removed goes with the directory. */
  discard(path: string): void {
    unlessRefused(() => rmSync(path, { force: true }));
  }

  /** Removes the directory and all names. */
  remove(): void {
    directories.delete(this.#path);
    if (this.#alive !== undefined) closeSync(this.#alive);
    this.#alive = undefined;
    removeDirectory(this.#path);
  }
}

/** FIFOs may just be made in it. All attempts together wait for 150 ms, in which nothing else is done. */
const MAX_RETRIES = 5;
const RETRY_MS = 10;

/** What is left for want of a descriptor is swept by the next process; to remove what is empty takes none. */
function removeDirectory(path: string): void {
  unlessRefused(() => rmSync(path, { recursive: true, force: true, maxRetries: MAX_RETRIES, retryDelay: RETRY_MS }));
  unlessRefused(() => rmdirSync(path));
}

/** Without pipes: Node leaves those open of a command that it finds no descriptor for. Rejects with an exit code or the system's error. */
async function mkfifo(paths: readonly string[]): Promise<void> {
  const child = spawn('mkfifo', ['-m', '600', ...paths], { stdio: 'ignore' });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw Object.assign(new Error(`mkfifo ended with ${code}`), { code: code ?? undefined });
}

/** Does something that the system may refuse. */
function unlessRefused(action: () => void): void {
  try {
    action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

/** Whether a FIFO is where it was made: programs that tidy up temporary files may have removed it. */
export function isFifo(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
}

/** Whether it is a directory of this user: others may make what has the name of one that was removed. */
function isOurs(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === process.getuid?.();
}

/** Opens a FIFO so that we read without blocking and a child writes with blocking. */
export function openForReading(path: string): PipeEnds {
  const readEnd = openSync(path, O_RDONLY | O_NONBLOCK);
  try {
    return { readEnd, writeEnd: openSync(path, O_WRONLY) };
  } catch (error) {
    closeSync(readEnd);
    throw error;
  }
}

/** Opens a FIFO so that a child reads with blocking and we write without. */
export function openForWriting(path: string): PipeEnds {
  // Held for the moment so that the blocking open finds a writer.
  const both = openSync(path, O_RDWR | O_NONBLOCK);
  let readEnd: number | undefined;
  try {
    readEnd = openSync(path, O_RDONLY);
    return { readEnd, writeEnd: openSync(path, O_WRONLY | O_NONBLOCK) };
  } catch (error) {
    if (readEnd !== undefined) closeSync(readEnd);
    throw error;
  } finally {
    closeSync(both);
  }
}
