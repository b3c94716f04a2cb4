// A request head: from scanned lines to the event that carries it.
//
// The whole head is decoded as one string. Method and target are cut out of it at once, the fields when they are first
// asked for: a head that repeats, or that is answered from its target alone, never pays for them.

import { decodeFields, scanFieldLines } from './field-lines.ts';
import { checkHost, FramingFields, isPersistent, hasMember, readExpectation, requestLength } from './framing.ts';
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
import { readTarget } from './target.ts';

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
    this.method = text.startsWith('GET ') ? 'GET' : text.slice(0, scan.methodEnd - base);
    this.target = text.slice(scan.targetStart - base, scan.targetEnd - base);
    this.version = scan.version;
    this.#text = text;
    this.#fieldsStart = scan.fieldsStart - base;
  }

  get fields(): readonly Field[] {
    if (this.#fields === undefined) {
      this.#fields = Object.freeze(this.version === '0.9' ? [] : decodeFields(this.#text, this.#fieldsStart));
      this.#text = '';
    }
    return this.#fields;
  }
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
  const target = readTarget(head.method, head.target);
  if (target === undefined) return scan.refuse('bad-target', scan.targetStart);
  const fields = new FramingFields(text, scan, start);
  const wrongHost = checkHost(head.version, fields);
  if (wrongHost !== undefined) return scan.refuse(wrongHost, placeOf(scan, HOST));
  const length = requestLength(head.version, fields);
  if (typeof length === 'object') return scan.refuse(length.code, placeOf(scan, LENGTH_KINDS[length.code] ?? 0));
  const { connection, upgrade } = fields;
  const upgrades = upgrade !== undefined && head.version === '1.1' && hasMember(connection, 'upgrade');
  return {
    type: 'head',
    head,
    form: target.form,
    pathAndQuery: target.pathAndQuery ?? head.target,
    authority: target.authority ?? fields.host,
    framing: typeof length === 'number' ? 'length' : length,
    contentLength: length === 'none' ? 0 : length === 'chunked' ? undefined : length,
    persistent: !scan.lenient && isPersistent(head.version, connection),
    expectation: readExpectation(head.version, fields, length),
    upgrade: upgrades ? upgrade : undefined,
  };
}

/** Where the last line of a kind has its value; the end of the head when there is none. */
function placeOf({ at, marks, markCount }: Scan, kind: number): number {
  let place = at;
  for (let index = 0; index < markCount; index += 3) if (marks[index] === kind) place = marks[index + 1]!;
  return place;
}
