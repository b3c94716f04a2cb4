// The request side of a connection as a state machine: bytes in, events out, one message at a time.
//
// A chunk is read in place. What cannot be used yet waits in a ReceiveBuffer: the beginning of a head or trailer section,
// which is tried again when its end has come or its length has doubled (so that any chunking costs linear time), and
// whatever came behind a complete message, until `next()` says that the message was answered. Nothing is read behind the
// last message of a connection, behind an error, or behind a simple request.

import { ContentReader, END_WITHOUT_TRAILERS } from './content-reader.ts';
import { CR, LF } from './grammar.ts';
import { HeadMemo } from './head-memo.ts';
import { type ParserLimits, type ResolvedLimits, resolveLimits, checkBytes, shown } from './limits.ts';
import type { ParserEvent, RequestHeadEvent } from './message.ts';
import { HttpParseError, type HttpParseErrorCode } from './parse-error.ts';
import { ReceiveBuffer } from './receive-buffer.ts';
import { readRequestHead } from './request-head.ts';
import { methodIn } from './request-line.ts';
import { DONE, INCOMPLETE, type Outcome, REFUSED, scan } from './scan.ts';

/** What a `RequestParser` may be told. Parsers made with the same object share what they remember. */
export interface RequestParserOptions extends ParserLimits {
  /** Whether HTTP/0.9 simple requests are read; otherwise a line without a version is 400. @default true */
  readonly simpleRequests?: boolean | undefined;
}

/** What parsers with the same options have in common. */
interface Profile {
  readonly limits: ResolvedLimits;
  readonly simpleRequests: boolean;
  readonly memo: HeadMemo;
}

const DEFAULTS: RequestParserOptions = {};
const profiles = new WeakMap<RequestParserOptions, Profile>();

function profileOf(options: RequestParserOptions): Profile {
  let profile = profiles.get(options);
  if (profile === undefined) {
    const limits = resolveLimits(options, 'RequestParser', ['simpleRequests']);
    const { simpleRequests = true } = options;
    if (typeof simpleRequests !== 'boolean') {
      throw new TypeError(`RequestParser: simpleRequests: expected true or false, not ${shown(simpleRequests)}`);
    }
    profile = {
      limits,
      simpleRequests,
      memo: new HeadMemo(),
    };
    profiles.set(options, profile);
  }
  return profile;
}

const NO_EVENTS: readonly ParserEvent[] = [];

/** Where a parser is; see `RequestParser.state`. */
export type RequestParserState = 'idle' | 'head' | 'content' | 'paused' | 'closed' | 'failed';

/** Reads the requests of one connection. Never throws on input: what is wrong is the last event. */
export class RequestParser {
  readonly #profile: Profile;
  readonly #buffer = new ReceiveBuffer();
  #state: RequestParserState = 'idle';
  /** The octets received and not dropped: the offset of the end of what waits. */
  #received = 0;
  #emptyLines = 0;
  #content: ContentReader | undefined = undefined;
  #current: RequestHeadEvent | undefined = undefined;
  /** Of a request that was refused before its head was read. */
  #refusedMethod: string | undefined = undefined;
  /** The error once all that waits has been read: the peer finished, or sent too much. */
  #ending: HttpParseErrorCode | undefined = undefined;

  constructor(options: RequestParserOptions = DEFAULTS) {
    this.#profile = profileOf(options);
  }

  /**
   * `idle`: no octet of a next request has come · `head` · `content` · `paused`: a request is complete and waits for
   * `next()` · `closed`: the last message is over · `failed`.
   */
  get state(): RequestParserState {
    return this.#state;
  }

