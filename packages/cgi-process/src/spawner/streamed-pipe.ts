// The output of one command as a stream, for a command that goes on for long or leaves others running that may write.
//
// We hold a writing end of our own while the command runs, so that the stream does not end before its shell has opened the
// pipe. When the command has ended we let go, and the end comes when the last writer has left.

import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { SocketConstructorOpts } from 'node:net';
import type { FifoDirectory } from '../process/fifo-directory.ts';
import { readNow } from './read-now.ts';

/** As much as the pipe itself holds: a reader that has this much waiting takes no more. */
const HIGH_WATER_BYTES = 65_536;
/** Room for what a shell says when a signal has ended a command. */
const END_BYTES = 80;
/** One buffer for all: whatever is read is copied at once. */
const buffer = Buffer.allocUnsafe(HIGH_WATER_BYTES);

/** A FIFO that is open for reading, and what has been read from it. */
export interface OpenPipe {
  readonly path: string;
  readonly readEnd: number;
  readonly first: Buffer;
  /** Whether the command has ended already. */
  readonly isOver: boolean;
}

/** A pipe and the stream that it has become. It closes itself. */
export class StreamedPipe {
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
  /** Whether the end was seen, so that nobody has the pipe open any more. */
  #isFree = false;

  /** Throws the system's error when no descriptor is free; `readEnd` is still the caller's then. */
  constructor(directory: FifoDirectory, { path, readEnd, first, isOver }: OpenPipe) {
    this.path = path;
    this.#directory = directory;
    this.#readEnd = readEnd;
    this.#last = first;
    this.#count = first.length;
    // oxlint-disable-next-line no-bitwise
    if (!isOver) this.#writeEnd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    this.stream = new Readable({
      highWaterMark: HIGH_WATER_BYTES,
      read: () => this.#resume(),
      destroy: (error, done) => {
        this.#close();
        done(error);
      },
    });
    if (first.length > 0) this.stream.push(first);
    this.#socket = this.#reader();
  }

  /** The command has ended: its stream ends with what is in the pipe, or goes on for as long as somebody writes to it. */
  finish(): void {
    this.#letGo();
    if (this.#readRest()) this.#end();
  }

  /** Ends the stream of a command that goes on but has closed this output. */
  endEarly(): void {
    this.#readRest();
    // A reader that takes no more now gets the rest, and the end with the command's own.
    if (this.#isPaused || this.#isClosed) return;
    this.stream.push(null);
    this.#close();
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
    if (this.#isClosed) return false;
    this.#count += count;
    this.#last = Buffer.from(buffer.subarray(0, count));
    this.#isPaused = !this.stream.push(this.#last);
    return !this.#isPaused;
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Reads on until there is nothing left, or nobody takes more. True when nobody writes any more either. */
  #readRest(): boolean {
    while (!this.#isPaused && !this.#isClosed) {
      const count = readNow(this.#readEnd, buffer);
      if (count === undefined) return false;
      if (count === 0) return true;
      this.#receive(count);
    }
    return false;
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isFree = true;
    this.stream.push(null);
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    this.#letGo();
    this.#socket.destroy();
  }

  #letGo(): void {
    if (this.#writeEnd !== undefined) closeSync(this.#writeEnd);
    this.#writeEnd = undefined;
  }
}
