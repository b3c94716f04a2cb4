// What `serveStatic` reads of a request and what it returns: plain values, so that any server can hold them.

import type { HeldDirectories } from './writing/held-directories.ts';

/** One field line: name in lower case, value (RFC 9110 §5). */
export type Field = readonly [name: string, value: string];

/** The members of a request that decide which file answers, and how. */
export interface StaticRequest {
  readonly method: string;
  readonly version?: '0.9' | '1.0' | '1.1' | undefined;
  /** What was matched before `pathInfo`, decoded; `''` at the top. Only redirects and listings need it. */
  readonly scriptName?: string | undefined;
  /** The path below the root: percent-decoded once, dot segments resolved, beginning with `/`. */
  readonly pathInfo: string;
  /** The request target as it stood on the wire. With it redirects within the site are relative. */
  readonly target?: string | undefined;
  /** The query without `?`, as it stood on the wire. */
  readonly query?: string | undefined;
  readonly fields: readonly Field[];
  /** The content of a PUT. */
  readonly content?: AsyncIterable<Uint8Array> | undefined;
  /**
   * Called when a PUT has its whole content and no other writer has the target: may do what belongs to the write, calls
   * `place`, which lets the file take its place, and returns its answer or another. A rejection ends the write.
   *
   * A small file may be placed in a directory that the caller holds, which `SiteTree.inTurn` gives; where that cannot be, `place`
   * resolves with an answer that the caller returns as it is, and is called once more without.
   */
  readonly commit?:
    | ((place: (held?: HeldDirectories) => Promise<StaticResponse>) => Promise<StaticResponse>)
    | undefined;
}

/** Keeps bytes that a caller makes of a response's fields for as long as the fields are the same. */
export interface LineStore {
  /** What was kept; valid as long as lent content is. */
  readonly kept: Uint8Array | undefined;
  /** Copies `lines`, if there is room. */
  keep(lines: Uint8Array): void;
}

/** A response as a value. `content` absent means none; an iterable is closed by whoever abandons it. */
export interface StaticResponse {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly content?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** The names, from the root downwards, of the file that answers; a precompressed one is named itself. */
  readonly file?: readonly string[] | undefined;
  /**
   * Whether this says only what holds where nothing is, as the answer to a preflight and the root's own 404.html do: another
   * handler, if there is one, may know better.
   */
  readonly isNothing?: boolean | undefined;
  /** Whether `content` is bytes that are only valid until the responder is asked again or the loop turns; see `lend`. */
  readonly isLent?: boolean | undefined;
  /** With `isLent`: keeps what the caller makes of `fields`. Not there on copies, whose fields may be others. */
  readonly lines?: LineStore | undefined;
  /** Why a status of 400 or more was chosen: for logs and error hooks, never for the client. */
  readonly cause?: unknown;
}
