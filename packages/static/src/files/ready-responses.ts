// The whole responses of the pages that are asked for most: a server that gets the same object again may send the same bytes again.
//
// A response is fields, head and a copy of the content; for a page that is asked for now and then it is cheaper to make it anew.
// The oldest goes when the budget is spent; what is asked for often is back soon, and of the others few come in.

import type { Representation } from './representation.ts';

/** Fields and objects of a response, measured as growth of the heap, beside the content. */
const RESPONSE_BYTES = 1_536;

/** The chance of a newcomer while the budget is spent. */
const ADMITTED = 1 / 16;

export class ReadyResponses {
  readonly #kept = new Map<Representation, number>();
  readonly #maxBytes: number;
  #bytes = 0;
  #isFull = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Keeps the response of a newly remembered representation while there is room. */
  offer(representation: Representation): void {
    if (!this.#isFull) this.use(representation);
  }

  /** Notes that a representation whose content stands on a shelf is used, and not for the first time. */
  use(representation: Representation): void {
    if (!representation.isReady && (!this.#isFull || Math.random() < ADMITTED)) this.keep(representation);
  }

  /** Keeps the response of a representation that is asked for all the time. */
  keep(representation: Representation): void {
    if (representation.isReady) return;
    const bytes = RESPONSE_BYTES + (representation.length ?? 0);
    if (bytes > this.#maxBytes) return;
    representation.isReady = true;
    this.#kept.set(representation, bytes);
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#isFull = true;
      oldest.isReady = false;
      this.drop(oldest);
    }
  }

  /** Forgets a representation that is not remembered any more. */
  drop(representation: Representation): void {
    this.#bytes -= this.#kept.get(representation) ?? 0;
    this.#kept.delete(representation);
  }
}