  /** The method of the request under way, as soon as it has come; also of one that was refused: HEAD gets no content. */
  get method(): string | undefined {
    return (
      this.#current?.head.method ??
      this.#refusedMethod ??
      methodIn(this.#buffer.bytes, this.#buffer.start, this.#buffer.end)
    );
  }

  /** What was received and not read: after an upgrade or CONNECT, the first octets of the other protocol. */
  get remainder(): Uint8Array {
    return this.#buffer.bytes.slice(this.#buffer.start, this.#buffer.end);
  }

  /** How many octets `remainder` has. */
  get remainderBytes(): number {
    return this.#buffer.length;
  }

  /** Reads what came from the connection. `bytes` is borrowed for this call and for the content events it returns. */
  push(bytes: Uint8Array): readonly ParserEvent[] {
    checkBytes(bytes);
    const state = this.#state;
    if (state === 'closed' || state === 'failed') return NO_EVENTS;
    if (state === 'paused') return this.#keep(bytes);
    this.#received += bytes.length;
    const buffer = this.#buffer;
    if (buffer.length === 0) return this.#read(bytes, 0, bytes.length);
    buffer.append(bytes, 0);
    const { maxHeadBytes, maxTrailerBytes } = this.#profile.limits;
    return buffer.isDue(state === 'content' ? maxTrailerBytes : maxHeadBytes) ? this.#readBuffer() : NO_EVENTS;
  }

  /** Says that the peer has finished sending. */
  end(): readonly ParserEvent[] {
    this.#ending ??= 'unexpected-end';
    if (this.#state === 'closed' || this.#state === 'failed' || this.#state === 'paused') return NO_EVENTS;
    return this.#finish(this.#buffer.length === 0 ? NO_EVENTS : this.#readBuffer());
  }

  /**
   * Says that the message was answered, and reads the next from what was kept. Throws when no complete message waits: to
   * abandon one in the middle, close the connection.
   */
  next(): readonly ParserEvent[] {
    if (this.#state === 'closed' || this.#state === 'failed') return NO_EVENTS;
    if (this.#state !== 'paused')
      throw new Error(`next: no complete request waits for its response (state: ${this.state})`);
    if (this.#current?.persistent !== true) {
      this.#state = 'closed';
      this.#buffer.clear();
      return NO_EVENTS;
    }
    this.#state = 'idle';
    this.#emptyLines = 0;
    this.#current = undefined;
    return this.#finish(this.#buffer.length === 0 ? NO_EVENTS : this.#readBuffer());
  }

  /** Keeps what comes behind a complete message, if anything may follow it. */
  #keep(bytes: Uint8Array): readonly ParserEvent[] {
    if (this.#ending !== undefined || !this.#mayBeFollowed()) return NO_EVENTS;
    if (this.#buffer.length + bytes.length > this.#profile.limits.maxPipelinedBytes) {
      this.#ending = 'too-much-pipelined';
      return NO_EVENTS;
    }
    this.#received += bytes.length;
    this.#buffer.append(bytes, 0);
    return NO_EVENTS;
  }

  /** Another request, or another protocol. */
  #mayBeFollowed(): boolean {
    const current = this.#current;
    return current?.persistent === true || current?.upgrade !== undefined || current?.form === 'authority';
  }

  #readBuffer(): readonly ParserEvent[] {
    return this.#read(this.#buffer.bytes, this.#buffer.start, this.#buffer.end);
  }

  /** Reads on in `bytes`, which is the buffer's or what was just pushed. */
  #read(bytes: Uint8Array, start: number, end: number): readonly ParserEvent[] {
    const isLookedFor = this.#state === 'idle';
    if (isLookedFor) {
      const remembered = this.#profile.memo.find(bytes, start, end);
      if (remembered !== undefined) {
        this.#current = remembered.event;
        this.#state = 'paused';
        this.#keepRest(bytes, start + remembered.bytes.length, end);
        return [remembered.event, END_WITHOUT_TRAILERS];
      }
    }
    scan.begin(bytes, start, end);
    if (this.#content !== undefined) return this.#readContent(this.#content, []);
    const event = this.#readHead(isLookedFor);
    if (typeof event === 'number') return this.#stopAtHead(event, start);
    if (event.contentLength === 0) {
      if (scan.at < end || bytes === this.#buffer.bytes) this.#keepRest(bytes, scan.at, end);
      return [event, END_WITHOUT_TRAILERS];
    }
    this.#content = new ContentReader(event.contentLength ?? 'chunked', this.#profile.limits);
    return this.#readContent(this.#content, [event]);
  }

  /** The head is incomplete, or refused. */
  #stopAtHead(outcome: typeof INCOMPLETE | typeof REFUSED, start: number): readonly ParserEvent[] {
    const { bytes, at, end } = scan;
    if (outcome === INCOMPLETE) {
      this.#keepRest(bytes, at, end);
      return NO_EVENTS;
    }
    this.#refusedMethod = methodIn(bytes, start, end);
    return this.#fail(scan.code, this.#received - (end - at), NO_EVENTS);
  }

  /** Reads a head, unless there are only empty lines. */
  #readHead(isLookedFor: boolean): RequestHeadEvent | typeof INCOMPLETE | typeof REFUSED {
    if (scan.bytes[scan.at] === CR) {
      const outcome = this.#skipEmptyLines();
      if (outcome !== DONE) return outcome;
    }
    if (scan.at === scan.end) return INCOMPLETE;
    const { limits, simpleRequests, memo } = this.#profile;
    const start = scan.at;
    const event = readRequestHead(scan, limits, simpleRequests);
    if (typeof event === 'number') {
      this.#state = 'head';
      if (event === INCOMPLETE) scan.at = start;
      return event;
    }
    if (isLookedFor) memo.note(scan, start, event);
    this.#current = event;
    this.#state = event.contentLength === 0 ? 'paused' : 'content';
    return event;
  }

  /** CRLF before a request line is left over from the message before (RFC 9112 §2.2). */
  #skipEmptyLines(): Outcome {
    while (scan.at < scan.end && scan.bytes[scan.at] === CR) {
      if (scan.at + 1 === scan.end) return INCOMPLETE;
      if (scan.bytes[scan.at + 1] !== LF) return scan.refuse('bad-line-end', scan.at + 1);
      if (++this.#emptyLines > this.#profile.limits.maxEmptyLines) return scan.refuse('too-many-empty-lines', scan.at);
      scan.at += 2;
    }
    return DONE;
  }

  #readContent(content: ContentReader, events: ParserEvent[]): readonly ParserEvent[] {
    const { bytes, end } = scan;
    const outcome = scan.at < end ? content.read(scan, events) : INCOMPLETE;
    if (outcome === REFUSED) return this.#fail(scan.code, this.#received - (end - scan.at), events);
    if (outcome === DONE) {
      this.#state = 'paused';
      this.#content = undefined;
    }
    this.#keepRest(bytes, scan.at, end);
    return events;
  }

