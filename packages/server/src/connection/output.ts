// Answers on their way out: those to pipelined requests are gathered and leave in one write.

import type { Transport } from '../transport/transport.ts';

// Gathered answers are written when they reach this size.
const BATCH_BYTES = 65_536;

export class Output {
  readonly #transport: Transport;
  #batch: Uint8Array[] = [];
  #bytes = 0;
  /** While set, small answers wait for `flush`. */
  isBatching = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Writes pieces, or isBatching them; false when the system has not taken everything that was written. */
  write(pieces: readonly Uint8Array[]): boolean {
    for (const piece of pieces) {
      this.#batch.push(piece);
      this.#bytes += piece.length;
    }
    return (this.isBatching && this.#bytes <= BATCH_BYTES) || this.flush();
  }

  /** Writes what was gathered; false when the system has not taken all of it. */
  flush(): boolean {
    const batch = this.#batch;
    const [first] = batch;
    if (first === undefined) return true;
    const size = this.#bytes;
    this.#batch = [];
    this.#bytes = 0;
    if (batch.length === 1) return this.#transport.write(first);
    return size <= BATCH_BYTES ? this.#transport.write(Buffer.concat(batch, size)) : this.#transport.writeAll(batch);
  }
}
