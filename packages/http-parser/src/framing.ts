// Framing: where a message ends, and whether the connection lives on. This is the only file that decides it, both for what is
// read and for what is written.
//
// It sees every Content-Length, Transfer-Encoding, Connection, Host and Expect line of a head, in order. Whenever two
// readers of the same head could disagree about its end, the head is refused (RFC 9112 §6, §11.2).

import { trimWhiteSpace } from './field-lines.ts';
import { isAuthority, isToken, SP } from './grammar.ts';
import type { Field, Version } from './message.ts';
import { encodeLatin1 } from './native.ts';
import type { HttpParseErrorCode } from './parse-error.ts';
import { CONNECTION, CONTENT_LENGTH, EXPECT, HOST, type Scan, TRANSFER_ENCODING, UPGRADE } from './scan.ts';

/** The lines that decide, collected from a head. One object serves all heads, as `Scan` does. */
export class FramingFields {
  host: string | undefined = undefined;
  hostCount = 0;
  contentLength: string | undefined = undefined;
  contentLengthCount = 0;
  transferEncoding: string | undefined = undefined;
  connection = '';
  expect: string | undefined = undefined;
  upgrade: string | undefined = undefined;
  /** Whether there is nothing but Host. */
  hasOnlyHost = true;

  /**
   * Takes the marked fields of a scan out of the head's text, which began at `base`. Lists in several lines are one list
   * (RFC 9110 §5.3); of Host and Content-Length only one line is acceptable.
   */
  read(text: string, scan: Scan, base: number): void {
    this.host = undefined;
    this.hostCount = 0;
    this.contentLength = undefined;
    this.contentLengthCount = 0;
    this.transferEncoding = undefined;
    this.connection = '';
    this.expect = undefined;
    this.upgrade = undefined;
    this.hasOnlyHost = true;
    const { bytes, marks, markCount } = scan;
    for (let index = 0; index < markCount; index += 3) {
      const kind = marks[index]!;
      const start = marks[index + 1]!;
      const end = marks[index + 2]!;
      if (kind === HOST) {
        this.host = isKnownHost(bytes, start, end) ? knownHost : trimWhiteSpace(text, start - base, end - base);
        this.hostCount++;
      } else {
        this.#take(kind, trimWhiteSpace(text, start - base, end - base));
      }
    }
  }

  #take(kind: number, value: string): void {
    this.hasOnlyHost = false;
    if (kind === CONTENT_LENGTH) {
      this.contentLength = value;
      this.contentLengthCount++;
    } else if (kind === TRANSFER_ENCODING) {
      this.transferEncoding = joined(this.transferEncoding, value);
    } else if (kind === CONNECTION) {
      this.connection = this.connection === '' ? value : `${this.connection},${value}`;
    } else if (kind === EXPECT) {
      this.expect = joined(this.expect, value);
    } else if (kind === UPGRADE) {
      this.upgrade = joined(this.upgrade, value);
    }
  }
}

/** Of the head that is judged right now. */
export const framingFields: FramingFields = new FramingFields();

function joined(list: string | undefined, value: string): string {
  return list === undefined ? value : `${list},${value}`;
}

/** The length of content that carries it, `chunked`, `none`, or what is wrong. */
export type Length = number | 'chunked' | 'none' | { readonly code: HttpParseErrorCode };

/** Decides the length of a request's content (RFC 9112 §6.3). */
export function requestLength(version: Version, fields: FramingFields): Length {
  const { contentLength, transferEncoding } = fields;
  if (transferEncoding === undefined) return contentLength === undefined ? 'none' : readContentLength(fields);
  if (contentLength !== undefined) return { code: 'conflicting-length' };
  // A coding in HTTP/1.0 means that somebody on the way did not understand it (RFC 9112 §6.1).
  if (version !== '1.1') return { code: 'bad-transfer-encoding' };
  return readTransferEncoding(transferEncoding);
}

