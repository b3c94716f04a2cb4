// The response side of a connection as a state machine, for clients, proxies and tests.
//
// `next` says which request is answered now: where a response ends depends on the request's method and version. What
// comes without a request to answer is kept and not read: who sends one request at a time looks at `remainder`, and closes a
// connection that had something to say unasked.

import { ContentReader, END_WITHOUT_TRAILERS } from './content-reader.ts';
import { CR, LF } from './grammar.ts';
import { checkBytes, type ParserLimits, type ResolvedLimits, resolveLimits, shown } from './limits.ts';
import type { ResponseHead, ResponseHeadEvent, ResponseParserEvent, Version } from './message.ts';
import { HttpParseError, type HttpParseErrorCode } from './parse-error.ts';
import { ReceiveBuffer } from './receive-buffer.ts';
import { readResponseHead } from './response-head.ts';
import { DONE, INCOMPLETE, type Outcome, REFUSED, scan } from './scan.ts';

/** Where a response parser is; see `ResponseParser.state`. */
export type ResponseParserState = 'idle' | 'head' | 'content' | 'closed' | 'failed';

const NO_EVENTS: readonly ResponseParserEvent[] = [];

/** Every refusal of a response is the failure of a gateway. */
const BAD_GATEWAY = 502;

/** An HTTP/0.9 response is its content (RFC 1945 §6). */
const SIMPLE_RESPONSE: ResponseHeadEvent = {
  type: 'head',
  head: { version: '0.9', status: 200, reason: '', fields: [] } satisfies ResponseHead,
  framing: 'close',
  contentLength: undefined,
  persistent: false,
};

/** Reads the responses of one connection. Never throws on input: what is wrong is the last event. */
export class ResponseParser {
  readonly #limits: ResolvedLimits;
  readonly #buffer = new ReceiveBuffer();
  #state: ResponseParserState = 'idle';
  #method = '';
  #content: ContentReader | undefined = undefined;
  #persistent = true;
  #received = 0;
  #emptyLines = 0;
  #ending: HttpParseErrorCode | undefined = undefined;

  constructor(options: ParserLimits = {}) {
    this.#limits = resolveLimits(options, 'ResponseParser');
  }

  /** `idle`: no response is awaited · `head` · `content` · `closed`: the last response is over · `failed`. */
  get state(): ResponseParserState {
    return this.#state;
  }

  /** What was received and not read: after 101 or CONNECT, the first octets of the other protocol. */
  get remainder(): Uint8Array {
    return this.#buffer.bytes.slice(this.#buffer.start, this.#buffer.end);
  }