  /** Keeps what was not read: more messages behind one that is complete, or a section that is not. */
  #keepRest(bytes: Uint8Array, at: number, end: number): void {
    const buffer = this.#buffer;
    const isOwn = bytes === buffer.bytes;
    if (!isOwn && at === end) return;
    const isPaused = this.#state === 'paused';
    if (isPaused && !this.#mayBeFollowed()) return buffer.clear();
    if (!isOwn) buffer.append(bytes, at);
    const start = isOwn ? at : 0;
    if (isPaused) buffer.keepFrom(start);
    else buffer.waitFrom(start);
  }

  /** Handles the end of input: closed when idle, otherwise an error. */
  #finish(events: readonly ParserEvent[]): readonly ParserEvent[] {
    if (this.#ending === undefined || this.#state === 'paused' || this.#state === 'failed') return events;
    if (this.#state === 'idle' && this.#ending === 'unexpected-end') {
      this.#state = 'closed';
      return events;
    }
    this.#refusedMethod = this.method;
    return this.#fail(this.#ending, this.#received, events);
  }

  #fail(code: HttpParseErrorCode, offset: number, events: readonly ParserEvent[]): readonly ParserEvent[] {
    this.#state = 'failed';
    this.#buffer.clear();
    return [...events, { type: 'error', error: new HttpParseError(code, offset) }];
  }
}
