// The reading end of a FIFO that serves one command after another, because making a stream for each costs as much as
// everything else that a start costs this process.
//
// We hold a writing end of our own, so the reader sees no end between two commands. When a command has ended we let go and
// read what is left: an end means that nobody else has the pipe open, and it serves the next command. Anything else means
// that a process the command left running may still write, or that more is there than its reader takes now. Then the pipe
// stays this command's alone until its own end, and is not used again: what one command's processes write never reaches
// another's reader.

import { closeSync, constants, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import type { SocketConstructorOpts } from 'node:net';
import { Readable } from 'node:stream';
import type { FifoDirectory } from './fifo-directory.ts';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** What a pipe of Linux holds; a reader that has this much waiting takes no more. */
const PIPE_BYTES = 65_536;
/** Room for what a shell says when a signal has ended a command. */
const END_BYTES = 80;
/** One buffer for all pipes: whatever is read is copied at once, and most of it is short. */
const buffer = Buffer.allocUnsafe(PIPE_BYTES);

/** One FIFO, its reader, and the stream of the command that writes to it now. */
export class KeptPipe {
  readonly path: string;
  readonly #directory: FifoDirectory;
  readonly #readEnd: number;
  readonly #socket: Socket;
  #writeEnd: number | undefined;
  #stream: Readable | undefined;
  #last: Buffer | undefined;
  #isPaused = false;
  #isUsedUp = false;

  /** Opens a FIFO that nobody has open. Throws the system's error, and leaves nothing open then. */
  constructor(directory: FifoDirectory, path: string) {
    this.path = path;
    this.#directory = directory;
    this.#readEnd = openSync(path, O_RDONLY | O_NONBLOCK);
    try {
      this.#writeEnd = openSync(path, O_WRONLY | O_NONBLOCK);
      this.#socket = this.#reader();
    } catch (error) {
      this.#letGo();
      closeSync(this.#readEnd);
      throw error;
    }
  }

  /** Whether it can serve no other command. */
  get isUsedUp(): boolean {
    return this.#isUsedUp;
  }

  /** The output of the next command. */
  begin(): Readable {
    this.#last = undefined;
    const stream: Readable = new Readable({
      highWaterMark: PIPE_BYTES,
      read: () => this.#resume(),
      destroy: (error, done) => {
        if (this.#stream === stream) this.dispose();
        done(error);
      },
    });
    this.#stream = stream;
    return stream;
  }

  /** The command has ended: its stream ends with what is in the pipe, or goes on for as long as somebody writes to it. */
  finish(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#isUsedUp) return;
    this.#letGo();
    if (this.#readRest() === 'end' && this.#hold()) {
      this.#stream = undefined;
      stream.push(null);
    } else this.#useUp();
  }

  /** Ends the stream of a command that goes on but has closed this output. */
  endEarly(): void {
    const stream = this.#stream;
    if (stream === undefined || this.#isUsedUp) return;
    this.#readRest();
    // A reader that takes no more now gets the rest, and the end with the command's own.
    if (this.#isPaused || this.#isUsedUp) return;
    this.#stream = undefined;
    stream.push(null);
    this.dispose();
  }

  /** The last bytes that came from the present command. */
  get end(): string {
    return this.#last?.toString('latin1', Math.max(0, this.#last.length - END_BYTES)) ?? '';
  }

  /** Closes everything, unless a command's output is still to come. */
  disposeIdle(): void {
    if (this.#stream === undefined) this.dispose();
  }

  /** Closes everything. What still writes to the pipe finds it broken. */
  dispose(): void {
    this.#isUsedUp = true;
    this.#stream = undefined;
    this.#letGo();
    this.#socket.destroy();
  }

  #reader(): Socket {
    const callback = (count: number): boolean => this.#receive(count);
    // Documented for this constructor, where its declaration lacks it.
    const onread = { onread: { buffer, callback } };
    const options: SocketConstructorOpts = { fd: this.#readEnd, readable: true, writable: false, ...onread };
    const socket = new Socket(options);
    let hasEnded = false;
    socket.once('end', () => {
      hasEnded = true;
      this.#end();
    });
    socket.once('error', (error) => this.#stream?.destroy(error));
    socket.once('close', () => (hasEnded ? this.#directory.giveBack(this.path) : this.#directory.discard(this.path)));
    // While nothing runs, this is no reason for the process to stay.
    return socket.unref();
  }

  #receive(count: number): boolean {
    // Between two commands nobody has the pipe open but us.
    if (this.#stream === undefined) return true;
    this.#last = Buffer.from(buffer.subarray(0, count));
    this.#isPaused = !this.#stream.push(this.#last);
    return !this.#isPaused;
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Reads on until there is nothing left, nobody takes more, or the pipe was left. */
  #readRest(): 'end' | 'held' {
    while (!this.#isPaused && !this.#isUsedUp) {
      let count: number;
      try {
        count = readSync(this.#readEnd, buffer);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 'held';
        throw error;
      }
      if (count === 0) return 'end';
      this.#receive(count);
    }
    return 'held';
  }

  #useUp(): void {
    if (this.#isUsedUp) return;
    this.#isUsedUp = true;
    this.#socket.ref();
  }

  #end(): void {
    const stream = this.#stream;
    this.#isUsedUp = true;
    this.#stream = undefined;
    stream?.push(null);
  }

  /** Opens a writing end again; false when no descriptor is to be had, and the end is then noticed as if for the first time. */
  #hold(): boolean {
    try {
      this.#writeEnd = openSync(this.path, O_WRONLY | O_NONBLOCK);
      return true;
    } catch (error) {
      // No descriptor is free, or the name has gone with the directory of a spawner that was closed.
      if (['EMFILE', 'ENFILE', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
      throw error;
    }
  }

  #letGo(): void {
    if (this.#writeEnd !== undefined) closeSync(this.#writeEnd);
    this.#writeEnd = undefined;
  }
}
