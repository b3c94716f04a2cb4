// A response as a value goes out through a Node response that others may have a part in.
//
// Middleware in front may have set a status and fields, and may have replaced `write` and `end` to code the content. What it set
// stands, as under send: its status in place of 200, its Cache-Control, Content-Type and validators in place of ours, its Vary
// beside ours. A tag stays strong only as long as nobody else codes the content.

import { type IncomingMessage, OutgoingMessage, type ServerResponse } from 'node:http';
import { parseHttpDate } from '../http/http-date.ts';
import { evaluate, type Validators } from '../http/preconditions.ts';
import { fieldValue, selectionFields } from '../http/request-fields.ts';
import type { StaticRequest, StaticResponse } from '../message.ts';
import { PRECONDITION_FAILED } from '../refusals.ts';

/** What others may say of a file that we send. */
const OTHERS_STAND: ReadonlySet<string> = new Set(['content-type', 'etag', 'last-modified', 'accept-ranges']);

/** What describes content, and a 304 has none. */
const OF_CONTENT = ['content-type', 'content-encoding', 'content-language', 'content-length', 'content-range'];

/** What describes a file and says nothing true of an error. */
const OF_A_FILE = ['etag', 'last-modified', 'accept-ranges', 'content-encoding', 'content-range', 'content-length'];

/** The request as the core should see it, given what was set in front. */
export function seenBehind(response: ServerResponse, message: StaticRequest): StaticRequest {
  if (message.method !== 'GET' && message.method !== 'HEAD') return message;
  const dropped = new Set(response.hasHeader('content-encoding') ? ['accept-encoding'] : []);
  const { etag, modifiedSeconds } = foreignValidators(response);
  const has = (name: string): boolean => fieldValue(message.fields, name) !== undefined;
  const drop = (...names: readonly string[]): void => names.forEach((name) => dropped.add(name));
  // The page of an error is whole, whatever the client has or wants of another representation.
  if (response.statusCode !== 200) drop('range', ...TAG_CONDITIONS, ...DATE_CONDITIONS);
  if (etag !== undefined) {
    drop(...TAG_CONDITIONS, 'if-range');
    // A condition on the tag makes that on the date void (RFC 9110 §13.2.2).
    if (has('if-match')) drop('if-unmodified-since');
    if (has('if-none-match')) drop('if-modified-since');
    const given = fieldValue(message.fields, 'if-range');
    if (given !== undefined && (given.startsWith('W/') || given !== etag)) drop('range');
  }
  if (modifiedSeconds !== undefined) {
    drop(...DATE_CONDITIONS);
    if (!(fieldValue(message.fields, 'if-range') ?? '"').includes('"')) drop('range');
  }
  if (dropped.size === 0) return message;
  return { ...message, fields: message.fields.filter(([name]) => !dropped.has(name)) };
}

const TAG_CONDITIONS = ['if-match', 'if-none-match'];
const DATE_CONDITIONS = ['if-modified-since', 'if-unmodified-since'];

/** The answer under the validators that were set in front, which the core does not know. */
export function answerBehind(
  answer: StaticResponse,
  { fields, method }: StaticRequest,
  response: ServerResponse,
): StaticResponse {
  const foreign = foreignValidators(response);
  const isAnswered = [200, 206, 304, 416].includes(answer.status) && (method === 'GET' || method === 'HEAD');
  const isForeign = foreign.etag !== undefined || foreign.modifiedSeconds !== undefined;
  if (!isAnswered || !isForeign || response.statusCode !== 200) return answer;
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = selectionFields(fields) ?? {};
  const conditions = {
    ...(foreign.etag === undefined ? {} : { ifMatch, ifNoneMatch }),
    ...(ifMatch === undefined ? { ifUnmodifiedSince } : {}),
    ...(ifNoneMatch === undefined ? { ifModifiedSince } : {}),
  };
  const precondition = evaluate(conditions, foreign, true);
  if (precondition === 'proceed') return answer;
  discard(answer.content);
  if (precondition === 'failed') return PRECONDITION_FAILED;
  const kept = answer.fields.filter(([name]) => !/^(?:content-|accept-ranges)/.test(name));
  return { status: 304, fields: kept, file: answer.file };
}

/** Closes content that nobody is going to read. */
export function discard(content: StaticResponse['content']): void {
  if (content !== undefined && !(content instanceof Uint8Array)) void content[Symbol.asyncIterator]().return?.();
}