  /** Says which request is answered next, and reads what was kept. Throws unless the parser is idle. */
  next(request: { readonly method: string; readonly version?: Version | undefined }): readonly ResponseParserEvent[] {
    if (this.#state !== 'idle') throw new Error(`next: the parser does not wait for a request (state: ${this.#state})`);
    if (typeof request?.method !== 'string') {
      throw new TypeError(
        `next: expected the request that is answered, such as { method: 'GET' }, not ${shown(request)}`,
      );
    }
    this.#method = request.method;
    this.#emptyLines = 0;
    this.#state = 'head';
    if (request.version !== '0.9') return this.#finish(this.#readBuffer([]));
    this.#state = 'content';
    this.#persistent = false;
    this.#content = new ContentReader('close', this.#limits);
    return this.#finish(this.#readBuffer([SIMPLE_RESPONSE]));
  }

  /** Reads what came from the connection. `bytes` is borrowed for this call and for the content events it returns. */
  push(bytes: Uint8Array): readonly ResponseParserEvent[] {
    checkBytes(bytes);
    const state = this.#state;
    const buffer = this.#buffer;
    if (state === 'failed') return NO_EVENTS;
    if (state === 'idle' || state === 'closed') return this.#keep(bytes);
    this.#received += bytes.length;
    if (buffer.length === 0) return this.#read(bytes, [], { start: 0, end: bytes.length });
    buffer.append(bytes, 0);
    const { maxHeadBytes, maxTrailerBytes } = this.#limits;
    return buffer.isDue(state === 'head' ? maxHeadBytes : maxTrailerBytes) ? this.#readBuffer([]) : NO_EVENTS;
  }

  /** Says that the peer has finished sending: the end of a response that is delimited by it, otherwise an error. */
  end(): readonly ResponseParserEvent[] {
    this.#ending ??= 'unexpected-end';
    if (this.#state === 'closed' || this.#state === 'failed') return NO_EVENTS;
    return this.#finish(this.#state === 'idle' ? [] : this.#readBuffer([]));
  }

  #keep(bytes: Uint8Array): readonly ResponseParserEvent[] {
    if (this.#ending !== undefined) return NO_EVENTS;
    if (this.#buffer.length + bytes.length > this.#limits.maxPipelinedBytes) {
      this.#ending = 'too-much-pipelined';
      return NO_EVENTS;
    }
    this.#received += bytes.length;
    this.#buffer.append(bytes, 0);
    return NO_EVENTS;
  }

  #readBuffer(events: ResponseParserEvent[]): ResponseParserEvent[] {
    const { bytes, start, end } = this.#buffer;
    return start === end ? events : this.#read(bytes, events, { start, end });
  }

  #read(
    bytes: Uint8Array,
    events: ResponseParserEvent[],
    range: { start: number; end: number },
  ): ResponseParserEvent[] {
    scan.begin(bytes, range.start, range.end);
    while (scan.at < scan.end && (this.#state === 'head' || this.#state === 'content')) {
      const outcome = this.#content === undefined ? this.#readHead(events) : this.#readContent(this.#content, events);
      if (outcome === REFUSED) return this.#fail(scan.code, this.#received - (range.end - scan.at), events);
      if (outcome === INCOMPLETE) break;
    }
    this.#keepRest(bytes, scan.at, range.end);
    return events;
  }

  /** Keeps what was not read: behind the end of a response, or a section that is not all there. */
  #keepRest(bytes: Uint8Array, at: number, end: number): void {
    const isOwn = bytes === this.#buffer.bytes;
    if (!isOwn && at === end) return;
    if (!isOwn) this.#buffer.append(bytes, at);
    const start = isOwn ? at : 0;
    if (this.#state === 'head' || this.#state === 'content') this.#buffer.waitFrom(start);
    else this.#buffer.keepFrom(start);
  }

  #readHead(events: ResponseParserEvent[]): Outcome {
    const skipped = this.#skipEmptyLines();
    if (skipped !== DONE) return skipped;
    const start = scan.at;
    scan.begin(scan.bytes, start, scan.end);
    const event = readResponseHead(scan, this.#limits, this.#method);
    if (event === INCOMPLETE) scan.at = start;
    if (typeof event === 'number') return event;
    events.push(event);
    if (event.type === 'interim') return DONE;
    this.#persistent = event.persistent;
    if (event.contentLength === 0) {
      events.push(END_WITHOUT_TRAILERS);
      this.#endMessage(event.head.status === 101 || (this.#method === 'CONNECT' && event.head.status < 300));
    } else {
      this.#state = 'content';
      this.#content = new ContentReader(lengthOf(event), this.#limits);
    }
    return DONE;
  }

  /** Old servers send an empty line too many behind content; what RFC 9112 §2.2 asks of servers is done for them, too. */
  #skipEmptyLines(): Outcome {
    const { bytes, end } = scan;
    while (scan.at < end && (bytes[scan.at] === CR || bytes[scan.at] === LF)) {
      const size = bytes[scan.at] === LF ? 1 : 2;
      if (scan.at + size > end) return INCOMPLETE;
      if (bytes[scan.at + size - 1] !== LF) return scan.refuse('bad-line-end', scan.at + 1);
      if (++this.#emptyLines > this.#limits.maxEmptyLines) return scan.refuse('too-many-empty-lines', scan.at);
      scan.at += size;
    }
    return scan.at === end ? INCOMPLETE : DONE;
  }

  #readContent(content: ContentReader, events: ResponseParserEvent[]): Outcome {
    const outcome = content.read(scan, events);
    if (outcome === DONE) this.#endMessage(false);
    return outcome;
  }

  #endMessage(isSwitch: boolean): void {
    this.#content = undefined;
    this.#state = this.#persistent && !isSwitch ? 'idle' : 'closed';
  }

  /** Handles the end of input: the end of content that the connection delimits, otherwise an error. */
  #finish(events: ResponseParserEvent[]): readonly ResponseParserEvent[] {
    if (this.#ending === undefined || this.#state === 'failed' || this.#state === 'closed') return events;
    if (this.#ending === 'unexpected-end' && this.#state === 'idle') {
      if (this.#buffer.length === 0) this.#state = 'closed';
      return events;
    }
    if (this.#ending === 'unexpected-end' && this.#content?.endsWithConnection === true) {
      this.#endMessage(false);
      this.#state = 'closed';
      return [...events, END_WITHOUT_TRAILERS];
    }
    return this.#fail(this.#ending, this.#received, events);
  }

  #fail(code: HttpParseErrorCode, offset: number, events: ResponseParserEvent[]): ResponseParserEvent[] {
    this.#state = 'failed';
    this.#buffer.clear();
    return [...events, { type: 'error', error: new HttpParseError(code, offset, BAD_GATEWAY) }];
  }
}

function lengthOf({ framing, contentLength }: ResponseHeadEvent): number | 'chunked' | 'close' {
  return contentLength ?? (framing === 'chunked' ? 'chunked' : 'close');
}
