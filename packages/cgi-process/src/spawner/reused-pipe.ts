// The reading end of a FIFO that serves one command after another, without a stream: most commands are over, and have
// written less than a pipe holds, before anybody has to look.
//
// While nobody has the pipe open for writing a read says "end", so a read after the command has ended tells all: the bytes,
// and whether a process that the command left running could still write. Such a pipe, and that of a command that goes on
// for long, becomes a stream of that command alone (`output-pipe.ts`): what one command's processes write never reaches
// another's reader.

import { closeSync, constants, openSync } from 'node:fs';
import { isFifo, type FifoDirectory } from '../process/fifo-directory.ts';
import { OutputPipe, readNow } from '../process/output-pipe.ts';

/** What a pipe of Linux holds; whoever has this much waiting reads no more. */
const PIPE_BYTES = 65_536;
/** One buffer for all pipes: what is read is copied at once, and most of it is short. */
const buffer = Buffer.allocUnsafe(PIPE_BYTES);

const NOTHING = Buffer.alloc(0);

/** One FIFO and what has been read from it for the present command. */
export class KeptPipe {
  readonly path: string;
  readonly #directory: FifoDirectory;
  readonly #readEnd: number;
  #bytes: Buffer = NOTHING;
  #isUsedUp = false;

  /** Opens a FIFO that nobody has open. Throws the system's error. */
  constructor(directory: FifoDirectory, path: string) {
    this.path = path;
    this.#directory = directory;
    this.#readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** Whether it can serve another command: it is free, and its FIFO is still where the shell will look for it. */
  isUsable(): boolean {
    return !this.#isUsedUp && isFifo(this.path);
  }

  /** Whether it can serve no other command. */
  get isUsedUp(): boolean {
    return this.#isUsedUp;
  }

  /** Reads what is there. True when nobody has the pipe open for writing, and nothing is left in it. */
  read(): boolean {
    while (this.#bytes.length < PIPE_BYTES) {
      const count = readNow(this.#readEnd, buffer);
      if (count === undefined) return false;
      if (count === 0) return true;
      const bytes = Buffer.from(buffer.subarray(0, count));
      this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    }
    return false;
  }

  /** Whether it may hold more than is read without a stream. */
  get isFull(): boolean {
    return this.#bytes.length >= PIPE_BYTES;
  }

  /** What has been read for the present command. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Makes it ready for the next command. To be called when `read` has said that nobody has it open. */
  reset(): void {
    this.#bytes = NOTHING;
  }

  /** The present command's own stream; `hasEnded` when the command has ended and only what it left running writes. */
  stream(hasEnded: boolean): OutputPipe {
    const { path } = this;
    const pipe = new OutputPipe(this.#directory, {
      path,
      readEnd: this.#readEnd,
      first: this.#bytes,
      hasWriters: hasEnded,
    });
    this.#isUsedUp = true;
    this.#bytes = NOTHING;
    return pipe;
  }

  /** Closes it, unless it has become a stream. What still writes to it finds it broken. */
  dispose(): void {
    if (this.#isUsedUp) return;
    this.#isUsedUp = true;
    closeSync(this.#readEnd);
    this.#directory.discard(this.path);
  }
}
