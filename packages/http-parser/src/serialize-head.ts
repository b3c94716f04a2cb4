// One head as bytes. Whatever would make two readers disagree about it is refused, not repaired: CR, LF and NUL in any
// part, names that are no tokens, a length given twice, a transfer coding in HTTP/1.0.

import { isAuthority, isToken } from './grammar.ts';
import type { Field, Version } from './message.ts';
import { encodeLatin1 } from './native.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { readTarget } from './target.ts';

/** A request head to write. Fields as given; HTTP/1.1 needs exactly one valid Host. */
export interface RequestHeadInput {
  readonly method: string;
  readonly target: string;
  /** @default '1.1' */
  readonly version?: Version | undefined;
  readonly fields: readonly Field[];
}

/** A response head to write. */
export interface ResponseHeadInput {
  readonly status: number;
  /** @default the registered phrase */
  readonly reason?: string | undefined;
  /** @default '1.1' */
  readonly version?: Version | undefined;
  readonly fields: readonly Field[];
}

/** The message cannot be written without breaking HTTP. Nothing of it was produced. */
export class SerializeError extends Error {
  override readonly name: string = 'SerializeError';
}

/** Everything but HTAB, SP, VCHAR and obs-text: what a field value or reason must not contain. */
const NOT_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const VALUE = 'a value is one line of Latin-1; encode other characters, such as with encodeURIComponent';

/**
 * Writes a request or response head, with the empty line behind it. HTTP/0.9 has no response heads and a request of one
 * line. Characters up to U+00FF become one octet each; others are refused. Throws `SerializeError`.
 */
export function serializeHead(head: RequestHeadInput | ResponseHeadInput): Uint8Array {
  return encodeLatin1(headText(head));
}

/** The same as text, a character for each octet: for callers that write it into memory of their own. Throws `SerializeError`. */
export function headText(head: RequestHeadInput | ResponseHeadInput): string {
  const isRequest = 'method' in head;
  if (head.version === '0.9') return isRequest ? simpleRequest(head) : '';
  const firstLine = isRequest ? requestLine(head) : statusLine(head);
  const lines = isRequest ? requestFields(head) : responseFields(head);
  return `${firstLine}${lines}\r\n`;
}

function simpleRequest({ method, target, fields }: RequestHeadInput): string {
  if (method !== 'GET' || !target.startsWith('/') || !isWritableTarget(method, target) || fields.length > 0) {
    throw new SerializeError('An HTTP/0.9 request is GET and a path, without fields');
  }
  return `GET ${target}\r\n`;
}

function isWritableTarget(method: string, target: string): boolean {
  return /^[\x21\x22\x24-\x7e]+$/.test(target) && readTarget(method, target) !== undefined;
}

function requestLine({ method, target, version = '1.1' }: RequestHeadInput): string {
  if (!isToken(method)) throw new SerializeError(`${JSON.stringify(method)} is not a method`);
  if (!isWritableTarget(method, target)) {
    throw new SerializeError(`${JSON.stringify(target)} is not a request-target for ${method}`);
  }
  return `${method} ${target} HTTP/${version}\r\n`;
}

function statusLine({ status, reason = reasonPhrase(status), version = '1.1' }: ResponseHeadInput): string {
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new SerializeError(`${status} is not a status`);
  if (NOT_VALUE.test(reason)) throw new SerializeError(`${JSON.stringify(reason)} is not a reason phrase`);
  return `HTTP/${version} ${status} ${reason}\r\n`;
}

function requestFields({ fields, version = '1.1' }: RequestHeadInput): string {
  const lines = fieldLines(fields, version);
  const hosts = fields.filter(([name]) => name.length === 4 && name.toLowerCase() === 'host');
  if (hosts.length > 1 || (hosts.length === 0 && version === '1.1')) {
    throw new SerializeError('An HTTP/1.1 request has exactly one Host field');
  }
  if (hosts.some(([, value]) => !isAuthority(value))) throw new SerializeError('The Host field is not a host');
  return lines;
}

function responseFields({ fields, status, version = '1.1' }: ResponseHeadInput): string {
  if (status < 200 || status === 204) {
    const framing = fields.find(([name]) => isFraming(name.toLowerCase()));
    if (framing !== undefined) throw new SerializeError(`A ${status} response has no ${framing[0]}`);
  }
  return fieldLines(fields, version);
}

function isFraming(name: string): boolean {
  return name === 'content-length' || name === 'transfer-encoding';
}

/** Writes field lines, checking each; at most one of them may give the length. */
export function fieldLines(fields: readonly Field[], version: Version): string {
  let lines = '';
  let lengths = 0;
  for (const [name, value] of fields) {
    checkField(name, value);
    if (name.length === 14 || name.length === 17) lengths += checkFraming(name.toLowerCase(), value, version);
    lines += `${name}: ${value}\r\n`;
  }
  if (lengths > 1) throw new SerializeError('More than one field gives the length of the content');
  return lines;
}

/** Names found to be tokens before, so that the grammar is asked once for each. */
const knownNames = new Set<string>();

/** More names than a program writes; they are remembered, so there must be an end to them. */
const MAX_KNOWN_NAMES = 256;

function checkField(name: string, value: string): void {
  if (!knownNames.has(name)) {
    if (!isToken(name)) throw new SerializeError(`${JSON.stringify(name)} is not a field name`);
    if (knownNames.size < MAX_KNOWN_NAMES) knownNames.add(name);
  }
  if (NOT_VALUE.test(value))
    throw new SerializeError(`The field ${name} cannot hold ${JSON.stringify(value)}: ${VALUE}`);
}

/** What readers agree on: no leading zeros, which some take for octal, and no more than they can count. */
function isLength(value: string): boolean {
  return /^(?:0|[1-9][0-9]{0,15})$/.test(value) && Number.isSafeInteger(Number(value));
}

/** 1 for a field that gives the length, 0 for another. */
function checkFraming(name: string, value: string, version: Version): number {
  if (!isFraming(name)) return 0;
  if (name === 'content-length' && !isLength(value)) throw new SerializeError(`${value} is not a content-length`);
  if (name === 'transfer-encoding') {
    if (version !== '1.1') throw new SerializeError('HTTP/1.0 has no transfer codings');
    if (value.toLowerCase() !== 'chunked') throw new SerializeError('Only the chunked transfer coding is supported');
  }
  return 1;
}
