// Why a connection is not read at the moment: reasons as bits of one number, since every idle connection has it.

import type { Transport } from '../transport/transport.ts';

/** `content`: its reader is slow · `ahead`: enough pipelined · `stalled`: the client does not read · `tunnel`: the same after 101. */
export const HOLDS = { content: 1, ahead: 2, stalled: 4, tunnel: 8 } as const;

// What a client may send ahead while its request is answered; beyond it the socket is not read.
const AHEAD_BYTES = 65_536;

// Less than this is no sign of a slow client: TLS has no bytes taken before the turn is over.
const FEW_BYTES = 16_384;

/** Pauses a transport while there is a reason. */
export class Holds {
  readonly #transport: Transport;
  #reasons = 0;
  #aheadBytes = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get isHeld(): boolean {
    return this.#reasons !== 0;
  }

  add(reason: number): void {
    this.#reasons |= reason;
    this.#transport.pause();
  }

  /** Counts what came before its turn. */
  cameAhead(bytes: number): void {
    this.#aheadBytes += bytes;
    if (this.#aheadBytes >= AHEAD_BYTES) this.add(HOLDS.ahead);
  }

  /** The turn of some of what came ahead has come; `left` bytes still wait for theirs. */
  tookAhead(left: number): void {
    this.#aheadBytes = left;
    if (left < AHEAD_BYTES) this.release(HOLDS.ahead);
  }

  /** The client reads its answers slower than it asks: no more requests are read until it has them. */
  stall(): void {
    if (this.#transport.pendingBytes < FEW_BYTES) return;
    this.add(HOLDS.stalled);
    void this.#transport.flushed().then(() => this.release(HOLDS.stalled));
  }

  /** Ends reasons, all of them unless some are named. */
  release(reasons: number = this.#reasons): void {
    if ((this.#reasons & reasons) === 0) return;
    this.#reasons &= ~reasons;
    if (this.#reasons === 0) this.#transport.resume();
  }
}
