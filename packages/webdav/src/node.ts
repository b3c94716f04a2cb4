// `@onezero/webdav/node`: a `(request, response, next)` handler for node:http, Express and Connect.

import { checkNodePair } from './adapters/callers.ts';
import { type IncomingMessage, OutgoingMessage, type ServerResponse } from 'node:http';
import { mounted } from './adapters/mount.ts';
import { withPlainPage } from './adapters/plain-page.ts';
import type { DavRequest, DavResponse, Field } from './message.ts';
import type { WebdavMountOptions } from './options.ts';
import { mountedResponder } from './mounted-responder.ts';
import { refusal } from './refusals.ts';

export type { WebdavMountOptions, WebdavOptions } from './options.ts';

/** A request handler; with `next`, paths outside of the mount are left to the handlers after it. */
export type WebdavHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/**
 * Makes a handler for a folder. Put authentication before it; what it leaves in `request.user`, a text or an object with a
 * `name`, is whose locks are told apart.
 *
 * Throws a TypeError that names the option when `root` is no directory or an option is wrong.
 *
 * @example
 * createServer(webdav({ root: './files', path: '/dav' })).listen(8080);
 */
export function webdav(options: WebdavMountOptions): WebdavHandler {
  const { respond, mount } = mountedResponder(options);
  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): Promise<void> => {
    const { originalUrl, url = '/' } = request as { originalUrl?: string; url?: string };
    const place = mounted(originalUrl ?? url, mount, url);
    // What it throws is thrown outside of promises, as from any callback: it is no reason to ask it again.
    if (place === 404 && next !== undefined) return process.nextTick(next);
    if (isContentGone(request)) {
      const error = new Error('the content of the request was read before it came here');
      if (next !== undefined) return process.nextTick(next, error);
      return send(withPlainPage(refusal(500, error)), request, response);
    }
    const answer = typeof place === 'number' ? refusal(place) : await respond(messageOf(request, place));
    await send(withPlainPage(answer), request, response);
  };
  return (request, response, next) => {
    checkNodePair(request, response);
    const fail = (error: unknown): void => {
      if (next === undefined || response.headersSent) response.destroy();
      else process.nextTick(next, error);
    };
    void handle(request, response, next).then(undefined, fail);
  };
}

function messageOf(request: IncomingMessage, place: Exclude<ReturnType<typeof mounted>, number>): DavRequest {
  const { headers, method = 'GET', httpVersion, httpVersionMajor } = request;
  const announced = headers['content-length'];
  // In HTTP/2 what is not announced may come all the same.
  const isKnown = headers['transfer-encoding'] === undefined && (announced !== undefined || httpVersionMajor < 2);
  return {
    ...place,
    method,
    version: httpVersion === '1.0' ? '1.0' : '1.1',
    authority: headers.host ?? (headers[':authority'] as string | undefined),
    user: userOf(request),
    fields: fieldsOf(request.rawHeaders),
    contentLength: isKnown ? Number(announced ?? 0) : undefined,
    // A reader that stops early has an answer to send; leaving the loop must not take the connection with it.
    content: { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) },
  };
}

const TAKE_CONTENT: ReadonlySet<string | undefined> = new Set(['PUT', 'PROPPATCH', 'PROPFIND', 'LOCK']);

/** Whether content that counts is gone, as behind a body parser: what is left would make an empty file. */
function isContentGone({ method, readableDidRead, headers, httpVersionMajor }: IncomingMessage): boolean {
  const isFramed = headers['transfer-encoding'] !== undefined || httpVersionMajor >= 2;
  const hasContent = (headers['content-length'] ?? (isFramed ? undefined : '0')) !== '0';
  return readableDidRead && hasContent && TAKE_CONTENT.has(method);
}

function userOf(request: IncomingMessage): string | undefined {
  const { user } = request as { user?: unknown };
  const name = typeof user === 'object' && user !== null && 'name' in user ? user.name : user;
  return typeof name === 'string' ? name : undefined;
}

function fieldsOf(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    fields.push([(raw[index] as string).toLowerCase(), raw[index + 1] as string]);
  }
  return fields;
}

async function send(
  { status, fields, content }: DavResponse,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Somebody else has begun to answer meanwhile, as a time-out in front does.
  if (response.headersSent) {
    await (content as Partial<AsyncIterable<Uint8Array>> | undefined)?.[Symbol.asyncIterator]?.().return?.();
    return;
  }
  for (const [name, value] of fields) {
    const values = fields.filter((field) => field[0] === name).map((field) => field[1]);
    response.setHeader(name, values.length > 1 ? values : value);
  }
  response.statusCode = status;
  // Content that is not read any more would keep the connection from its next request.
  if (status >= 400 && !request.complete && request.httpVersionMajor < 2) response.setHeader('connection', 'close');
  if (content === undefined || content instanceof Uint8Array) {
    if (content !== undefined) response.setHeader('content-length', content.length);
    else if (status !== 204 && status !== 304 && request.method !== 'HEAD') response.setHeader('content-length', 0);
    response.end(request.method === 'HEAD' ? undefined : content);
    return;
  }
  await stream(content, request, response);
}

async function stream(
  content: AsyncIterable<Uint8Array>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const iterator = content[Symbol.asyncIterator]();
  // Who has put themselves between us and Node, as `compression()` does, passes no callback on and keeps what it was given.
  const isWrapped = response.write !== OutgoingMessage.prototype.write;
  let wake = (): void => {};
  const isGone = (): boolean => response.destroyed || request.socket.destroyed;
  response.once('close', () => wake());
  // A response that waits for its turn on the connection is not told when that closes; its request is.
  request.once('close', () => isGone() && wake());
  if (isWrapped) response.on('drain', () => wake());
  try {
    while (!isGone() && request.method !== 'HEAD') {
      const chunk = await iterator.next();
      if (chunk.done === true) break;
      // The callback says that the bytes are out, and with them that the lent chunk may be used again.
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (!isWrapped) response.write(chunk.value, () => resolve());
        else if (response.write(Buffer.from(chunk.value))) resolve();
        if (isGone()) resolve();
      });
    }
    response.end();
  } finally {
    await iterator.return?.();
  }
}
