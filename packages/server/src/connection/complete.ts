// Fills in what every response needs; pure. How its end is marked is http-parser's decision (`frameResponse`). The outcome is
// what has to be written: HEAD has the fields of GET, and content that is not sent is for the caller to close.

import { frameResponse, headText, type ResponseHeadInput, serializeHead } from '@onezero/http-parser/serializer';
import { firstField, hasField, listField } from '../message/fields.ts';
import { isLengthUntold } from '../message/content.ts';
import type { ContentOut, Field, ResponseMessage } from '../message/message.ts';

import { currentDate } from './clock.ts';

/** What of the request and its connection decides the form of the answer. */
export interface Situation {
  readonly method: string | undefined;
  readonly version: '0.9' | '1.0' | '1.1';
  /** Whether the connection may live on. */
  readonly persistent: boolean;
  readonly id: string | undefined;
}

export interface CompleteSettings {
  readonly serverField: string | false;
  readonly fields: readonly Field[];
  readonly requestIdField: string | undefined;
}

export interface Framed<Head = Uint8Array> {
  /** Absent for HTTP/0.9 and for a response that is written as it came. */
  readonly head: Head | undefined;
  /** What is to be written after it; absent when there is nothing to write. */
  readonly content: ContentOut | undefined;
  /** The length the content must have, when the head has promised one. */
  readonly length: number | undefined;
  readonly chunked: boolean;
  readonly persistent: boolean;
}

/** A given Content-Length that is no length: the responder's mistake. */
const BAD_LENGTH = -1;

/** Hop-by-hop and server-owned fields that a responder does not decide (RFC 9110 §7.6.1). */
export const OWNED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-connection',
  'server',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Throws a TypeError, or what the serializer throws, for a response that cannot be put on the wire. */
export function complete(response: ResponseMessage, situation: Situation, settings: CompleteSettings): Framed {
  return framed(response, situation, settings, serializeHead);
}

/** The same with the head as text, for whoever writes it into memory of their own. */
export function completeAsText(
  response: ResponseMessage,
  situation: Situation,
  settings: CompleteSettings,
): Framed<string> {
  return framed(response, situation, settings, headText);
}

function framed<Head>(
  response: ResponseMessage,
  situation: Situation,
  settings: CompleteSettings,
  serialize: (head: ResponseHeadInput) => Head,
): Framed<Head> {
  const { content } = response;
  if (response.nonParsed === true || situation.version === '0.9') {
    return { head: undefined, content, length: undefined, chunked: false, persistent: false };
  }
  const { method, version } = situation;
  const length = lengthOf(response, method);
  if (length === BAD_LENGTH) throw new TypeError('the content-length of the response is not a length');
  const { status, reason } = response;
  const mayFollow = situation.persistent && !asksForClose(response.fields);
  const {
    fields: framing,
    framing: kind,
    persistent,
  } = frameResponse({
    method,
    version,
    status,
    length,
    persistent: mayFollow,
  });
  const isUntold = method === 'HEAD' && length === undefined && isLengthUntold(content);
  const told = isUntold ? framing.filter(([name]) => name !== 'transfer-encoding') : framing;
  const fields = allFields(response, told, situation, settings);
  const head = serialize({ status, reason, fields });
  const isSent = kind !== 'none';
  return { head, content: isSent ? content : undefined, length, chunked: kind === 'chunked', persistent };
}

/** The head of a 101 (RFC 9110 §15.2.2). Throws a TypeError without an `upgrade` field, and what the serializer throws. */
export function switchingHead({ fields, reason }: ResponseMessage, { serverField }: CompleteSettings): Uint8Array {
  if (!hasField(fields, 'upgrade')) throw new TypeError('the response 101 names no protocol in an upgrade field');
  const kept = fields.filter(([name]) => name === 'upgrade' || !OWNED.has(name));
  const server: readonly Field[] = serverField === false ? [] : [['server', serverField]];
  return serializeHead({
    status: 101,
    reason,
    fields: [['date', currentDate()], ...server, ...kept, ['connection', 'upgrade']],
  });
}

/** A responder may end the connection with its response, as applications in the manner of node:http do. */
function asksForClose(fields: readonly Field[]): boolean {
  const connection = listField(fields, 'connection');
  return connection !== undefined && /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i.test(connection);
}

/**
 * The length of the content as far as it is known: bytes speak for themselves, iterables may have it in a field. A response
 * to HEAD may leave the content out and name only its length.
 */
function lengthOf({ status, fields, content }: ResponseMessage, method: string | undefined): number | undefined {
  const given = firstField(fields, 'content-length');
  const claimed = given === undefined ? undefined : /^\d{1,15}$/.test(given) ? Number(given) : BAD_LENGTH;
  if (status === 204 || status === 205) return 0;
  if (status === 304) return claimed;
  if (content === undefined) return method === 'HEAD' ? claimed : 0;
  return content instanceof Uint8Array ? content.length : claimed;
}

/** 426 says which protocol it wants (RFC 9110 §15.5.22), and that this is about the connection (§7.8). */
function upgradeOf({ fields }: ResponseMessage): readonly Field[] {
  const named = fields.filter(([name]) => name === 'upgrade');
  return named.length === 0 ? [] : [...named, ['connection', 'upgrade']];
}

function allFields(
  response: ResponseMessage,
  framing: readonly Field[],
  { id }: Situation,
  { serverField, fields: added, requestIdField }: CompleteSettings,
): readonly Field[] {
  const fields: Field[] = [['date', currentDate()]];
  if (serverField !== false) fields.push(['server', serverField]);
  for (const field of response.fields) if (!OWNED.has(field[0])) fields.push(field);
  if (response.status === 426) fields.push(...upgradeOf(response));
  for (const field of added) if (!hasField(fields, field[0]) && !OWNED.has(field[0])) fields.push(field);
  if (requestIdField !== undefined && id !== undefined) fields.push([requestIdField, id]);
  fields.push(...framing);
  return fields;
}
