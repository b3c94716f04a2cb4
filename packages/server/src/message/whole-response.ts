// What responders and hooks return, made whole or refused: each typical mistake is answered with what to write instead.

import { hasField } from './fields.ts';
import { isPage, isResponse } from './content.ts';
import type { Field, ResponseLike, ResponseMessage } from './message.ts';

const TEXT: Field = ['content-type', 'text/plain; charset=utf-8'];

/** The response with its fields and its content as bytes; a TypeError of one line where there is none. */
function wholeResponse(value: unknown): ResponseMessage | TypeError {
  const mistake = mistakeIn(value);
  if (mistake !== undefined) return new TypeError(mistake);
  const { fields: given = [], content, ...rest } = value as ResponseLike;
  const fields = given.map(([name, text]): Field => [name.toLowerCase(), text]);
  if (typeof content !== 'string') return { ...rest, fields, content };
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
  headers: 'fields, a list such as [["content-type", "text/html"]]',
  body: 'content',
  data: 'content',
};

function misnamed(value: object): string | undefined {
  const name = Object.keys(OTHER_NAMES).find((key) => key in value);
  return name === undefined ? undefined : `the response has "${name}": here it is called ${OTHER_NAMES[name]}`;
}

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
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content))
    return 'the content is an object: write JSON.stringify(content)';
  return `the content must be text, bytes or an async iterable of bytes, not ${kindOf(content)}`;
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

/** An answer that is whole already as it is, which is nearly every one; others made whole or refused. */
export function checkedResponse(value: unknown): ResponseMessage | TypeError {
  return isPage(value) || (isResponse(value) && hasPlainNames(value.fields)) ? value : wholeResponse(value);
}

/** Whether all are pairs with a name in lower case, as everything here compares names; people write `Content-Type`. */
function hasPlainNames(fields: readonly unknown[]): boolean {
  for (const field of fields) {
    if (!Array.isArray(field)) return false;
    const name: unknown = field[0];
    if (typeof name !== 'string' || name !== name.toLowerCase()) return false;
  }
  return true;
}
