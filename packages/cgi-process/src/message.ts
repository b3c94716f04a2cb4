// What `cgi` reads of a request and what it returns: plain values, so that any server can hold them.

/** One field line: name in lower case, value (RFC 9110 §5). */
export type Field = readonly [name: string, value: string];

/** One end of a connection. `address` is bare: no brackets, no port. */
export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** The members of a request that become meta-variables (RFC 3875 §4.1) and the script's standard input. */
export interface CgiRequest {
  readonly method: string;
  /** The request-target as it stood on the wire. */
  readonly target: string;
  readonly version: '0.9' | '1.0' | '1.1';
  readonly scheme: 'http' | 'https';
  /** Host and optional port as the client named them, valid; absent when it named none. */
  readonly authority?: string | undefined;
  readonly scriptName: string;
  /** The path after `scriptName`: percent-decoded once, dot segments resolved, empty segments kept. */
  readonly pathInfo: string;
  readonly query?: string | undefined;
  readonly fields: readonly Field[];
  /** 0 when there is none, undefined when it ends with its last chunk. */
  readonly contentLength: number | undefined;
  readonly content: AsyncIterable<Uint8Array>;
  readonly remote: Peer;
  readonly local: Peer;
  /** The user name that the server itself authenticated. */
  readonly user?: string | undefined;
  /** The scheme it was authenticated with, such as `Basic`. */
  readonly authType?: string | undefined;
  /** One name for the request in every log. */
  readonly id?: string | undefined;
  /** Aborted when the client has gone. */
  readonly signal?: AbortSignal | undefined;
}

/** Keeps bytes that a server makes of fields for as long as they are the same. */
export interface LineStore {
  readonly kept: Uint8Array | undefined;
  keep(lines: Uint8Array): void;
}

/** A response as a value. `content` absent means none; an iterable is closed by whoever abandons it. */
export interface CgiResponse {
  readonly status: number;
  readonly reason?: string | undefined;
  readonly fields: readonly Field[];
  readonly content?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /**
   * Whether there is nothing for the path here, so that another route may have something; false for what must not go on to one,
   * as a method that a script does not take. Undefined where the status says enough.
   */
  readonly isNothing?: boolean | undefined;
  /** Why a status of 400 or more was chosen: for logs and error hooks, never for the client. */
  readonly cause?: unknown;
  /** A path and optional query: answer as a GET of it would be answered (RFC 3875 §6.2.2). */
  readonly localRedirect?: string | undefined;
  /**
   * Whether `content` is bytes that are only valid until whoever waits for this response has been called. Only in what a `lend`
   * returns.
   */
  readonly isLent?: boolean | undefined;
  /** With `isLent`, where responses with just these fields are frequent. */
  readonly lines?: LineStore | undefined;
  /** `content` is the whole response, first line included; write it unchanged and close (RFC 3875 §5). */
  readonly nonParsed?: boolean | undefined;
}
