// One FIFO on which all shells say how their commands ended.
//
// Each answer is a word that nobody outside knows, a number and a line end, written at once and shorter than what a pipe
// takes without mixing it with others'. Answers of several shells that are there at the same time cost one read.

import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { SocketConstructorOpts } from 'node:net';

const { O_NONBLOCK, O_RDWR, O_WRONLY } = constants;

/** Far more than all shells can say at once. */
const BUFFER_BYTES = 16_384;

/** Told what follows the word: a number in digits, or nothing. */
type Listener = (text: string) => void;

/** The reading end of what shells say. */
export class ShellAnswers {
  readonly #socket: Socket;
  readonly #listeners = new Map<string, Listener>();
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  /** What shells are given: kept open, since the name of the FIFO may be gone by the time of the next shell. */
  readonly #writeEnd: number;
  #partial = '';
  #awaited = 0;
  #isOpen = true;

  /** Opens a FIFO that nobody has open. Throws the system's error. */
  constructor(path: string) {
    const callback = (count: number): boolean => this.#read(count);
    // Documented for this constructor, where its declaration lacks it.
    const onread = { onread: { buffer: this.#buffer, callback } };
    // Open for writing as well, so that it never ends.
    const fd = openSync(path, O_RDWR | O_NONBLOCK);
    this.#writeEnd = openSync(path, O_WRONLY);
    const options: SocketConstructorOpts = { fd, readable: true, writable: false, ...onread };
    this.#socket = new Socket(options).unref();
  }

  /** The end that shells write to. */
  get writeEnd(): number {
    return this.#writeEnd;
  }

  /** Calls `listener` with what follows `word`, each time it is said. */
  listen(word: string, listener: Listener): void {
    this.#listeners.set(word, listener);
  }

  forget(word: string): void {
    this.#listeners.delete(word);
  }

  /** Keeps this process from ending before as many calls of `settled`. */
  awaited(): void {
    if (this.#awaited++ === 0) this.#socket.ref();
  }

  settled(): void {
    if (--this.#awaited === 0) this.#socket.unref();
  }

  close(): void {
    this.#socket.destroy();
    if (this.#isOpen) closeSync(this.#writeEnd);
    this.#isOpen = false;
  }

  #read(count: number): boolean {
    const lines = (this.#partial + this.#buffer.toString('latin1', 0, count)).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) {
      const space = line.indexOf(' ');
      this.#listeners.get(line.slice(0, space))?.(line.slice(space + 1));
    }
    return true;
  }
}
