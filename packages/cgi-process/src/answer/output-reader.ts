// Reads a stream chunk by chunk with a limit on each wait, without the cost of an async generator.

import type { Readable } from 'node:stream';
import { afterMs } from '../timer.ts';

/** What a read can come to when no bytes came. */
export type NoBytes = 'end' | 'timed-out';

/** One reader of one stream. */
export class OutputReader {
  readonly #stream: Readable;
  #wake: (() => void) | undefined;
  #error: Error | undefined;
  /** The longest wait, whatever a caller allows. */
  #longestMs = Number.POSITIVE_INFINITY;
  #hurry: (() => void) | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    const wake = (): void => this.#wake?.();
    stream.on('readable', wake);
    stream.on('end', wake);
    stream.on('close', wake);
    stream.on('error', (error) => (this.#error = error));
  }

  /** The next bytes. Rejects with the stream's error. Not to be called again before it has settled. */
  async read(timeoutMs: number): Promise<Uint8Array | NoBytes> {
    for (;;) {
      const chunk = this.#stream.read() as Uint8Array | null;
      if (chunk !== null) return chunk;
      if (this.#error !== undefined) throw this.#error;
      if (this.#stream.readableEnded || this.#stream.destroyed) return 'end';
      if (!(await this.#change(timeoutMs))) return 'timed-out';
    }
  }

  /** Bounds every wait from now on, also the one under way. */
  waitAtMost(ms: number): void {
    this.#longestMs = ms;
    this.#hurry?.();
  }

  async #change(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      // A timer that is late, since this process stood still, runs before what came meanwhile is read.
      const start = (): (() => void) => {
        let read: NodeJS.Immediate | undefined;
        const stopTimer = afterMs(Math.min(timeoutMs, this.#longestMs), () => {
          read = setImmediate(() => settle(false));
        });
        return () => {
          stopTimer();
          clearImmediate(read);
        };
      };
      let stop = start();
      this.#hurry = () => {
        stop();
        stop = start();
      };
      const settle = (hasChanged: boolean): void => {
        stop();
        this.#hurry = undefined;
        this.#wake = undefined;
        resolve(hasChanged);
      };
      this.#wake = () => settle(true);
    });
  }
}
