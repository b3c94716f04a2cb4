// A request head: from scanned lines to the event that carries it.
//
// The whole head is decoded as one string. Method and target are cut out of it at once, the fields when they are first
// asked for: a head that repeats, or that is answered from its target alone, never pays for them.

import { decodeFields, scanFieldLines } from './field-lines.ts';
import { checkHost, framingFields, isPersistent, readExpectation, readUpgrade, requestLength } from './framing.ts';
import type { ResolvedLimits } from './limits.ts';
import type { Field, RequestHead, RequestHeadEvent, Version } from './message.ts';
import { decodeLatin1 } from './native.ts';
import type { HttpParseErrorCode } from './parse-error.ts';
import { scanRequestLine } from './request-line.ts';
import {
  CONTENT_LENGTH,
  DONE,
  HOST,
  type INCOMPLETE,
  type Outcome,
  type REFUSED,
  type Scan,
  TRANSFER_ENCODING,
} from './scan.ts';
import { ORIGIN, readTarget } from './target.ts';

const SLASH = 0x2f;

/** Which line a refusal of the length points at. */
const LENGTH_KINDS: Partial<Record<HttpParseErrorCode, number>> = {
  'bad-content-length': CONTENT_LENGTH,
  'length-overflow': CONTENT_LENGTH,
  'conflicting-length': TRANSFER_ENCODING,
  'bad-transfer-encoding': TRANSFER_ENCODING,
  'unsupported-transfer-coding': TRANSFER_ENCODING,
};

/** A `RequestHead` that cuts its fields out of the head's text when they are first asked for. */
class LazyRequestHead implements RequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: Version;
  #text: string;
  readonly #fieldsStart: number;
  #fields: readonly Field[] | undefined = undefined;

  constructor(text: string, scan: Scan, base: number) {
    const { methodEnd, targetStart, targetEnd, version } = scan;
    this.method = isGet(scan, base) ? 'GET' : text.slice(0, methodEnd - base);
    this.target = text.slice(targetStart - base, targetEnd - base);
    this.version = version;
    this.#text = text;
    this.#fieldsStart = scan.fieldsStart - base;
  }

  get fields(): readonly Field[] {
    if (this.#fields === undefined) {
      this.#fields = this.version === '0.9' ? [] : decodeFields(this.#text, this.#fieldsStart);
      this.#text = '';
    }
    return this.#fields;
  }
}

/** Spares most heads a piece of text. */
function isGet({ bytes, methodEnd }: Scan, start: number): boolean {
  return methodEnd - start === 3 && bytes[start] === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54;
}

/** Reads a request head from `scan.at`, and leaves `at` behind it. */
export function readRequestHead(
  scan: Scan,
  limits: ResolvedLimits,
  simpleRequests: boolean,
): RequestHeadEvent | typeof INCOMPLETE | typeof REFUSED {
  const start = scan.at;
  const outcome = scanLines(scan, limits, simpleRequests);
  scan.examined += (outcome === DONE ? scan.at : scan.end) - start;
  return outcome === DONE ? decide(scan, start) : outcome;
}

function scanLines(scan: Scan, limits: ResolvedLimits, simpleRequests: boolean): Outcome {
  const start = scan.at;
  const outcome = scanRequestLine(scan, limits);
  if (outcome !== DONE) return outcome;
  scan.fieldsStart = scan.at;
  if (scan.version === '0.9') return simpleRequests ? DONE : scan.refuse('bad-simple-request', scan.targetEnd);
  scan.maxFields = limits.maxFields;
  scan.limit = start + limits.maxHeadBytes;
  scan.tooLarge = 'head-too-large';
  scan.bareLf = scan.version === '1.0';
  scan.folding = scan.bareLf;
  return scanFieldLines(scan);
}

/** Judges the head as a whole. */
function decide(scan: Scan, start: number): RequestHeadEvent | typeof REFUSED {
  const text = decodeLatin1(scan.bytes, start, scan.at);
  const head = new LazyRequestHead(text, scan, start);
  const { method, target, version } = head;
  const isPath = scan.bytes[scan.targetStart] === SLASH && method !== 'CONNECT';
  const parts = isPath ? ORIGIN : readTarget(method, target);
  if (parts === undefined) return scan.refuse('bad-target', scan.targetStart);
  const fields = framingFields;
  fields.read(text, scan, start);
  const wrongHost = checkHost(version, fields);
  if (wrongHost !== undefined) return scan.refuse(wrongHost, placeOf(scan, HOST));
  const length = fields.hasOnlyHost ? 'none' : requestLength(version, fields);
  if (typeof length === 'object') return scan.refuse(length.code, placeOf(scan, LENGTH_KINDS[length.code] ?? 0));
  return {
    type: 'head',
    head,
    form: parts.form,
    pathAndQuery: parts.pathAndQuery ?? target,
    authority: parts.authority ?? fields.host,
    framing: typeof length === 'number' ? 'length' : length,
    contentLength: length === 'none' ? 0 : length === 'chunked' ? undefined : length,
    persistent: !scan.lenient && isPersistent(version, fields.connection),
    expectation: fields.expect === undefined ? 'none' : readExpectation(version, fields, length),
    upgrade: fields.upgrade === undefined ? undefined : readUpgrade(version, fields),
  };
}

/** Where the last line of a kind has its value; the end of the head when there is none. */
function placeOf({ at, marks, markCount }: Scan, kind: number): number {
  let place = at;
  for (let index = 0; index < markCount; index += 3) if (marks[index] === kind) place = marks[index + 1]!;
  return place;
}
