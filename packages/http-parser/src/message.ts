// The values a parser makes and a serializer takes. Field names are lower case; order and duplicates are kept.

import type { HttpParseError } from './parse-error.ts';

/** One field line: name in lower case, value without the white space around it (RFC 9110 §5). */
export type Field = readonly [name: string, value: string];

/** What the first line named, or for 0.9 what it did not name. Any 1.x with x > 1 is read as 1.1 (RFC 9110 §2.5). */
export type Version = '0.9' | '1.0' | '1.1';

/** The first line of a request and its fields. */
export interface RequestHead {
  readonly method: string;
  /** The request-target as it stood on the wire, printable ASCII. */
  readonly target: string;
  readonly version: Version;
  readonly fields: readonly Field[];
}

/** The first line of a response and its fields. */
export interface ResponseHead {
  readonly version: Version;
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly Field[];
}

/** The four forms of a request-target (RFC 9112 §3.2). */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';

/** A request head and everything it decides about the connection. A repeated head gives the same object again. */
export interface RequestHeadEvent {
  readonly type: 'head';
  readonly head: RequestHead;
  readonly form: TargetForm;
  /** The target in origin form: of an absolute target what follows the authority; `*`; `''` for the authority form. */
  readonly pathAndQuery: string;
  /** The host and optional port that the target names, else the Host field; valid; undefined when none was named. */
  readonly authority: string | undefined;
  /** How the content is delimited; `none` means that neither Content-Length nor Transfer-Encoding was sent. */
  readonly framing: 'none' | 'length' | 'chunked';
  /** 0 for `none`, undefined for `chunked`. */
  readonly contentLength: number | undefined;
  /** Whether the request lets the connection live on after its answer (RFC 9112 §9.3). */
  readonly persistent: boolean;
  /** `continue`: the client waits for 100 before it sends content; `unknown`: it asked for something else (417). */
  readonly expectation: 'none' | 'continue' | 'unknown';
  /** The Upgrade field of an HTTP/1.1 request whose Connection field names it (RFC 9110 §7.8). */
  readonly upgrade: string | undefined;
}

/** A response head and what it decides about the connection; `interim` for 1xx but 101, before the final `head`. */
export interface ResponseHeadEvent {
  readonly type: 'interim' | 'head';
  readonly head: ResponseHead;
  /** How the content is delimited; `close`: by the end of the connection. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** 0 for `none`, undefined for `chunked` and `close`. */
  readonly contentLength: number | undefined;
  /** Whether the response lets the connection live on after it. */
  readonly persistent: boolean;
}

/** A part of the content. `bytes` belongs to the parser or the caller's buffer: valid until the next call only. */
export interface ContentEvent {
  readonly type: 'content';
  readonly bytes: Uint8Array;
}

/** The message is complete. Trailers are kept apart from the fields of the head, always (RFC 9110 §6.5.1). */
export interface EndEvent {
  readonly type: 'end';
  readonly trailers: readonly Field[];
}

/** Takes the events of a content: an array of any events that include them. */
export interface ContentSink {
  push(event: ContentEvent | EndEvent): unknown;
}

/** The input is not acceptable; nothing behind it is read and no event follows. */
export interface ErrorEvent {
  readonly type: 'error';
  readonly error: HttpParseError;
}

/** What `RequestParser` reports, in order: `head`, any number of `content`, `end`; or `error`. */
export type ParserEvent = RequestHeadEvent | ContentEvent | EndEvent | ErrorEvent;

/** What `ResponseParser` reports, in order: any number of `interim`, `head`, `content`s, `end`; or `error`. */
export type ResponseParserEvent = ResponseHeadEvent | ContentEvent | EndEvent | ErrorEvent;
