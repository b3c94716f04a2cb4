// field-line = field-name ":" OWS field-value OWS CRLF, up to the empty line   (RFC 9112 §5)
//
// `scanFieldLines` judges every octet and marks the few fields that framing depends on. The values themselves are cut out
// of the decoded head only when a caller asks (`decodeFields`): by then it is known that every line has a name, a colon
// and a value without CR or NUL, so cutting cannot disagree with judging.

import { CLASS as SHARED_CLASS, COLON, CR, HTAB, LF, SP, TOKEN, VALUE } from './grammar.ts';
import type { Field } from './message.ts';
import {
  CONNECTION,
  CONTENT_LENGTH,
  DONE,
  EXPECT,
  HOST,
  INCOMPLETE,
  type Outcome,
  type Scan,
  TRANSFER_ENCODING,
  UPGRADE,
} from './scan.ts';

/** To the engine's compiler only a constant of the same module is one: an imported table would be fetched for each octet. */
const CLASS: Uint8Array = SHARED_CLASS;

/** Reads field lines and the empty line behind them, as the scan permits them. The one long function here: every octet of a head passes through. */
export function scanFieldLines(scan: Scan): Outcome {
  const { bytes } = scan;
  const bound = Math.min(scan.end, scan.limit);
  let at = scan.at;
  let count = 0;
  let kind = 0;
  let valueStart = at;
  scan.fieldsStart = at;
  for (;;) {
    const start = at;
    while (at < bound && (CLASS[bytes[at]!]! & TOKEN) !== 0) at++;
    if (at >= bound) return starved(scan);
    const octet = bytes[at]!;
    if (octet === COLON && at > start) {
      if (++count > scan.maxFields) return scan.refuse('too-many-fields', start);
      kind = kindOf(bytes, start, at - start);
      at++;
      valueStart = at;
    } else if (at > start) {
      return scan.refuse('bad-field-name', at);
    } else if (octet === CR || octet === LF) {
      return scanEmptyLine(scan, at);
    } else {
      if ((octet !== SP && octet !== HTAB) || count === 0) return scan.refuse('bad-field-name', at);
      if (!scan.folding || kind !== 0) return scan.refuse('folded-field', at);
      scan.lenient = true;
    }
    at = skipValue(bytes, at, bound);
    if (at === bound) return starved(scan);
    if (kind !== 0) scan.mark(kind, valueStart, at);
    if (bytes[at] === CR) {
      if (++at === bound) return starved(scan);
      if (bytes[at] !== LF) return scan.refuse('bad-line-end', at);
    } else if (bytes[at] !== LF) {
      return scan.refuse('bad-field-value', at);
    } else if (scan.bareLf) {
      scan.lenient = true;
    } else {
      return scan.refuse('bad-line-end', at);
    }
    at++;
  }
}

/**
 * The first offset that is no octet of a value. Most octets of a head are looked at here, eight in a round: that is nearly
 * twice as fast as one by one.
 */
function skipValue(bytes: Uint8Array, start: number, bound: number): number {
  let at = start;
  for (; at + 8 <= bound; at += 8) {
    const all =
      CLASS[bytes[at]!]! &
      CLASS[bytes[at + 1]!]! &
      CLASS[bytes[at + 2]!]! &
      CLASS[bytes[at + 3]!]! &
      CLASS[bytes[at + 4]!]! &
      CLASS[bytes[at + 5]!]! &
      CLASS[bytes[at + 6]!]! &
      CLASS[bytes[at + 7]!]!;
    if ((all & VALUE) === 0) break;
  }
  while (at < bound && (CLASS[bytes[at]!]! & VALUE) !== 0) at++;
  return at;
}

/** Finds the section unfinished: too large if it has reached the limit. */
function starved(scan: Scan): Outcome {
  return scan.end >= scan.limit ? scan.refuse(scan.tooLarge, scan.limit) : INCOMPLETE;
}

/** The CRLF, or in HTTP/1.0 LF, that ends the section. */
function scanEmptyLine(scan: Scan, start: number): Outcome {
  let at = start;
  if (scan.bytes[at] === CR) {
    if (++at === Math.min(scan.end, scan.limit)) return starved(scan);
    if (scan.bytes[at] !== LF) return scan.refuse('bad-line-end', at);
  } else {
    if (!scan.bareLf) return scan.refuse('bad-line-end', at);
    scan.lenient = true;
  }
  scan.at = at + 1;
  return DONE;
}

/** Which of the names that framing depends on this is, or 0. */
function kindOf(bytes: Uint8Array, start: number, length: number): number {
  switch (length) {
    case 4:
      return isHost(bytes, start) ? HOST : 0;
    case 6:
      return isNamed(bytes, start, 'expect') ? EXPECT : 0;
    case 7:
      return isNamed(bytes, start, 'upgrade') ? UPGRADE : 0;
    case 10:
      return isNamed(bytes, start, 'connection') ? CONNECTION : 0;
    case 14:
      return isNamed(bytes, start, 'content-length') ? CONTENT_LENGTH : 0;
    case 17:
      return isNamed(bytes, start, 'transfer-encoding') ? TRANSFER_ENCODING : 0;
    default:
      return 0;
  }
}

/** The one that nearly every head has. */
function isHost(bytes: Uint8Array, start: number): boolean {
  return (
    (bytes[start]! | 0x20) === 0x68 &&
    (bytes[start + 1]! | 0x20) === 0x6f &&
    (bytes[start + 2]! | 0x20) === 0x73 &&
    (bytes[start + 3]! | 0x20) === 0x74
  );
}

/** Compares with a lower-case name. Setting bit 5 maps only the two cases of a letter, and `-` itself, to that character. */
function isNamed(bytes: Uint8Array, start: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    if ((bytes[start + index]! | 0x20) !== name.charCodeAt(index)) return false;
  }
  return true;
}

/**
 * Cuts field lines that were scanned before out of their text, from `start` to the empty line. A folded line is joined with
 * one space (RFC 9112 §5.2).
 */
export function decodeFields(text: string, start: number): Field[] {
  const fields: Field[] = [];
  /** The lines that continue the last field; joined at once, since each joining copies all before it. */
  let more: string[] = [];
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\n', at);
    const first = text.charCodeAt(at);
    const isFolded = first === SP || first === HTAB;
    if (!isFolded && more.length > 0) {
      const [name, value] = fields.pop() as Field;
      fields.push([name, [value, ...more].filter((line) => line !== '').join(' ')]);
      more = [];
    }
    if (lineEnd < 0 || first === CR || first === LF) return fields;
    if (isFolded) {
      more.push(trimWhiteSpace(text, at, lineEnd));
    } else {
      const colon = text.indexOf(':', at);
      fields.push([text.slice(at, colon).toLowerCase(), trimWhiteSpace(text, colon + 1, lineEnd)]);
    }
    at = lineEnd + 1;
  }
}

/** The part between `start` and `end` without SP, HTAB, and the CR of a line end, at its ends. */
export function trimWhiteSpace(text: string, start: number = 0, end: number = text.length): string {
  let from = start;
  let to = end;
  while (from < to && isWhiteSpace(text.charCodeAt(from))) from++;
  while (to > from && isWhiteSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isWhiteSpace(code: number): boolean {
  return code === SP || code === HTAB || code === CR;
}
