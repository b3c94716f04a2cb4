// Answers on their way out: those to pipelined requests are gathered and leave in one write.
//
// What is there for the moment only, such as a page on a shelf of the cache, is copied once, behind its head, to memory that all
// connections share: it is empty again when the turn is over, since what the kernel does not take at once is copied elsewhere.

import type { Transport } from '../transport/transport.ts';
import { writeWaiting } from './turn-end.ts';

// Gathered answers are written when they reach this size.
const BATCH_BYTES = 65_536;

// The pages of a turn in which a hundred clients ask; when it is full, everybody's answers are written.
const SHARED_BYTES = 262_144;

let memory: Buffer | undefined;
let used = 0;
/** Outputs with answers in the shared memory. */
let users = 0;

function sharedMemory(): Buffer {
  return (memory ??= Buffer.allocUnsafeSlow(SHARED_BYTES));
}

export class Output {
  readonly #transport: Transport;
  #batch: Uint8Array[] = [];
  #bytes = 0;
  /** Bytes in the shared memory, and from where; then `#batch` is empty. */
  #shared = 0;
  #start = 0;
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

  /** The same for text of single octets or bytes of it, and bytes that are valid during the call only. */
  writeLent(head: string | Uint8Array, lines: Uint8Array, content: Uint8Array): boolean {
    const size = head.length + lines.length + content.length;
    const isTaken = this.#isRoomFor(size) || this.flush();
    if (!this.#hasSharedRoom(size)) {
      const first = typeof head === 'string' ? Buffer.from(head, 'latin1') : head;
      return this.write([Buffer.concat([first, lines, content])]);
    }
    const shared = sharedMemory();
    if (typeof head === 'string') shared.write(head, used, 'latin1');
    else shared.set(head, used);
    shared.set(lines, used + head.length);
    shared.set(content, used + head.length + lines.length);
    used += size;
    this.#shared += size;
    return (this.isBatching && isTaken) || this.flush();
  }

  /** Whether as much more can be gathered with what there is. */
  #isRoomFor(size: number): boolean {
    return (
      this.#transport.writeShared === undefined || (this.#batch.length === 0 && this.#shared + size <= BATCH_BYTES)
    );
  }

  /** Makes room behind what this output has in the shared memory, which stays in one piece. */
  #hasSharedRoom(size: number): boolean {
    if (this.#transport.writeShared === undefined || size > BATCH_BYTES) return false;
    const isLast = this.#start + this.#shared === used;
    if (this.#shared > 0 && !isLast) this.flush();
    if (used + size > SHARED_BYTES) {
      this.flush();
      writeWaiting();
      // Somebody is in the middle of a turn of their own, as around `server.fetch`.
      if (users > 0) return false;
    }
    if (this.#shared > 0) return true;
    users += 1;
    this.#start = used;
    return true;
  }

  /** Whether the kernel usually takes all at once, so that nobody has to be told of what waits. */
  get mayWait(): boolean {
    return this.#transport.writeShared !== undefined;
  }

  get isEmpty(): boolean {
    return this.#shared === 0 && this.#batch.length === 0;
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

  /** Writes what was gathered, and closes whether or not the system has taken it. */
  flushAndClose(): void {
    this.flush();
    this.#transport.destroy();
  }

  #flushShared(): boolean {
    const [start, size] = [this.#start, this.#shared];
    this.#shared = 0;
    users -= 1;
    if (users === 0) used = 0;
    return this.#transport.writeShared?.(sharedMemory(), start, size) ?? false;
  }
}
