// The head of a response as a worker writes it: `Status: 200 OK`, fields with lower-case names, an empty line, all ended
// by LF. The worker has checked every part (PEP 3333 wants the application to see such errors), so this only takes it apart.

import type { Field } from '@onezero/cgi-process';

/** The head, with the content length taken out of the fields. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string | undefined;
  readonly fields: readonly Field[];
  readonly contentLength: number | undefined;
}

const STATUS_AT = 'Status: '.length;

/** Heads that came before: an application says the same of most of its pages. */
let known = new Map<string, ResponseHead>();

/** Some thousand different heads are those of an application that says something new each time. */
const MAX_KNOWN_HEADS = 256;
const MAX_KNOWN_LENGTH = 1024;

/** The same as `parseResponseHead`, which is asked once for heads that repeat: then the fields are the same object, too. */
export function responseHead(text: string): ResponseHead {
  const found = known.get(text);
  if (found !== undefined) return found;
  const head = parseResponseHead(text);
  if (text.length > MAX_KNOWN_LENGTH) return head;
  if (known.size >= MAX_KNOWN_HEADS) known = new Map();
  for (const field of head.fields) Object.freeze(field);
  Object.freeze(head.fields);
  known.set(text, head);
  return head;
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
