// Why a connection is not read at the moment: reasons as bits of one number, since every idle connection has it.

import type { Transport } from '../transport/transport.ts';

/** `content`: its reader is slow · `ahead`: enough pipelined · `stalled`: the client does not read · `tunnel`: the same after 101. */
export const HOLDS = { content: 1, ahead: 2, stalled: 4, tunnel: 8 } as const;

/** Pauses a transport while there is a reason. */
export class Holds {
  readonly #transport: Transport;
  #reasons = 0;

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

  /** Ends reasons, all of them unless some are named. */
  release(reasons: number = this.#reasons): void {
    if ((this.#reasons & reasons) === 0) return;
    this.#reasons &= ~reasons;
    if (this.#reasons === 0) this.#transport.resume();
  }
}
