// What responders and hooks return, made whole or refused: each typical mistake is answered with what to write instead.

import { hasField } from './fields.ts';
import { nearest } from '../suggestion.ts';
import { warnOnce } from '../warn-once.ts';
import { discardRefused, isPage, isResponse } from './content.ts';
import type { Field, ResponseLike, ResponseMessage } from './message.ts';

/** What a promise becomes in a text. */
const PROMISE = '[object Promise]';

const TEXT: Field = ['content-type', 'text/plain; charset=utf-8'];

/** The response with its fields and its content as bytes; a TypeError of one line where there is none. */
function wholeResponse(value: unknown): ResponseMessage | TypeError {
  const mistake = mistakeIn(value);
  if (mistake !== undefined) {
    discardRefused(value);
    return new TypeError(mistake);
  }
  const { fields: given = [], content, ...rest } = value as ResponseLike;
  const fields = given.map(([name, text]): Field => [name.toLowerCase(), text]);
  if (typeof content !== 'string') return { ...rest, fields, content };
  // A page may speak of promises, so this is no reason to refuse it.
  if (content.includes(PROMISE)) warnOnce('a response', `its text has "${PROMISE}": is an await missing?`);
  const isTyped = hasField(fields, 'content-type');
  return { ...rest, fields: isTyped ? fields : [...fields, TEXT], content: Buffer.from(content) };
}

/** What is wrong with an answer, in one line that says what to return; undefined where nothing is. */
function mistakeIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `it returned ${noObject(value)}`;
  if (value instanceof Uint8Array) return 'it returned bytes: return { status: 200, content: bytes }';
  if (value instanceof Response) return 'it returned a fetch Response: wrap the function in fetchResponder';
  if ('writeHead' in value) return 'it returned a response of node:http: wrap the application in nodeResponder';
  return misnamed(value) ?? wrongStatus(value) ?? wrongFields(value) ?? wrongContent(value);
}

function noObject(value: unknown): string {
  if (value === undefined) return 'nothing: return { status, fields, content }; is a return missing?';
  if (typeof value === 'string') return 'text: return { status: 200, content: text }';
  if (typeof value === 'number') return `the number ${value}: return { status: ${value} }`;
  if (typeof value === 'function')
    return 'a function: call it, or wrap an application in nodeResponder or fetchResponder';
  return `${kindOf(value)}: return { status, fields, content }`;
}

/** Names that others have for what a response has here. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  statusCode: 'status',
  code: 'status',
  statusText: 'reason',
  statusMessage: 'reason',
  headers: 'fields, a list such as [["content-type", "text/html"]]',
  header: 'fields, a list such as [["content-type", "text/html"]]',
  body: 'content',
  data: 'content',
  text: 'content',
  html: 'content, with ["content-type", "text/html"] in fields',
  json: 'content: JSON.stringify(value), with ["content-type", "application/json"] in fields',
  redirect: 'status 302, with ["location", "/there"] in fields',
  location: 'status 302, with ["location", "/there"] in fields',
  cookies: 'fields, one ["set-cookie", "name=value"] for each',
};

/** What may be misspelt; other members, which programs of one's own may add, are let through. */
const NAMES = ['status', 'reason', 'fields', 'content', 'upgrade', 'cause', 'isNothing', 'localRedirect', 'nonParsed'];

function misnamed(value: object): string | undefined {
  for (const key of Object.keys(value)) {
    if (NAMES.includes(key)) continue;
    const other = Object.hasOwn(OTHER_NAMES, key) ? OTHER_NAMES[key] : undefined;
    if (other !== undefined) return `the response has "${key}": here it is called ${other}`;
    const meant = INNER.has(key) ? undefined : nearest(key, NAMES);
    if (meant !== undefined) return `the response has "${key}": did you mean ${meant}?`;
  }
  return undefined;
}

/** What responders of this house add to their responses. */
const INNER = new Set(['file', 'isLent', 'lines', 'source']);

