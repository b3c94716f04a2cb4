// The requests under way on the socket of an event loop, by their numbers.
//
// Not a Map: each time one that is busy makes room, the table that it leaves keeps the next one until the whole heap is collected,
// and with it the requests that were in there. A fifth of what requests allocate lived so long, and was copied twice before.

import type { Exchange } from '../exchange/exchange.ts';
import { type Stream, streamOf } from './stream.ts';

/** Numbers of requests are 16 bits; 0 belongs to none. */
const MAX_REQUEST_ID = 0xffff;

/** How many requests there can be at once. */
export const MAX_STREAMS: number = MAX_REQUEST_ID;

const FIRST_PLACES = 64;

/** Requests in places that their numbers tell. Numbers rise, so that one that has ended is not soon taken for another. */
export class Streams {
  /** As many as a power of two: those that share their last bits cannot be there together. */
  #places: (Stream | undefined)[] = Array.from({ length: FIRST_PLACES });
  #lastId = 0;
  size = 0;

  /** Gives a request its number. There must be fewer than `MAX_STREAMS`. */
  add(exchange: Exchange): Stream {
    if (this.size * 2 >= this.#places.length && this.#places.length <= MAX_REQUEST_ID) this.#grow();
    let id = this.#lastId;
    do id = (id % MAX_REQUEST_ID) + 1;
    while (this.#places[id & (this.#places.length - 1)] !== undefined);
    this.#lastId = id;
    const stream = streamOf(id, exchange);
    this.#places[id & (this.#places.length - 1)] = stream;
    this.size++;
    return stream;
  }

  get(id: number): Stream | undefined {
    const stream = this.#places[id & (this.#places.length - 1)];
    return stream?.id === id ? stream : undefined;
  }

  /** Takes out one that is there. */
  delete(stream: Stream): void {
    this.#places[stream.id & (this.#places.length - 1)] = undefined;
    this.size--;
  }

  /** All that are there now. */
  all(): readonly Stream[] {
    return this.#places.filter((stream) => stream !== undefined);
  }

  #grow(): void {
    const streams = this.all();
    const length = this.#places.length * 2;
    this.#places = Array.from({ length });
    for (const stream of streams) this.#places[stream.id & (length - 1)] = stream;
  }
}
