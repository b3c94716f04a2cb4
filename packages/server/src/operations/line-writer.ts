// Lines on their way to a file or to standard output, without ever holding up who writes them. Lines are collected and
// written in one go a moment later, by a thread, one write at a time; so a pipe that nobody empties blocks that thread and
// not the server. What cannot be kept up with is dropped beyond a bound, and so is what cannot be written at all (a full
// disk, a closed pipe); how many lines that were is said in the first line that gets through again.

import { closeSync, constants, fstatSync, openSync, statSync, write } from 'node:fs';

/** Accepts lines. */
export interface LineWriter {
  /** `line` is ASCII, as every format makes it, without its end. */
  write(line: string): void;
  /** Opens the file anew, for a log that was moved away. On failure the old one stays in use and the error is thrown. */
  reopen(): void;
  /** Lets go once all is written, or could not be within a second. Later lines are dropped. */
  close(): Promise<void>;
}

// A log line is about 150 bytes: this holds a second of 100,000 requests, and is small beside the cache of files.
const MAX_PENDING_CHARACTERS = 16 * 1024 * 1024;
// Lines wait this long for company. Short enough that somebody who watches sees them at once.
const COLLECT_MS = 20;
// A pipe that somebody made non-blocking is full: try again when its reader may have read.
const FULL_PIPE_MS = 50;
// The end of the process, and a log in a new file, wait no longer for a reader that does not read.
const CLOSE_MS = 1000;

/** Receives why lines cannot be written, once until some can be again. */
export type LineFailure = (error: Error) => void;

/** Appends lines to a file, made if it is not there, for the owner and group only. Throws an Error that names the file. */
export function fileLineWriter(path: string, onError: LineFailure): LineWriter {
  const open = (): number => openFile(path);
  const queue = new LineQueue(open(), ({ message }) =>
    onError(new Error(`lines for the log file ${path} are lost: ${message}`)),
  );
  return {
    write: (line) => queue.add(line),
    reopen: () => {
      const old = queue.useDescriptor(open());
      queue.whenIdle(() => closeSync(old));
    },
    close: async () => {
      if (await queue.end()) closeSync(queue.descriptor);
    },
  };
}

/** Writes lines to a descriptor that stays open, such as 1 for standard output. */
export function descriptorLineWriter(descriptor: number, onError: LineFailure): LineWriter {
  const queue = new LineQueue(descriptor, ({ message }) => onError(new Error(`lines of the log are lost: ${message}`)));
  return {
    write: (line) => queue.add(line),
    reopen: () => undefined,
    close: async () => {
      await queue.end();
    },
  };
}

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDWR, O_WRONLY } = constants;

/** Opens a file at once, also where it is a pipe that nobody reads yet: what is written to that waits for its reader. */
function openFile(path: string): number {
  try {
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENXIO' && statSync(path).isFIFO()) return openSync(path, O_RDWR | O_NONBLOCK);
    throw new Error(`the log file ${path} cannot be opened: ${(error as Error).message}`, { cause: error });
  }
}

// What a pipe takes as a whole on every system (PIPE_BUF is 512 at least, 4096 on Linux): several workers write to one.
const WHOLE_BYTES = 4096;

class LineQueue {
  descriptor: number;
  #isShared: boolean;
  readonly #onError: LineFailure;
  #isFailing = false;
  #pending = '';
  #dropped = 0;
  #isWriting = false;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;
  #isGivenUp = false;
  #replacedAtMs = 0;
  /** What was written last ends within a line. */
  #isCut = false;
  #whenIdle: (() => void)[] = [];

  constructor(descriptor: number, onError: LineFailure) {
    this.descriptor = descriptor;
    this.#isShared = !fstatSync(descriptor).isFile();
    this.#onError = onError;
  }