/** 1*DIGIT, once, without leading zeros that some readers take for octal. */
function readContentLength({ contentLength, contentLengthCount }: FramingFields): Length {
  if (contentLengthCount !== 1 || contentLength === undefined || !/^(?:0|[1-9][0-9]*)$/.test(contentLength)) {
    return { code: 'bad-content-length' };
  }
  const length = contentLength.length > 16 ? Number.POSITIVE_INFINITY : Number(contentLength);
  return Number.isSafeInteger(length) ? length : { code: 'length-overflow' };
}

/** Only `chunked` alone; another coding before it is understood but not supported (RFC 9112 §6.1). */
function readTransferEncoding(value: string): Length {
  if (value.toLowerCase() === 'chunked') return 'chunked';
  const codings = codingNames(value);
  const chunkedOnlyLast = codings.indexOf('chunked') === codings.length - 1 && !/chunked[\t ]*;/i.test(value);
  return {
    code:
      chunkedOnlyLast && codings.every((coding) => isToken(coding))
        ? 'unsupported-transfer-coding'
        : 'bad-transfer-encoding',
  };
}

/** The transfer codings of a list, in lower case and without their parameters. */
function codingNames(value: string): string[] {
  return value.split(',').map((coding) => trimWhiteSpace(coding.split(';', 1)[0] as string).toLowerCase());
}

/**
 * Decides the length of a response's content as its reader sees it (RFC 9112 §6.3). A Transfer-Encoding that does not end
 * with `chunked` says nothing of the end, so the content goes on until the connection ends.
 */
export function responseLength(
  { status, version }: { status: number; version: Version },
  method: string,
  fields: FramingFields,
): Length | 'close' {
  if (isWithoutContent(method, status)) return 'none';
  const { contentLength, transferEncoding } = fields;
  if (transferEncoding === undefined) return contentLength === undefined ? 'close' : readContentLength(fields);
  if (contentLength !== undefined) return { code: 'conflicting-length' };
  if (version !== '1.1') return { code: 'bad-transfer-encoding' };
  const codings = codingNames(transferEncoding);
  const isEndUnknown = codings.at(-1) !== 'chunked' && codings.every((coding) => isToken(coding));
  return isEndUnknown ? 'close' : readTransferEncoding(transferEncoding);
}

/** Responses that end with their head, whatever their fields say (RFC 9112 §6.3, rules 1 and 2). */
function isWithoutContent(method: string, status: number): boolean {
  return method === 'HEAD' || status < 200 || status === 204 || status === 304 || isTunnel(method, status);
}

/** Whether the octets behind the head belong to a tunnel (RFC 9110 §9.3.6). */
function isTunnel(method: string, status: number): boolean {
  return method === 'CONNECT' && status >= 200 && status < 300;
}

/** What decides the framing of a response that is to be written. */
export interface ResponseSituation {
  /** Undefined when no method could be read. */
  readonly method: string | undefined;
  /** The version of the request. */
  readonly version: Version;
  readonly status: number;
  /** Octets of content to come; undefined when unknown. For HEAD and 304: what GET and 200 would have. */
  readonly length: number | undefined;
  /** Whether the client and the server let the connection live on. */
  readonly persistent: boolean;
}