function wrongStatus(value: object): string | undefined {
  const { status, upgrade } = value as Partial<ResponseLike>;
  if (status === undefined) return 'the response has no status: return { status: 200, … }';
  if (typeof status !== 'number') return `the status must be a number such as 200, not ${shown(status)}`;
  if (status === 101) return typeof upgrade === 'function' ? undefined : 'a status of 101 needs an upgrade function';
  if (status >= 100 && status < 200) return `${status} is not a final status: send it with request.inform`;
  if (!Number.isInteger(status) || status < 200 || status > 599)
    return `the status must be from 200 to 599, not ${status}`;
  return upgrade === undefined ? undefined : `an upgrade function needs the status 101, not ${status}`;
}

const PAIRS = 'fields must be a list of pairs such as [["content-type", "text/html"]]';

function wrongFields(value: object): string | undefined {
  const { fields } = value as { fields?: unknown };
  return fields === undefined ? undefined : fieldsProblem(fields);
}

/** What is wrong with a list of fields, in one line; undefined where nothing is. */
export function fieldsProblem(fields: unknown): string | undefined {
  if (fields instanceof Headers || fields instanceof Map) return `${PAIRS}: write [...fields]`;
  if (!Array.isArray(fields)) return `${PAIRS}${typeof fields === 'object' ? ': write Object.entries(fields)' : ''}`;
  for (const field of fields as readonly unknown[]) {
    const problem = wrongField(field);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function wrongField(field: unknown): string | undefined {
  if (!Array.isArray(field) || field.length !== 2) return `${PAIRS}, and one is ${shown(field)}`;
  const [name, text]: readonly unknown[] = field;
  if (typeof name !== 'string') return `the name of a field must be text, not ${shown(name)}`;
  return typeof text === 'string' ? undefined : `the value of the field ${name} must be text, not ${shown(text)}`;
}

function wrongContent(value: object): string | undefined {
  const { content } = value as { content?: unknown };
  if (content === undefined || typeof content === 'string' || content instanceof Uint8Array) return undefined;
  if (typeof content === 'object' && content !== null) {
    if (Symbol.asyncIterator in content) return undefined;
    if (content instanceof Promise) return 'the content is a promise: await it';
    if (content instanceof Blob) return 'the content is a Blob: write blob.stream()';
    if (content instanceof ArrayBuffer) return 'the content is an ArrayBuffer: write new Uint8Array(buffer)';
    if (ArrayBuffer.isView(content)) return 'the content is no Uint8Array: write Buffer.from(view.buffer)';
    if (content instanceof URLSearchParams || content instanceof Date)
      return 'the content is an object with a text: write String(content)';
    if (content instanceof Error) return 'the content is an Error: throw it';
    if (Symbol.iterator in content && !Array.isArray(content))
      return 'the content is iterated at once: make it an async function*, or write Buffer.concat([...content])';
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content))
    return 'the content is an object: write JSON.stringify(content)';
  if (typeof content === 'function') return 'the content is a function: call it';
  if (content === null) return 'the content is null: leave it out';
  return `the content must be text, bytes or an async iterable of bytes, not ${kindOf(content)}`;
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Promise) return 'a promise: await it';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

/** An answer that is whole already as it is, which is nearly every one; others made whole or refused. */
export function checkedResponse(value: unknown): ResponseMessage | TypeError {
  return isPage(value) || (isResponse(value) && isPlain(value)) ? value : wholeResponse(value);
}

/**
 * Whether all fields are pairs of texts with a name in lower case, as everything here compares names; people write
 * `Content-Type`. A success without content may have it under another name.
 */
function isPlain(response: ResponseMessage): boolean {
  if (response.content === undefined && response.status < 204 && misnamed(response) !== undefined) return false;
  for (const field of response.fields as readonly unknown[]) {
    if (!Array.isArray(field) || typeof field[1] !== 'string') return false;
    const name: unknown = field[0];
    if (typeof name !== 'string' || name !== name.toLowerCase()) return false;
  }
  return true;
}
