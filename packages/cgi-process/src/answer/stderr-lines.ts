// A script's standard error, line by line and within limits, so that no script can flood a log or stall on a full pipe.

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { Flood } from '../process/flood.ts';

/** A line beyond this is broken, so that it need not be held. */
const MAX_LINE_CHARACTERS = 8192;
/** What an error report keeps of the end. */
const TAIL_CHARACTERS = 2048;

/** Passes lines on as they are complete. */
export class StderrLines {
  readonly #sink: (line: string) => void;
  /** Made for the first bytes: most scripts say nothing. */
  #decoder: StringDecoder | undefined;
  #left: number;
  /** Whether all that comes is dropped. */
  #isOver: boolean;
  #partial = '';
  #tail = '';

  constructor(maxBytes: number, sink: (line: string) => void) {
    this.#left = maxBytes;
    this.#isOver = maxBytes <= 0;
    this.#sink = sink;
  }

  /**
   * Takes all that a stream has. Resolves when it has closed. Where `isLeft` says that its command has ended, the stream is closed for what
   * that left running once it writes without end what is not passed on.
   */
  async read(stream: Readable, isLeft: () => boolean = () => false): Promise<void> {
    const dropped = new Flood();
    stream.on('data', (bytes: Buffer) => {
      this.add(bytes);
      if (this.#isOver && isLeft() && dropped.has(bytes.length)) stream.destroy();
    });
    stream.on('end', () => this.end());
    // A broken pipe ends the lines; how the script ended is told elsewhere.
    stream.on('error', () => this.end());
    return new Promise((resolve) => stream.once('close', () => resolve()));
  }

  /** The last characters so far. */
  get tail(): string {
    return (this.#tail + this.#partial).slice(-TAIL_CHARACTERS);
  }

  add(bytes: Buffer): void {
    if (this.#isOver) return;
    const taken = bytes.subarray(0, this.#left);
    this.#left -= taken.length;
    this.#decoder ??= new StringDecoder('utf8');
    const lines = (this.#partial + this.#decoder.write(taken)).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#pass(line);
    if (this.#partial.length > MAX_LINE_CHARACTERS) this.#break();
    if (taken.length === bytes.length) return;
    this.#isOver = true;
    this.#break();
    this.#pass('(more on standard error is not shown)');
  }

  /** What has come is a line, whole or not. */
  end(): void {
    // A character that was cut at the limit is left out; one that its writer has cut shows as U+FFFD.
    if (!this.#isOver) this.#partial += this.#decoder?.end() ?? '';
    this.#break();
  }

  #break(): void {
    if (this.#partial !== '') this.#pass(this.#partial);
    this.#partial = '';
  }

  #pass(line: string): void {
    this.#tail = `${this.#tail}${line}\n`.slice(-TAIL_CHARACTERS);
    this.#sink(line);
  }
}
