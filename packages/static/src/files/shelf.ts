// Where the contents of remembered files stand: side by side in buffers that are filled, given up and filled again as a whole.
//
// What a shelf holds is overwritten once it is given up, so contents are copied out, or lent to who is done with them before
// anything else is asked. So memory that was given up is used again at once, without waiting for the collector, and the cache takes
// what it was allowed and no more.

import { lendBytes } from './lent-buffers.ts';

/** Larger contents have memory of their own, which is sent without a copy. */
const MAX_BYTES = 32 * 1024;

/** A shelf takes memory in pieces of this size, as it is filled. */
const PIECE_BYTES = 64 * 1024;

/** Pieces of shelves that were given up, kept for the next ones; when one goes, another comes. */
const MAX_SPARE = 16;

const NOTHING = new Uint8Array(0);

export class Shelf {
  readonly #spare: Buffer[];
  readonly #pieces: Buffer[] = [];
  #used = PIECE_BYTES;
  /** Whether its memory belongs to others now. */
  isGivenUp = false;

  /** `spare` is what the shelves of one cache share. */
  constructor(spare: Buffer[]) {
    this.#spare = spare;
  }

  /** Puts a copy of `bytes` on the shelf; where it stands, or undefined for what is too large. */
  put(bytes: Uint8Array): number | undefined {
    if (bytes.length > MAX_BYTES) return undefined;
    if (this.#used + bytes.length > PIECE_BYTES) {
      this.#pieces.push(this.#spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES));
      this.#used = 0;
    }
    const place = (this.#pieces.length - 1) * PIECE_BYTES + this.#used;
    this.#pieces.at(-1)?.set(bytes, this.#used);
    this.#used += bytes.length;
    return place;
  }

  /** A copy of what stands at a place. */
  copy(place: number, length: number): Uint8Array {
    const bytes = lendBytes(length);
    bytes.set(this.lend(place, length));
    return bytes;
  }

  /** What stands at a place, until the shelf is given up. */
  lend(place: number, length: number): Uint8Array {
    if (length === 0) return NOTHING;
    const start = place % PIECE_BYTES;
    const piece = this.#pieces[(place - start) / PIECE_BYTES];
    if (piece === undefined) throw new RangeError(`nothing stands at ${place}`);
    // Cheaper than `subarray` of a Buffer.
    return new Uint8Array(piece.buffer, piece.byteOffset + start, length);
  }

  /** Gives the memory to the next shelves. */
  giveUp(): void {
    this.isGivenUp = true;
    this.#spare.push(...this.#pieces.splice(0, MAX_SPARE - this.#spare.length));
    this.#pieces.length = 0;
    this.#used = PIECE_BYTES;
  }
}
