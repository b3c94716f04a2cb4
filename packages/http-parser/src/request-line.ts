// request-line = method SP request-target SP HTTP-version CRLF   (RFC 9112 §3)
// Simple-Request = "GET" SP abs_path CRLF                          (RFC 1945 §5, HTTP/0.9)
//
// Exactly one SP between the parts, no other white space. LF alone ends the line of an HTTP/1.0 request only, which
// RFC 1945 appendix B asks for; it marks the message as lenient. The simple request needs its CRLF.

import { CLASS as SHARED_CLASS, CR, LF, SP, TARGET, TOKEN } from './grammar.ts';
import type { ResolvedLimits } from './limits.ts';
import { DONE, INCOMPLETE, type Outcome, type Scan } from './scan.ts';

/** See `field-lines.ts`. */
const CLASS: Uint8Array = SHARED_CLASS;

/** Longer than any registered method (UPDATEREDIRECTREF has 17): RFC 9112 §3 asks for 501 then. */
const MAX_METHOD_BYTES = 64;

const HTTP_NAME = [0x48, 0x54, 0x54, 0x50, 0x2f];
const DOT = 0x2e;
const ZERO = 0x30;
const ONE = 0x31;

/** Reads one request line: method and target as offsets, and the version. */
export function scanRequestLine(scan: Scan, limits: ResolvedLimits): Outcome {
  const { bytes, at: start } = scan;
  const bound = Math.min(scan.end, start + limits.maxRequestLineBytes);
  let at = start;

  while (at < bound && (CLASS[bytes[at]!]! & TOKEN) !== 0) at++;
  if (at - start > MAX_METHOD_BYTES) return scan.refuse('method-too-long', start + MAX_METHOD_BYTES);
  if (at === bound) return starved(scan, start, limits);
  if (at === start || bytes[at] !== SP) return scan.refuse('bad-method', at);
  scan.methodEnd = at++;

  scan.targetStart = at;
  while (at < bound && (CLASS[bytes[at]!]! & TARGET) !== 0) at++;
  if (at === bound) return starved(scan, start, limits);
  if (at === scan.targetStart) return scan.refuse('bad-target', at);
  scan.targetEnd = at;
  if (at + 11 <= bound && isUsualEnd(bytes, at)) {
    scan.version = bytes[at + 8] === ZERO ? '1.0' : '1.1';
    scan.at = at + 11;
    return DONE;
  }
  if (bytes[at] === SP) return scanVersion(scan, start, limits);
  return bytes[at] === CR ? scanSimpleEnd(scan, start, limits) : scan.refuse('bad-target', at);
}

/** Finds the line unfinished: too long if it has reached the limit. */
function starved(scan: Scan, start: number, limits: ResolvedLimits): Outcome {
  const limit = start + limits.maxRequestLineBytes;
  return scan.end >= limit ? scan.refuse('request-line-too-long', limit) : INCOMPLETE;
}

/** HTTP-version = "HTTP/" DIGIT "." DIGIT, and the end of the line. `targetEnd` is before the SP. */
function scanVersion(scan: Scan, start: number, limits: ResolvedLimits): Outcome {
  const { bytes } = scan;
  const bound = Math.min(scan.end, start + limits.maxRequestLineBytes);
  const first = scan.targetEnd + 1;
  for (let index = 0; index < 8; index++) {
    if (first + index === bound) return starved(scan, start, limits);
    if (!isVersionOctet(bytes[first + index]!, index)) return scan.refuse('bad-version', first + index);
  }
  const major = bytes[first + 5]!;
  scan.version = bytes[first + 7] === ZERO ? '1.0' : '1.1';
  let at = first + 8;
  if (at === bound) return starved(scan, start, limits);
  if (bytes[at] === CR) {
    if (++at === bound) return starved(scan, start, limits);
  } else if (bytes[at] !== LF) {
    return scan.refuse('bad-version', at);
  } else if (major === ONE) {
    if (scan.version !== '1.0') return scan.refuse('bad-line-end', at);
    scan.lenient = true;
  }
  if (bytes[at] !== LF) return scan.refuse('bad-line-end', at);
  if (major !== ONE) return scan.refuse('unsupported-version', first + 5);
  scan.at = at + 1;
  return DONE;
}

/** " HTTP/1.0" or " HTTP/1.1" with its CRLF, all there: nearly always so, and quicker to see than to read. */
function isUsualEnd(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === SP &&
    bytes[at + 1] === 0x48 &&
    bytes[at + 2] === 0x54 &&
    bytes[at + 3] === 0x54 &&
    bytes[at + 4] === 0x50 &&
    bytes[at + 5] === 0x2f &&
    bytes[at + 6] === ONE &&
    bytes[at + 7] === DOT &&
    (bytes[at + 8]! & 0xfe) === ZERO &&
    bytes[at + 9] === CR &&
    bytes[at + 10] === LF
  );
}

function isVersionOctet(octet: number, index: number): boolean {
  if (index < 5) return octet === HTTP_NAME[index];
  if (index === 6) return octet === DOT;
  return octet >= ZERO && octet <= ZERO + 9;
}

/** The end of a line without a version. Nothing may have come with it: only an HTTP/0.9 client waits right here. */
function scanSimpleEnd(scan: Scan, start: number, limits: ResolvedLimits): Outcome {
  const { bytes, targetEnd, targetStart } = scan;
  const isGet =
    scan.methodEnd - start === 3 && bytes[start] === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54;
  if (!isGet || bytes[targetStart] !== 0x2f) return scan.refuse('bad-simple-request', targetEnd);
  if (targetEnd + 1 === Math.min(scan.end, start + limits.maxRequestLineBytes)) return starved(scan, start, limits);
  if (bytes[targetEnd + 1] !== LF) return scan.refuse('bad-line-end', targetEnd + 1);
  scan.at = targetEnd + 2;
  if (scan.at < scan.end) return scan.refuse('bad-simple-request', scan.at);
  scan.version = '0.9';
  return DONE;
}

/** The method with which a request begins that cannot be read as a whole; undefined when not even that is there. */
export function methodIn(bytes: Uint8Array, start: number, end: number): string | undefined {
  let at = start;
  while (at < end && (bytes[at] === CR || bytes[at] === LF)) at++;
  const bound = Math.min(end, at + MAX_METHOD_BYTES + 1);
  let method = '';
  for (; at < bound && (CLASS[bytes[at]!]! & TOKEN) !== 0; at++) method += String.fromCharCode(bytes[at]!);
  return at < bound && bytes[at] === SP && method !== '' ? method : undefined;
}
