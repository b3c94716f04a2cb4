// What a script writes, up to and including the blank line, as a response head (RFC 3875 §6). Pure: bytes in, value out.
//
// Lines end with LF or CRLF, mixed as they come. A header that is not what the RFC says is refused as a whole: guessing
// would let a script that copies client data into its header write fields of the client's choice.

import { CgiError } from '../cgi-error.ts';
import type { Field } from '../message.ts';
import { LentFields } from './lent-fields.ts';

/** Sizes that bound a script's header. */
export interface HeaderLimits {
  readonly maxHeaderBytes: number;
  readonly maxHeaderLines: number;
}

/** A script's header, understood. */
export interface ScriptHead {
  /** In the words of RFC 3875 §6.2. */
  readonly kind: 'document' | 'local-redirect' | 'client-redirect';
  readonly status: number;
  /** Whether the script itself gave the status. */
  readonly hasStatus: boolean;
  readonly reason: string | undefined;
  readonly fields: readonly Field[];
  /** The value of Location, for the redirects. */
  readonly location: string | undefined;
  readonly contentLength: number | undefined;
  /** Content that came with the header. */
  readonly rest: Uint8Array;
  /** Of one that came before. */
  readonly lent?: LentFields | undefined;
}

/** A header that came before. */
export interface HeadBefore {
  readonly bytes: Uint8Array;
  /** Its `rest` is of no meaning. */
  readonly head: ScriptHead;
}

const NOTHING = Buffer.alloc(0);
const LF = 10;
const CR = 13;
/** How much of a bad line an error quotes: enough to recognise it. */
const QUOTED_CHARACTERS = 80;

/** Fields that the server makes itself, or that say something about a connection the script does not see. */
const REMOVED = new Set(['status', 'date', 'server', 'connection', 'keep-alive', 'upgrade', 'trailer', 'te']);
/** Fields of which two would be two answers. */
const SINGLE = new Set(['content-type', 'status', 'location', 'content-length']);

/** A header beyond this is not remembered, nor are more than so many. */
const MAX_KNOWN_CHARACTERS = 2048;
const MAX_KNOWN = 64;

/** Headers that came before within the same limits: an application that is asked again says the same. */
export class KnownHeads {
  readonly #heads = new Map<string, HeadBefore>();
  /** The one that came last: an application that answers many requests often begins all alike, and bytes are compared in no time. */
  last: HeadBefore | undefined;

  /** The head that a text came to; its `rest` is of no meaning. */
  get(text: string): ScriptHead | undefined {
    const known = this.#heads.get(text);
    if (known !== undefined) this.last = known;
    return known?.head;
  }

  keep(text: string, head: ScriptHead): void {
    if (text.length > MAX_KNOWN_CHARACTERS) return;
    if (this.#heads.size >= MAX_KNOWN) this.#heads.clear();
    const lent = new LentFields(head.kind, head.fields);
    this.#heads.set(text, { bytes: Buffer.from(text, 'latin1'), head: { ...head, rest: NOTHING, lent } });
  }
}

/** Collects a script's output until its header is whole. */
export class ScriptHeadParser {
  readonly #limits: HeaderLimits;
  readonly #known: KnownHeads | undefined;
  #bytes: Buffer = NOTHING;
  #searched = 0;

  constructor(limits: HeaderLimits, known?: KnownHeads) {
    this.#limits = limits;
    this.#known = known;
  }

  /** Whether anything has come yet. */
  get isEmpty(): boolean {
    return this.#bytes.length === 0;
  }

