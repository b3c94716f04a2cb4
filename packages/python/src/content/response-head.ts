// The head of a response as a worker writes it: `Status: 200 OK`, fields with lower-case names, an empty line, all ended
// by LF. The worker has checked every part (PEP 3333 wants the application to see such errors), so this only takes it apart.

import type { Field } from '@onezero/cgi-process';
import type { LineStore } from '../message.ts';

/** The head, with the content length taken out of the fields. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string | undefined;
  readonly fields: readonly Field[];
  readonly contentLength: number | undefined;
}

/** A head that output begins with. */
export interface ReadHead extends ResponseHead {
  /** Its length in bytes, with the empty line. */
  readonly size: number;
  /** Keeps what the server makes of the fields, once the head has come again: one with another length each time does not. */
  readonly lines: LineStore | undefined;
}

const STATUS_AT = 'Status: '.length;
const EMPTY_LINE = Buffer.from('\n\n');

/** Heads that came before: an application says the same of most of its pages. */
let known = new Map<string, ReadHead & { lines: LineStore | undefined }>();

/** The head that came last, and its bytes. */
let last: ReadHead | undefined;
let lastBytes: Uint8Array = EMPTY_LINE;

/** Some thousand different heads are those of an application that says something new each time. */
const MAX_KNOWN_HEADS = 256;
const MAX_KNOWN_LENGTH = 1024;

/** The head that `output` begins with, if it is there to its end. Heads that repeat are one object, and so are their fields. */
export function readHead(output: Buffer): ReadHead | undefined {
  if (last !== undefined && beginsWith(output, lastBytes)) return last;
  const end = output.indexOf(EMPTY_LINE);
  if (end === -1) return undefined;
  const size = end + EMPTY_LINE.length;
  const text = output.toString('latin1', 0, end);
  const found = known.get(text);
  if (found === undefined)
    return end > MAX_KNOWN_LENGTH ? { ...parseResponseHead(text), size, lines: undefined } : keep(text, size);
  found.lines ??= new KeptLines();
  last = found;
  lastBytes = Uint8Array.prototype.slice.call(output, 0, size);
  return found;
}

/** Compares without a call: most heads are some dozen bytes. */
function beginsWith(output: Uint8Array, head: Uint8Array): boolean {
  const { length } = head;
  if (output.length < length) return false;
  for (let at = 0; at < length; at++) if (output[at] !== head[at]) return false;
  return true;
}

function keep(text: string, size: number): ReadHead {
  const head = { ...parseResponseHead(text), size, lines: undefined };
  if (known.size >= MAX_KNOWN_HEADS) known = new Map();
  for (const field of head.fields) Object.freeze(field);
  Object.freeze(head.fields);
  known.set(text, head);
  return head;
}

class KeptLines implements LineStore {
  kept: Uint8Array | undefined;

  keep(lines: Uint8Array): void {
    // Not `slice`: that of a Buffer shares its memory.
    this.kept = new Uint8Array(lines);
  }
}

/** Takes the head apart. `text` is a byte string without the empty line. Date and Server are left to the HTTP server. */
export function parseResponseHead(text: string): ResponseHead {
  const lines = text.split('\n');
  const statusLine = lines[0]!;
  const reason = statusLine.slice(STATUS_AT + 4);
  const fields: Field[] = [];
  let contentLength: number | undefined;
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index]!;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 2);
    if (name === 'content-length') contentLength = Number(value);
    else if (name !== 'date' && name !== 'server') fields.push([name, value]);
  }
  return {
    status: Number(statusLine.slice(STATUS_AT, STATUS_AT + 3)),
    // What everybody says needs no saying.
    reason: reason === '' || reason === 'OK' ? undefined : reason,
    fields,
    contentLength,
  };
}
