// The content of one message, and its end: a number of octets, chunks with trailers, or all until the peer finishes.

import { ChunkedDecoder } from './chunked.ts';
import type { ResolvedLimits } from './limits.ts';
import type { ContentSink, EndEvent, Field } from './message.ts';
import { viewOf } from './native.ts';
import { DONE, INCOMPLETE, type Outcome, type Scan } from './scan.ts';
import { readTrailers } from './trailers.ts';

/** The end of every message that has no trailers. */
export const END_WITHOUT_TRAILERS: EndEvent = Object.freeze({ type: 'end', trailers: Object.freeze([]) });

/** Reads the content of one message. */
export class ContentReader {
  readonly #limits: ResolvedLimits;
  readonly #chunks: ChunkedDecoder | undefined;
  /** Infinite when the end of the connection is the end of the content. */
  #remaining: number;
  #inTrailers = false;

  constructor(length: number | 'chunked' | 'close', limits: ResolvedLimits) {
    this.#limits = limits;
    this.#chunks = length === 'chunked' ? new ChunkedDecoder(limits) : undefined;
    this.#remaining = typeof length === 'number' ? length : Number.POSITIVE_INFINITY;
  }

  /** Whether the message may end here because the peer does. */
  get endsWithConnection(): boolean {
    return this.#chunks === undefined && this.#remaining === Number.POSITIVE_INFINITY;
  }

  /** Takes what the scan holds. DONE with the `end` event; INCOMPLETE leaves only the beginning of trailers unused. */
  read(scan: Scan, events: ContentSink): Outcome {
    if (this.#chunks !== undefined) return this.#readChunks(this.#chunks, scan, events);
    const length = Math.min(this.#remaining, scan.end - scan.at);
    if (length > 0) events.push({ type: 'content', bytes: viewOf(scan.bytes, scan.at, scan.at + length) });
    scan.at += length;
    this.#remaining -= length;
    if (this.#remaining > 0) return INCOMPLETE;
    events.push(END_WITHOUT_TRAILERS);
    return DONE;
  }

  #readChunks(chunks: ChunkedDecoder, scan: Scan, events: ContentSink): Outcome {
    if (!this.#inTrailers) {
      const outcome = chunks.read(scan, events);
      if (outcome !== DONE) return outcome;
      this.#inTrailers = true;
    }
    const start = scan.at;
    const trailers = readTrailers(scan, this.#limits);
    if (trailers === INCOMPLETE) scan.at = start;
    if (typeof trailers === 'number') return trailers;
    events.push(endEvent(trailers));
    return DONE;
  }
}

function endEvent(trailers: readonly Field[]): EndEvent {
  return trailers.length === 0 ? END_WITHOUT_TRAILERS : { type: 'end', trailers };
}
