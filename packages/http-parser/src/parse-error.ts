// Everything that can be wrong with a message: a code that stays stable, the status to answer with, and words.
//
// Scanners do not throw. They leave code and place in a `Scan` and return REFUSED; the parser makes the error from them.

/** The stable name of what is wrong. */
export type HttpParseErrorCode =
  | 'bad-method'
  | 'bad-target'
  | 'bad-version'
  | 'bad-simple-request'
  | 'bad-line-end'
  | 'bad-field-name'
  | 'bad-field-value'
  | 'folded-field'
  | 'missing-host'
  | 'repeated-host'
  | 'bad-host'
  | 'bad-content-length'
  | 'bad-transfer-encoding'
  | 'conflicting-length'
  | 'bad-chunk-line'
  | 'bad-chunk-end'
  | 'forbidden-trailer'
  | 'bad-status-line'
  | 'too-many-empty-lines'
  | 'too-much-pipelined'
  | 'unexpected-end'
  | 'length-overflow'
  | 'chunk-line-too-long'
  | 'chunk-extensions-too-large'
  | 'request-line-too-long'
  | 'head-too-large'
  | 'too-many-fields'
  | 'trailers-too-large'
  | 'method-too-long'
  | 'unsupported-transfer-coding'
  | 'unsupported-version';

const REFUSALS: Readonly<Record<HttpParseErrorCode, readonly [status: number, message: string]>> = {
  'bad-method': [400, 'The method is not a token followed by one space'],
  'bad-target': [400, 'The request-target is not valid for this method'],
  'bad-version': [400, 'The request line does not end with a well-formed HTTP-version'],
  'bad-simple-request': [400, 'A request without a version is GET, a path and CRLF, with nothing behind it'],
  'bad-line-end': [400, 'A line does not end with CRLF'],
  'bad-field-name': [400, 'A field name is not a token followed directly by a colon'],
  'bad-field-value': [400, 'A field value contains a control character'],
  'folded-field': [400, 'A field line is folded'],
  'missing-host': [400, 'An HTTP/1.1 request has no Host field'],
  'repeated-host': [400, 'There is more than one Host field'],
  'bad-host': [400, 'The Host field is not a host with an optional port'],
  'bad-content-length': [400, 'Content-Length is not one decimal number'],
  'bad-transfer-encoding': [400, 'Transfer-Encoding does not end with exactly one chunked'],
  'conflicting-length': [400, 'Content-Length and Transfer-Encoding are both present'],
  'bad-chunk-line': [400, 'A chunk line is not a hexadecimal size with extensions'],
  'bad-chunk-end': [400, 'Chunk data is not followed by CRLF'],
  'forbidden-trailer': [400, 'A trailer field must not change framing or routing'],
  'bad-status-line': [400, 'The status line is not a version, a status and a reason'],
  'too-many-empty-lines': [400, 'Too many empty lines before the request line'],
  'too-much-pipelined': [400, 'Too much was sent before an earlier request was answered'],
  'unexpected-end': [400, 'The peer finished sending in the middle of a message'],
  'length-overflow': [400, 'A length is larger than 2^53 - 1 octets'],
  'chunk-line-too-long': [400, 'A chunk line is too long'],
  'chunk-extensions-too-large': [400, 'The chunk extensions of one message are too large'],
  'request-line-too-long': [414, 'The request line is too long'],
  'head-too-large': [431, 'The head is too large'],
  'too-many-fields': [431, 'There are too many field lines'],
  'trailers-too-large': [431, 'The trailer section is too large'],
  'method-too-long': [501, 'The method is longer than any known one'],
  'unsupported-transfer-coding': [501, 'Only the chunked transfer coding is supported'],
  'unsupported-version': [505, 'Only HTTP/1.x is supported'],
};

/** Why a message was refused. */
export class HttpParseError extends Error {
  override readonly name: string = 'HttpParseError';
  readonly code: HttpParseErrorCode;
  /** The status to answer a request with; 502 from a response parser. */
  readonly status: number;
  /** The place of the offending octet, counted from the first octet that the parser was given. */
  readonly offset: number;

  constructor(code: HttpParseErrorCode, offset: number, status: number = REFUSALS[code][0]) {
    super(`${REFUSALS[code][1]} (at octet ${offset})`);
    this.code = code;
    this.status = status;
    this.offset = offset;
  }
}

/** Every code with its status: the list that documentation and tests check themselves against. */
export const PARSE_ERROR_STATUS: Readonly<Record<HttpParseErrorCode, number>> = Object.fromEntries(
  Object.entries(REFUSALS).map(([code, [status]]) => [code, status]),
) as Record<HttpParseErrorCode, number>;
