// Answers on their way out: those to pipelined requests are gathered and leave in one write.
//
// What is there for the moment only, such as a page on a shelf of the cache, is copied once, behind its head, to memory that all
// connections share: it is empty again when the turn is over, since what the kernel does not take at once is copied elsewhere.

import type { Transport } from '../transport/transport.ts';

// Gathered answers are written when they reach this size.
const BATCH_BYTES = 65_536;

let memory: Buffer | undefined;

/** Whose answers stand in the shared memory. One connection may be served in the middle of another's turn, as by `server.fetch`. */
let owner: Transport | undefined;

function sharedMemory(): Buffer {
  return (memory ??= Buffer.allocUnsafeSlow(BATCH_BYTES));
}

export class Output {
  readonly #transport: Transport;
  #batch: Uint8Array[] = [];
  #bytes = 0;
  /** Bytes in the shared memory; then `#batch` is empty. */
  #shared = 0;
  /** While set, small answers wait for `flush`. */
  isBatching = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Writes pieces, or keeps them for `flush`; false when the system has not taken everything that was written. */
  write(pieces: readonly Uint8Array[]): boolean {
    const isTaken = this.#shared === 0 || this.flush();
    for (const piece of pieces) {
      this.#batch.push(piece);
      this.#bytes += piece.length;
    }
    return (this.isBatching && this.#bytes <= BATCH_BYTES && isTaken) || this.flush();
  }

  /** The same for text of single octets, and bytes that are valid during the call only. */
  writeLent(head: string, lines: Uint8Array, content: Uint8Array): boolean {
    const size = head.length + lines.length + content.length;
    if (!this.#hasSharedRoom(size)) return this.write([Buffer.concat([Buffer.from(head, 'latin1'), lines, content])]);
    const shared = sharedMemory();
    shared.write(head, this.#shared, 'latin1');
    shared.set(lines, this.#shared + head.length);
    shared.set(content, this.#shared + head.length + lines.length);
    this.#shared += size;
    return this.isBatching || this.flush();
  }

  #hasSharedRoom(size: number): boolean {
    if (this.#transport.writeShared === undefined || size > BATCH_BYTES) return false;
    if (owner !== undefined && owner !== this.#transport) return false;
    if (this.#batch.length > 0 || this.#shared + size > BATCH_BYTES) this.flush();
    owner = this.#transport;
    return true;
  }

  /** Writes what was gathered; false when the system has not taken all of it. */
  flush(): boolean {
    if (this.#shared > 0) return this.#flushShared();
    const batch = this.#batch;
    const [first] = batch;
    if (first === undefined) return true;
    const size = this.#bytes;
    this.#batch = [];
    this.#bytes = 0;
    if (batch.length === 1) return this.#transport.write(first);
    return size <= BATCH_BYTES ? this.#transport.write(Buffer.concat(batch, size)) : this.#transport.writeAll(batch);
  }

  #flushShared(): boolean {
    const size = this.#shared;
    this.#shared = 0;
    owner = undefined;
    return this.#transport.writeShared?.(sharedMemory(), size) ?? false;
  }
}