  /** The head once its blank line has come; its `rest` is a part of `bytes`. Throws CgiError (`bad-header`). */
  push(bytes: Uint8Array): ScriptHead | undefined {
    const isFirst = this.#bytes.length === 0;
    if (!isFirst) this.#bytes = Buffer.concat([this.#bytes, bytes]);
    else this.#bytes = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const end = this.#findEnd();
    if (end === undefined ? this.#bytes.length > this.#limits.maxHeaderBytes : end > this.#limits.maxHeaderBytes) {
      throw new CgiError('bad-header', `the header is longer than ${this.#limits.maxHeaderBytes} bytes`);
    }
    if (end === undefined) {
      if (isFirst) this.#bytes = Buffer.from(this.#bytes);
      return undefined;
    }
    const text = this.#bytes.toString('latin1', 0, end);
    const rest = this.#bytes.subarray(end);
    const known = this.#known?.get(text);
    if (known !== undefined) return withRest(known, rest);
    const head = headOf(this.#linesOf(text), rest);
    this.#known?.keep(text, head);
    return head;
  }

  #linesOf(text: string): readonly string[] {
    const lines = text.split('\n', this.#limits.maxHeaderLines + 3);
    lines.splice(-2);
    if (lines.length > this.#limits.maxHeaderLines) {
      throw new CgiError('bad-header', `the header has more than ${this.#limits.maxHeaderLines} lines`);
    }
    return lines.map(withoutCr);
  }

  /** The index after the blank line. Starts where the last search stopped, so that a slow header costs no more. */
  #findEnd(): number | undefined {
    const bytes = this.#bytes;
    for (let from = this.#searched; ;) {
      const lineEnd = bytes.indexOf(LF, from);
      if (lineEnd === -1) return undefined;
      const length = lineEnd - from;
      if (length === 0 || (length === 1 && bytes[from] === CR)) return lineEnd + 1;
      from = lineEnd + 1;
      this.#searched = from;
    }
  }
}

/** Member by member, which costs less than a spread. */
function withRest(head: ScriptHead, rest: Uint8Array): ScriptHead {
  const { kind, status, hasStatus, reason, location, contentLength, fields, lent } = head;
  return { kind, status, hasStatus, reason, location, contentLength, fields, rest, lent };
}

function withoutCr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function headOf(lines: readonly string[], rest: Uint8Array): ScriptHead {
  if (lines.length === 0) throw new CgiError('bad-header', 'the output begins with a blank line');
  const statusLine = /^HTTP\/\d\.\d (.*)$/.exec(lines[0] as string)?.[1];
  const fields = (statusLine === undefined ? lines : lines.slice(1)).map(fieldOf);
  checkOnce(fields);
  const value = (name: string): string | undefined => fields.find((field) => field[0] === name)?.[1];
  const given = value('status') ?? statusLine;
  const location = value('location');
  const own = statusOf(given, location === undefined ? 200 : 302);
  // A 200 that names another place means a redirect, as under Apache and lighttpd.
  const { status, reason } = own.status === 200 && location !== undefined ? statusOf(undefined, 302) : own;
  const isLocal = location !== undefined && given === undefined && fields.length === 1 && isLocalPath(location);
  return {
    kind: isLocal ? 'local-redirect' : location === undefined ? 'document' : 'client-redirect',
    status,
    hasStatus: given !== undefined,
    reason,
    location,
    // Beside the name of a file it is the length of that.
    contentLength: fields.some(namesFile) ? undefined : lengthOf(value('content-length')),
    fields: fields.filter(isPassedOn),
    rest,
  };
}

function fieldOf(line: string): Field {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/s.exec(line);
  const [, name, value] = match ?? [];
  if (name === undefined || value === undefined || /[\x00-\x08\x0a-\x1f\x7f]/.test(value)) {
    const quoted = JSON.stringify(line.slice(0, QUOTED_CHARACTERS));
    throw new CgiError('bad-header', `the header has a line that is not a field: ${quoted}`);
  }
  return [name.toLowerCase(), value.replace(/[ \t]+$/, '')];
}

function checkOnce(fields: readonly Field[]): void {
  const seen = new Map<string, string>();
  for (const [name, value] of fields) {
    if (name === 'transfer-encoding') {
      throw new CgiError('bad-header', 'the script sets Transfer-Encoding, which is the server’s to set');
    }
    if (!SINGLE.has(name)) continue;
    const before = seen.get(name);
    if (before !== undefined && (name !== 'content-length' || before !== value)) {
      throw new CgiError('bad-header', `the header has ${name} twice`);
    }
    seen.set(name, value);
  }
}

/** Informational statuses are the server's own, so what is left is 200 to 599. */
function statusOf(text: string | undefined, otherwise: number): { status: number; reason: string | undefined } {
  if (text === undefined) return { status: otherwise, reason: undefined };
  const [, digits, reason] = /^([2-5]\d\d)(?:[ \t]+(.*))?$/.exec(text) ?? [];
  if (digits === undefined)
    throw new CgiError('bad-header', `${JSON.stringify(text.slice(0, QUOTED_CHARACTERS))} is not a status`);
  return { status: Number(digits), reason: reason === '' ? undefined : reason };
}

function lengthOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const length = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(length)) {
    throw new CgiError('bad-header', `${JSON.stringify(text.slice(0, QUOTED_CHARACTERS))} is not a Content-Length`);
  }
  return length;
}

/** `//host/path` is another host's, and a fragment only means something to the client. */
function isLocalPath(location: string): boolean {
  return /^\/(?!\/)[^#\\]*$/.test(location);
}

/** Whether a field has a server send a file in place of what follows. */
function namesFile([name]: Field): boolean {
  return name === 'x-sendfile' || name === 'x-accel-redirect';
}

/** An empty Content-Type says nothing of the type, so it is as if it were not there. */
function isPassedOn([name, value]: Field): boolean {
  if (name === 'content-type' && value === '') return false;
  return !REMOVED.has(name) && name !== 'content-length' && !name.startsWith('proxy-') && !name.startsWith('x-cgi-');
}
