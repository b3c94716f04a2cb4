// How a server stops without losing a request; the phases are those of `Server.close`.
//
// Closing a kept connection races with the request that its client may be sending (RFC 9112 §9.6). So none is closed in the
// moment of the stop: it stays readable, what comes is answered with `Connection: close`, and only one that has been silent
// for a while is finished from our side.

import { timerMs } from './timer.ts';
import type { Listening } from './transport/listening.ts';

/** A connection as a stop sees it. */
export interface Stoppable {
  readonly transport: { destroy(): void };
  /** Called again and again: finishes an idle connection that has been silent since the last call. */
  leaveIfSilent(): void;
}

export interface StopParts {
  readonly connections: Iterable<Stoppable> & { readonly size: number };
  readonly listening: readonly Listening[];
  /** How many connections have been accepted so far. */
  accepted(): number;
  /** Ends what has no end of its own. */
  drain(): void;
}

// Longer than what separates the requests of a busy client, and than a request needs through a local network.
const SILENCE_MS = 50;

// A TLS handshake is two round trips; one that takes longer belongs to nobody who is about to send a request.
const HANDSHAKE_MS = 1000;

// Turns of the event loop in which the queues of the listeners are emptied; each turn accepts one connection per queue.
const MAX_ACCEPTING_TURNS = 1000;

export class Stop {
  readonly #parts: StopParts;
  #cutOff: NodeJS.Timeout | undefined;
  #graceMs = 0;
  #isDelaying = true;
  #skipDelay: () => void = () => {};
  #whenEmpty: () => void = () => {};

  constructor(parts: StopParts) {
    this.#parts = parts;
  }

  /** Resolves when the last connection is closed. */
  async run(drainDelayMs: number): Promise<void> {
    if (drainDelayMs > 0) await this.#delay(drainDelayMs);
    this.#isDelaying = false;
    this.#startGrace();
    this.#parts.drain();
    await this.#emptyQueues();
    const { connections, listening } = this.#parts;
    const sockets = Promise.all(listening.map((one) => one.close()));
    const sweep = setInterval(() => {
      for (const connection of connections) connection.leaveIfSilent();
    }, SILENCE_MS);
    const handshakes = setTimeout(() => this.#abandonHandshakes(), Math.min(HANDSHAKE_MS, this.#graceMs));
    // A handshake that succeeds while the sockets close makes one connection more.
    await sockets;
    if (connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
    }
    clearInterval(sweep);
    clearTimeout(handshakes);
    clearTimeout(this.#cutOff);
  }

  /** Sets the grace, which begins when the delay is over; asked `again`, the delay is over now. */
  cutOffAfter(graceMs: number, again: boolean): void {
    this.#graceMs = graceMs;
    if (this.#isDelaying && again) this.#skipDelay();
    else if (!this.#isDelaying) this.#startGrace();
  }

  /** A connection has closed. */
  closed(): void {
    if (this.#parts.connections.size === 0) this.#whenEmpty();
  }

  #delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timerMs(ms));
      this.#skipDelay = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #startGrace(): void {
    clearTimeout(this.#cutOff);
    this.#cutOff = setTimeout(() => {
      this.#abandonHandshakes();
      for (const { transport } of this.#parts.connections) transport.destroy();
    }, timerMs(this.#graceMs));
  }

  #abandonHandshakes(): void {
    for (const one of this.#parts.listening) one.abandonHandshakes();
  }

  /** Closing a listening socket resets the connections that wait in its queue, so they are accepted first. */
  async #emptyQueues(): Promise<void> {
    for (let turns = 0; turns < MAX_ACCEPTING_TURNS; turns += 1) {
      const before = this.#parts.accepted();
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#parts.accepted() === before) return;
    }
  }
}