  add(line: string): void {
    if (this.#isEnded) return;
    if (this.#pending.length + line.length > MAX_PENDING_CHARACTERS) {
      this.#dropped++;
      return;
    }
    this.#pending += `${line}\n`;
    if (!this.#isWriting) this.#timer ??= setTimeout(() => this.#flush(), COLLECT_MS);
  }

  /** Resolves to whether this was the first call and nothing is being written any more. */
  async end(): Promise<boolean> {
    if (this.#isEnded) return false;
    this.#isEnded = true;
    const settled = new Promise<boolean>((resolve) => {
      const late = setTimeout(() => {
        this.#isGivenUp = true;
        resolve(false);
      }, CLOSE_MS);
      // Twice: behind the write under way are the lines that came during it.
      this.whenIdle(() => {
        this.#flush();
        this.whenIdle(() => {
          clearTimeout(late);
          resolve(true);
        });
      });
    });
    return settled;
  }

  whenIdle(then: () => void): void {
    if (this.#isWriting) this.#whenIdle.push(then);
    else then();
  }

  /** Later writes go to `descriptor`; the one before is returned. One under way keeps to that. */
  useDescriptor(descriptor: number): number {
    const old = this.descriptor;
    this.descriptor = descriptor;
    this.#isShared = !fstatSync(descriptor).isFile();
    this.#replacedAtMs = performance.now();
    this.#isCut = false;
    return old;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending === '') return;
    const lost = this.#dropped;
    const note = `${this.#isCut ? '\n' : ''}${lost === 0 ? '' : `# ${lost} lines could not be written\n`}`;
    const bytes = Buffer.from(note + this.#pending, 'latin1');
    const { descriptor } = this;
    this.#pending = '';
    this.#dropped = 0;
    this.#isWriting = true;
    const isShared = this.#isShared;
    const mayWait = (): boolean =>
      descriptor === this.descriptor ? !this.#isGivenUp : performance.now() < this.#replacedAtMs + CLOSE_MS;
    writeWhole({ descriptor, bytes, isShared, mayWait }, (error, written) => {
      this.#isWriting = false;
      if (error !== null && !this.#isFailing) this.#onError(error);
      this.#isFailing = error !== null;
      if (error !== null) this.#dropped += linesIn(bytes.subarray(Math.max(written, note.length)));
      if (written < note.length) this.#dropped += lost;
      if (written > 0 && descriptor === this.descriptor) this.#isCut = bytes[written - 1] !== LINE_FEED;
      for (const then of this.#whenIdle.splice(0)) then();
      if (this.#pending !== '' && !this.#isWriting && !this.#isEnded)
        this.#timer ??= setTimeout(() => this.#flush(), COLLECT_MS);
    });
  }
}

const LINE_FEED = 10;

function linesIn(bytes: Uint8Array): number {
  return bytes.reduce((count, byte) => (byte === LINE_FEED ? count + 1 : count), 0);
}

interface Writing {
  readonly descriptor: number;
  readonly bytes: Uint8Array;
  /** Several processes write to it: it gets no more at once than it takes as a whole. */
  readonly isShared: boolean;
  /** Whether a pipe that is full is waited for. */
  readonly mayWait: () => boolean;
}

/** `done` learns how many bytes were written, which are fewer than all after an error. */
function writeWhole(writing: Writing, done: (error: Error | null, written: number) => void, before = 0): void {
  const { descriptor, bytes, isShared, mayWait } = writing;
  const end = isShared ? endOfLines(bytes, before) : bytes.length;
  write(descriptor, bytes, before, end - before, null, (error, count) => {
    const written = before + (error === null ? count : 0);
    if (error?.code === 'EAGAIN' && mayWait()) setTimeout(() => writeWhole(writing, done, before), FULL_PIPE_MS);
    else if (error !== null || written >= bytes.length) done(error, written);
    else writeWhole(writing, done, written);
  });
}

/** Behind the last line that can be written as a whole with those before it, or behind one that is too long for that. */
function endOfLines(bytes: Uint8Array, start: number): number {
  if (bytes.length - start <= WHOLE_BYTES) return bytes.length;
  const last = bytes.lastIndexOf(LINE_FEED, start + WHOLE_BYTES - 1);
  return (last >= start ? last : bytes.indexOf(LINE_FEED, start)) + 1;
}
