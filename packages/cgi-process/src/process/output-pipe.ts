// The reading end of a FIFO as the stream of one command's output.
//
// A command that a shell starts has its output opened by the shell, later: until then a writing end of our own keeps the
// stream from ending. When the command has ended that end is closed, and what is in the pipe moves to memory: a stream that
// is never read costs no descriptor then. The stream ends when the last writer has closed the pipe.

import { closeSync, constants, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { SocketConstructorOpts } from 'node:net';
import type { FifoDirectory } from './fifo-directory.ts';
import { Flood } from './flood.ts';
import type { Launched } from './launch.ts';

/** As much as the pipe itself holds: a reader that has this much waiting takes no more. */
const HIGH_WATER_BYTES = 65_536;
/** What a pipe can be made to hold by a process without privileges: no more moves to memory when a command has ended. */
const MAX_PIPE_BYTES = 1_048_576;
/** Room for what a shell says when a signal has ended a command, or when it cannot start one, whose path it names. */
const END_BYTES = 4200;
/** One buffer for all: whatever is read is copied at once. */
const buffer = Buffer.allocUnsafe(HIGH_WATER_BYTES);

/** A FIFO that is open for reading, and what has been read from it. */
export interface OpenPipe {
  readonly path: string;
  readonly readEnd: number;
  readonly first: Buffer;
  /** Whether its writers have it open already, so that the end of the last of them is the end of the output. */
  readonly hasWriters: boolean;
}

/** The number of bytes read; 0 when none are left and no process has the pipe open for writing, undefined when one has. */
export function readNow(readEnd: number, into: Buffer): number | undefined {
  try {
    return readSync(readEnd, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

/** A pipe and the stream that it has become. It closes itself. */
export class OutputPipe {
  readonly path: string;
  readonly stream: Readable;
  readonly #directory: FifoDirectory;
  readonly #readEnd: number;
  readonly #socket: Socket;
  #writeEnd: number | undefined;
  #last: Buffer;
  #count: number;
  #isPaused = false;
  #isClosed = false;
  #isIgnored = false;
  readonly #unwanted = new Flood();
  /** Whether the end was seen, so that nobody has the pipe open any more. */
  #isFree = false;

  /** Throws the system's error when no descriptor is free; `readEnd` is still the caller's then. */
  constructor(directory: FifoDirectory, { path, readEnd, first, hasWriters }: OpenPipe) {
    this.path = path;
    this.#directory = directory;
    this.#readEnd = readEnd;
    this.#last = first;
    this.#count = first.length;
    if (!hasWriters) this.#writeEnd = writeEndOf(path, readEnd);
    this.stream = new Readable({
      highWaterMark: HIGH_WATER_BYTES,
      read: () => this.#resume(),
      destroy: (error, done) => {
        if (!this.#isIgnored) this.#close();
        done(error);
      },
    });
    if (first.length > 0) this.stream.push(first);
    this.#socket = this.#reader();
  }

  /**
   * The command has ended: its stream ends with what is in the pipe, or goes on for as long as another process has the pipe
   * open for writing. May be repeated.
   */
  finish(): void {
    this.#closeWriteEnd();
    if (this.#readRest()) this.#end();
  }

  /** Ends the stream of a command that goes on but has closed this output. */
  endEarly(): void {
    this.#readWanted();
    // A reader that takes no more now gets the rest, and the end with the command's own.
    if (this.#isPaused || this.#isClosed) return;
    this.stream.push(null);
    this.#close();
  }

  /**
   * Closes the stream but not the pipe: a process that writes on is not ended by it, unless it writes as one that has run wild. What it
   * writes is dropped.
   */
  ignoreRest(): void {
    // What was read from a pipe that is closed already may still wait in the stream.
    this.#isIgnored = !this.#isClosed;
    this.stream.destroy();
    if (this.#isClosed) return;
    this.#socket.unref();
    this.#socket.resume();
  }

  /** How many bytes came. */
  get count(): number {
    return this.#count;
  }

  /** The last bytes that came. */
  get end(): string {
    return this.#last.toString('latin1', Math.max(0, this.#last.length - END_BYTES));
  }

  #reader(): Socket {
    const callback = (count: number): boolean => this.#receive(count);
    // Documented for this constructor, where its declaration lacks it.
    const onread = { onread: { buffer, callback } };
    const options: SocketConstructorOpts = { fd: this.#readEnd, readable: true, writable: false, ...onread };
    const socket = new Socket(options);
    socket.once('end', () => this.#end());
    socket.once('error', (error) => this.stream.destroy(error));
    const leave = (): void => (this.#isFree ? this.#directory.giveBack(this.path) : this.#directory.discard(this.path));
    socket.once('close', leave);
    return socket;
  }

  #receive(count: number): boolean {
    if (this.#isIgnored && this.#unwanted.has(count)) this.#close();
    if (this.#isClosed || this.#isIgnored) return !this.#isClosed;
    this.#count += count;
    this.#last = Buffer.from(buffer.subarray(0, count));
    this.#isPaused = !this.stream.push(this.#last);
    return !this.#isPaused;
  }

  #resume(): void {
    if (!this.#isPaused || this.#isClosed) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Reads what is left in the pipe. True when no process has it open for writing any more. */
  #readRest(): boolean {
    for (let moved = 0; moved < MAX_PIPE_BYTES && !this.#isClosed;) {
      const count = readNow(this.#readEnd, buffer);
      if (count === undefined) return false;
      if (count === 0) return true;
      moved += count;
      this.#receive(count);
    }
    return false;
  }

  /** Reads until the pipe is empty or the reader takes no more. */
  #readWanted(): void {
    while (!this.#isPaused && !this.#isClosed) {
      const count = readNow(this.#readEnd, buffer);
      if (count === undefined || count === 0) return;
      this.#receive(count);
    }
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isFree = true;
    if (!this.#isIgnored) this.stream.push(null);
    // As Node's own sockets do: an empty stream ends without a reader.
    if (this.stream.readableLength === 0) this.stream.read(0);
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    this.#closeWriteEnd();
    this.#socket.destroy();
  }

  #closeWriteEnd(): void {
    if (this.#writeEnd !== undefined) closeSync(this.#writeEnd);
    this.#writeEnd = undefined;
  }
}

/** Both outputs of a child that is started, and what is done to them together. */
export function outputsOf(
  stdout: OutputPipe,
  stderr: OutputPipe,
): Pick<Launched, 'stdout' | 'stderr' | 'settleOutputs' | 'ignoreOutputs'> {
  return {
    stdout: stdout.stream,
    stderr: stderr.stream,
    settleOutputs: () => {
      stdout.finish();
      stderr.finish();
    },
    ignoreOutputs: () => {
      stdout.ignoreRest();
      stderr.ignoreRest();
    },
  };
}

/** A writing end of a FIFO that is open for reading, also where its name has been removed. */
function writeEndOf(path: string, readEnd: number): number {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK;
  return openSync(process.platform === 'linux' ? `/proc/self/fd/${readEnd}` : path, flags);
}