/** How a response is framed. */
export interface ResponseFraming {
  /** Content-Length or Transfer-Encoding, and Connection, as far as the response needs them. */
  readonly fields: readonly Field[];
  /** `none`: the response ends with its head, and content is not sent. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly persistent: boolean;
}

/**
 * Decides how a final response is framed (RFC 9112 §6, §9.3):
 *
 *   content            1.1               1.0 with keep-alive   1.0, 0.9
 *   length known       content-length    content-length        content-length, close
 *   length unknown     chunked           close                 close
 *
 * HEAD and 304 have the length fields of the content that they leave out, 205 has `content-length: 0` (RFC 9110 §15.3.6), 204
 * and a tunnel have none. None of these has content, so none has to end the connection.
 */
export function frameResponse({
  method = '',
  version,
  status,
  length,
  persistent,
}: ResponseSituation): ResponseFraming {
  if (version === '0.9') return { fields: [], framing: 'close', persistent: false };
  if (isTunnel(method, status)) return { fields: [], framing: 'none', persistent };
  const isEmpty = status === 205 || isWithoutContent(method, status);
  const known = status === 205 ? 0 : length;
  const hasNoLength = known === undefined || status === 204 || status < 200;
  const isChunked = known === undefined && version === '1.1' && status >= 200 && status !== 204 && status !== 304;
  const fields: Field[] = [];
  if (!hasNoLength) fields.push(['content-length', `${known}`]);
  else if (isChunked) fields.push(['transfer-encoding', 'chunked']);
  const framing = isEmpty ? 'none' : known !== undefined ? 'length' : isChunked ? 'chunked' : 'close';
  const livesOn = persistent && framing !== 'close';
  // Only what differs from what the version does by itself is said.
  if (!livesOn) fields.push(['connection', 'close']);
  else if (version === '1.0') fields.push(['connection', 'keep-alive']);
  return { fields, framing, persistent: livesOn };
}

/** Checks the Host lines of a request (RFC 9112 §3.2). Returns what is wrong, or undefined. */
export function checkHost(version: Version, { host, hostCount }: FramingFields): HttpParseErrorCode | undefined {
  if (hostCount > 1) return 'repeated-host';
  if (host === undefined) return version === '1.1' ? 'missing-host' : undefined;
  return (host === knownHost && host !== '') || isValidHost(host) ? undefined : 'bad-host';
}

/** The valid host seen last: most connections of a server name the same one, which spares them cutting and grammar. */
let knownHost = '';
let knownHostBytes: Uint8Array = new Uint8Array(0);

/** Whether the value between two offsets is one space and the known host. */
function isKnownHost(bytes: Uint8Array, start: number, end: number): boolean {
  const known = knownHostBytes;
  const { length } = known;
  if (end - start !== length + 1 || bytes[start] !== SP) return false;
  let differences = 0;
  for (let index = 0; index < length; index++) differences |= bytes[start + 1 + index]! ^ known[index]!;
  return differences === 0;
}

function isValidHost(host: string): boolean {
  if (!isAuthority(host)) return false;
  knownHost = host;
  knownHostBytes = encodeLatin1(host);
  return true;
}

/** Whether the connection lives on after the message, as far as its sender is concerned (RFC 9112 §9.3). */
export function isPersistent(version: Version, connection: string): boolean {
  if (version === '0.9') return false;
  if (connection === '') return version === '1.1';
  return !hasMember(connection, 'close') && (version === '1.1' || hasMember(connection, 'keep-alive'));
}

/** What is expected before the content is sent; HTTP/1.0 cannot expect anything (RFC 9110 §10.1.1). */
export function readExpectation(
  version: Version,
  fields: FramingFields,
  length: Length,
): 'none' | 'continue' | 'unknown' {
  if (fields.expect === undefined || version !== '1.1') return 'none';
  if (fields.expect.toLowerCase() !== '100-continue') return 'unknown';
  return length === 'none' || length === 0 ? 'none' : 'continue';
}

/** What an HTTP/1.1 request offers to change to: only if its Connection field says so, too (RFC 9110 §7.8). */
export function readUpgrade(version: Version, { upgrade, connection }: FramingFields): string | undefined {
  return version === '1.1' && hasMember(connection, 'upgrade') ? upgrade : undefined;
}

/** Whether a comma-separated list has a member, in any case. */
function hasMember(list: string, member: string): boolean {
  if (!list.includes(',')) return list.length === member.length && list.toLowerCase() === member;
  return list.split(',').some((entry) => trimWhiteSpace(entry).toLowerCase() === member);
}
