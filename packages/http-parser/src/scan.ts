// What all scanners share: the input, the position in it, and the offsets found so far.
//
// There is one `Scan` for all parsers. A scan begins and ends within one call, so nothing in it outlives that call, and no
// memory is needed for each connection. Scanners go strictly from left to right and judge each octet as they reach it:
// that is why the same bytes give the same refusal at the same place however they are cut into chunks.

import type { HttpParseErrorCode } from './parse-error.ts';
import type { Version } from './message.ts';

/** The scanner succeeded: `at` is behind what it read. */
export const DONE = 0;
/** Nothing wrong so far, but the bytes end too early. */
export const INCOMPLETE = 1;
/** `code` says what is wrong at `at`. */
export const REFUSED = 2;
export type Outcome = typeof DONE | typeof INCOMPLETE | typeof REFUSED;

/** The field names that framing, routing and persistence depend on. */
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const EXPECT = 5;
export const UPGRADE = 6;

export class Scan {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  code: HttpParseErrorCode = 'bad-method';

  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  version: Version = '1.1';
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;
  /** Where field lines begin. */
  fieldsStart = 0;
  /** What field lines may look like: how many, up to which offset, and what it means to reach that. */
  maxFields = 0;
  limit = 0;
  tooLarge: 'head-too-large' | 'trailers-too-large' = 'head-too-large';
  /** LF alone ends a line (HTTP/1.0 only). */
  bareLf = false;
  /** A line that begins with white space continues the one before (HTTP/1.0, and responses). */
  folding = false;
  /** Whether one of these two was needed: the message is then the last of its connection. */
  lenient = false;
  /** Triples of name, start of value, end of value: the fields named above, in order. Only `markCount` numbers count. */
  readonly marks: number[] = [];
  markCount = 0;

  /** How many octets were looked at or moved in all, ever: what tests of linear time count. */
  examined = 0;

  begin(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.lenient = false;
    this.markCount = 0;
  }

  /** Notes a field that framing depends on, and where its value stands. */
  mark(kind: number, start: number, end: number): void {
    const { marks, markCount } = this;
    marks[markCount] = kind;
    marks[markCount + 1] = start;
    marks[markCount + 2] = end;
    this.markCount = markCount + 3;
  }

  refuse(code: HttpParseErrorCode, at: number): typeof REFUSED {
    this.code = code;
    this.at = at;
    return REFUSED;
  }
}

export const scan: Scan = new Scan();
