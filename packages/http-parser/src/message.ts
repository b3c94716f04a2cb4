// The values a parser makes and a serializer takes. Field names are lower case; order and duplicates are kept.

/** One field line: name in lower case, value without the white space around it (RFC 9110 §5). */
export type Field = readonly [name: string, value: string];

/** What the first line named, or for 0.9 what it did not name. Any 1.x with x > 1 is read as 1.1. */
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
