// What travels through the server: a request value in, a response value out. Leaves declare the part they read.

import type { Socket } from 'node:net';

/** One field line: name in lower case, value (RFC 9110 §5). */
export type Field = readonly [name: string, value: string];

/** One end of a connection. `address` is bare: no brackets, no port; the path for a Unix socket, with port 0. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** A request as a responder sees it. A value: routing makes a new one, nobody changes one. */
export interface RequestMessage {
  readonly method: string;
  /** The request-target as it stood on the wire. */
  readonly target: string;
  readonly version: '0.9' | '1.0' | '1.1';
  readonly fields: readonly Field[];
  readonly scheme: 'http' | 'https';
  /** Host and optional port as the client named them (absolute target or Host field), valid; `serverName` when it named none. */
  readonly authority: string | undefined;
  /** The part of the path that routes have matched, decoded; `''` at the top (RFC 3875 §4.1.13). */
  readonly scriptName: string;
  /**
   * The rest of the path: percent-decoded exactly once, dot segments resolved, empty segments kept, always valid UTF-8
   * without NUL. Whoever compares or opens it ignores empty segments, so `//admin` is `/admin` everywhere.
   */
  readonly pathInfo: string;
  /**
   * The query without `?`, as it stood on the wire; undefined when there was no `?`. Text, which has no members:
   * `new URLSearchParams(query).get('name')`.
   */
  readonly query: string | undefined;
  /** 0 when there is no content, undefined when it is chunked. */
  readonly contentLength: number | undefined;
  /** May be iterated once. A chunk is the reader's to keep. Asking for the first chunk sends `100 (Continue)` if due. */
  readonly content: AsyncIterable<Uint8Array>;
  readonly remote: Peer;
  readonly local: Peer;
  /** The user name that this server authenticated, and how; undefined when nobody was asked. */
  readonly user: string | undefined;
  readonly authType: string | undefined;
  /** One name for the request in every log, header and environment. */
  readonly id: string;
  /**
   * The protocols that the client offers to change to (RFC 9110 §7.8), such as `websocket`; undefined when there are none, when
   * the request has content, and for h2c, which would bypass every rule of this server.
   */
  readonly upgrade?: string | undefined;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /**
   * Sends an interim response, such as 103 with Link (RFC 8297), before the answer. Does nothing once the answer has begun, and
   * for clients of HTTP/1.0, which cannot read one. Not there on copies made by spreading.
   *
   * Fields that the server decides, such as Connection, are left out. Throws a RangeError for a status that is not 102 to 199, and what
   * the serializer throws for a field.
   */
  inform?(status: number, fields: readonly Field[]): void;
}

/** Keeps bytes that the server makes of a response's fields for as long as the fields are the same. */
export interface LineStore {
  /** What was kept; valid as long as lent content is. */
  readonly kept: Uint8Array | undefined;
  /** Copies `lines`, if there is room. */
  keep(lines: Uint8Array): void;
}

/** Response content. A chunk that an iterable yields is only valid until the next one is asked for. */
export type ContentOut = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * A response as a value; may be remembered and returned again when `content` is absent or bytes.
 *
 * A status of 400 or more without content is *bare*: the server completes it with an error page. For HEAD a responder
 * may answer as for GET: the server drops and closes the content.
 */
export interface ResponseMessage {
  readonly status: number;
  readonly reason?: string | undefined;
  /** `content-length` is given only with iterable content whose length is known. Never `date`, `server`, `connection`. */
  readonly fields: readonly Field[];
  readonly content?: ContentOut | undefined;
  /**
   * Whether it says only what holds where nothing is: a route that falls through leaves the answer to the next one. False keeps
   * the answer here; undefined: 404 and 405 without content go on.
   */
  readonly isNothing?: boolean | undefined;
  /** Why a status of 400 or more was chosen: for logs and the error hook, never for the client. */
  readonly cause?: unknown;
  /** A path and optional query: answer as a GET of it would be answered (RFC 3875 §6.2.2). */
  readonly localRedirect?: string | undefined;
  /**
   * With status 101 and an `upgrade` field: gets the connection, as raw bytes, when the head is out (RFC 9110 §15.2.2). Only in
   * answer to a request with `upgrade`. The stream is a `net.Socket`; bytes that came with the head are the first it reads.
   */
  readonly upgrade?: ((stream: Socket) => void) | undefined;
  /**
   * Whether `content` is bytes that are only valid until the responder is asked again or, where the response comes later, until
   * those who wait for it have been called. Only in what a responder's `lend` returns, or tells a listener.
   */
  readonly isLent?: boolean | undefined;
  /** With `isLent`: keeps what the server makes of `fields`. Not to be there on copies, whose fields may be others. */
  readonly lines?: LineStore | undefined;
  /** `content` is the whole response, first line included; write it unchanged and close (RFC 3875 §5). */
  readonly nonParsed?: boolean | undefined;
}

/**
 * A response as responders and hooks may write it: `fields` may be left out, and `content` may be text. Text is sent as UTF-8 and,
 * unless a field says otherwise, as `text/plain; charset=utf-8`.
 */
export interface ResponseLike extends Omit<ResponseMessage, 'fields' | 'content'> {
  readonly fields?: readonly Field[] | undefined;
  readonly content?: string | ContentOut | undefined;
}

/**
 * Fields for one response, which take the place of those of the same name; undefined for none. `request` is undefined where what came
 * could not be read as one. What says where a message ends (Content-Length, Transfer-Encoding, Connection) is left out.
 */
export type FieldsHook = (
  request: RequestMessage | undefined,
  response: ResponseMessage,
) => readonly Field[] | undefined;

/** Who waits for an answer: told once, with one of both, and not within the call that asks. */
export interface AnswerListener {
  /** Content that `isLent` is valid until this returns. */
  answered(response: ResponseLike): void;
  failed(error: unknown): void;
}

/** Answers a request. One that has its answer returns it, not a promise of it. A throw or rejection becomes a 500. */
export type Responder = (request: RequestMessage) => ResponseLike | Promise<ResponseLike>;
