// Lines on their way to a file or a stream, without ever holding up who writes them. Lines are collected and written in
// one go a moment later; one write is under way at a time. What cannot be kept up with is dropped beyond a bound, and so
// is what cannot be written at all (a full disk, a closed pipe); how many lines that were is said in the first line that
// gets through again.

import { closeSync, openSync, write, writeSync } from 'node:fs';

/** Accepts lines. `line` has no line end. */
export interface LineWriter {
  write(line: string): void;
  /** Opens the file anew, for a log that was moved away. On failure the old one stays in use and the error is thrown. */
  reopen(): void;
  /** Writes what is left and lets go; for the end of the process, so it does not wait. Idempotent. */
  close(): void;
}

/** Takes text and calls back when it is written, or could not be. */
type Sink = (text: string, done: (error: Error | null | undefined) => void) => void;

// A log line is about 150 bytes: this holds a second of 100,000 requests, and is small beside the cache of files.
const maxPendingCharacters = 16 * 1024 * 1024;
// Lines wait this long for company. Short enough that somebody who watches sees them at once.
const collectMs = 20;

/** Appends lines to a file, made if it is not there (for the owner and group only). Throws what opening throws. */
export function fileLineWriter(path: string): LineWriter {
  const open = (): number => openSync(path, 'a', 0o640);
  let descriptor = open();
  const queue = new LineQueue((text, done) => {
    const bytes = Buffer.from(text);
    const target = descriptor;
    const rest = (offset: number): void => {
      write(target, bytes, offset, (error, written) => {
        if (error !== null || offset + written >= bytes.length) done(error);
        else rest(offset + written);
      });
    };
    rest(0);
  });
  const swap = (): void => {
    const fresh = open();
    const old = descriptor;
    descriptor = fresh;
    // A write under way still has the old descriptor.
    queue.whenIdle(() => closeSync(old));
  };
  return {
    write: (line) => queue.add(line),
    reopen: swap,
    close: () => {
      const left = queue.end();
      if (left === undefined) return;
      tryWrite(descriptor, left);
      queue.whenIdle(() => closeSync(descriptor));
    },
  };
}

/** Writes lines to a stream such as process.stdout. A stream that fails, as a closed pipe does, swallows the rest. */
export function streamLineWriter(stream: NodeJS.WritableStream): LineWriter {
  let isBroken = false;
  stream.on('error', () => {
    isBroken = true;
  });
  const queue = new LineQueue((text, done) => {
    if (isBroken) done(null);
    else stream.write(text, () => done(null));
  });
  return {
    write: (line) => queue.add(line),
    reopen: () => undefined,
    close: () => {
      const left = queue.end();
      if (left !== undefined && left !== '' && !isBroken) stream.write(left);
    },
  };
}

class LineQueue {
  readonly #sink: Sink;
  #pending = '';
  #dropped = 0;
  #isWriting = false;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;
  #idle: (() => void)[] = [];

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  add(line: string): void {
    if (this.#isEnded) return;
    if (this.#pending.length + line.length > maxPendingCharacters) {
      this.#dropped++;
      return;
    }
    this.#pending += `${line}\n`;
    if (!this.#isWriting) this.#timer ??= setTimeout(() => this.#flush(), collectMs);
  }

  /** What is left, or undefined when this was called before. */
  end(): string | undefined {
    if (this.#isEnded) return undefined;
    this.#isEnded = true;
    clearTimeout(this.#timer);
    return this.#take();
  }

  whenIdle(then: () => void): void {
    if (this.#isWriting) this.#idle.push(then);
    else then();
  }

  #take(): string {
    const note = this.#dropped === 0 ? '' : `# ${this.#dropped} lines could not be written\n`;
    const text = note + this.#pending;
    this.#pending = '';
    this.#dropped = 0;
    return text;
  }

  #flush(): void {
    this.#timer = undefined;
    const lost = this.#dropped;
    const text = this.#take();
    if (text === '') return;
    this.#isWriting = true;
    this.#sink(text, (error) => {
      this.#isWriting = false;
      if (error !== null && error !== undefined) this.#dropped += lost + text.split('\n').length - (lost === 0 ? 1 : 2);
      for (const then of this.#idle.splice(0)) then();
      if (this.#pending !== '' && !this.#isEnded) this.#timer ??= setTimeout(() => this.#flush(), collectMs);
    });
  }
}

function tryWrite(descriptor: number, text: string): void {
  try {
    if (text !== '') writeSync(descriptor, text);
  } catch (error) {
    // The last lines of a log on a full disk or a broken device: there is nobody left to tell.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}