function foreignValidators(response: ServerResponse): Validators {
  const date = text(response, 'last-modified');
  const milliseconds = date === undefined ? undefined : parseHttpDate(date);
  const modifiedSeconds = milliseconds === undefined ? undefined : Math.floor(milliseconds / 1000);
  return { etag: text(response, 'etag'), modifiedSeconds };
}

function text(response: ServerResponse, name: string): string | undefined {
  const value = response.getHeader(name);
  return value === undefined ? undefined : String(value);
}

/** Sets status and fields beside those that others have set. */
export function setHead({ status, fields, file }: StaticResponse, response: ServerResponse): void {
  if (status !== 200 || response.statusCode === 0) response.statusCode = status;
  if (status === 304) for (const name of OF_CONTENT) response.removeHeader(name);
  if (status >= 400) {
    for (const name of OF_A_FILE) response.removeHeader(name);
    // What was meant for a file must not make its absence last; what forbids storing holds for an error too.
    if (!/private|no-store|no-cache/i.test(text(response, 'cache-control') ?? ''))
      response.removeHeader('cache-control');
  }
  for (const [name, value] of fields) {
    const earlier = text(response, name);
    if (earlier === undefined) response.setHeader(name, value);
    else if (name === 'vary') response.setHeader(name, joinedVary(earlier, value));
    else if (name === 'cache-control') continue;
    else if (file === undefined || !OTHERS_STAND.has(name)) response.setHeader(name, value);
  }
  if (isWrapped(response)) weakenWhenCoded(response);
}

function joinedVary(earlier: string, ours: string): string {
  const names = earlier
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  if (names.includes('*')) return earlier;
  const added = ours.split(',').filter((name) => !names.includes(name.trim().toLowerCase()));
  return [earlier, ...added.map((name) => name.trim())].join(', ');
}

/** Whether others have put themselves between us and Node, as `compression()` does. */
function isWrapped(response: ServerResponse): boolean {
  return response.write !== OutgoingMessage.prototype.write || response.end !== OutgoingMessage.prototype.end;
}

/** Two codings of a file are two representations and cannot share a strong tag (RFC 9110 §8.8.3). */
function weakenWhenCoded(response: ServerResponse): void {
  const setHeader = response.setHeader.bind(response);
  const tag = text(response, 'etag');
  if (tag === undefined || tag.startsWith('W/')) return;
  response.setHeader = (name, value) => {
    setHeader(name, value);
    if (name.toLowerCase() === 'content-encoding' && value !== 'identity') {
      setHeader('ETag', `W/${text(response, 'etag')?.replace(/^W\//, '')}`);
    }
    return response;
  };
}

/** Sends the content. Rejects when it breaks off; the head is out by then. */
export async function sendContent(
  content: StaticResponse['content'],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (content === undefined) response.end();
  else if (content instanceof Uint8Array) response.end(request.method === 'HEAD' ? undefined : content);
  else await stream(content, request, response);
}

async function stream(
  content: AsyncIterable<Uint8Array>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const iterator = content[Symbol.asyncIterator]();
  const gate = isWrapped(response) ? new DrainGate(response) : new CallbackGate(response);
  const isGone = (): boolean => response.destroyed || request.socket.destroyed;
  response.once('close', () => gate.leave());
  // A response that waits for its turn on the connection is not told when that closes; its request is.
  request.once('close', () => {
    if (isGone()) gate.leave();
  });
  try {
    while (!isGone()) {
      const chunk = await iterator.next();
      if (chunk.done === true) {
        response.end();
        break;
      }
      await gate.write(chunk.value);
    }
  } finally {
    await iterator.return?.();
  }
}

/** Node's own `write` says by its callback that the bytes are out, and with them that the lent chunk may be used again. */
class CallbackGate {
  readonly #response: ServerResponse;
  #wake = (): void => {};

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Nobody takes anything any more. */
  leave(): void {
    this.#wake();
  }

  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#response.write(chunk, () => resolve());
      if (this.#response.destroyed) resolve();
    });
  }
}

/** Wrappers pass no callback on and keep what they were given, so they get copies and are waited for by `drain`. */
class DrainGate {
  readonly #response: ServerResponse;
  #wake = (): void => {};

  constructor(response: ServerResponse) {
    this.#response = response;
    response.on('drain', () => this.#wake());
  }

  /** Nobody takes anything any more. */
  leave(): void {
    this.#wake();
  }

  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      const mayGoOn = this.#response.write(Buffer.from(chunk));
      if (mayGoOn || this.#response.destroyed) resolve();
    });
  }
}
