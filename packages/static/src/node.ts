// `@onezero/static/node`: a `(request, response, next)` handler for node:http, Express and the like.
//
// It takes the options of `serveStatic`, and the names that users of send, serve-static and sirv know, translated in one
// table. Content is written with back pressure, and closed when the client goes away at whatever moment.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { canonicalPath } from './canonical-target.ts';
import type { Field, StaticRequest, StaticResponse } from './message.ts';
import { fromFamiliarNames, type NodeStaticOptions } from './options/node-options.ts';
import { withPlainPage } from './plain-page.ts';
import { BAD_REQUEST, refusal } from './refusals.ts';
import { serveStatic as makeResponder, type StaticResponder } from './serve-static.ts';

export type { NodeStaticOptions } from './options/node-options.ts';

/** A handler in the manner of Connect. `next` is called for 404, and with the error for what cannot be answered. */
export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/**
 * Makes a handler for the files below `root`.
 *
 * With a `next`, requests for which there is no file, and methods other than GET, HEAD and OPTIONS (and PUT and DELETE where
 * writing is on), are passed on, unless `fallthrough` is false. Throws a TypeError that names the option when `root` does not
 * exist or an option is wrong.
 *
 * @example
 * createServer(serveStatic('public', { maxAgeSeconds: 3600 })).listen(8080);
 */
export function serveStatic(root: string, options: NodeStaticOptions = {}): NodeHandler {
  const respond = makeResponder(root, fromFamiliarNames(options));
  const { fallthrough = true, onError } = options;
  return (request, response, next) => {
    void serve(request, response, { respond, fallthrough, onError, next });
  };
}

interface Serving {
  readonly respond: StaticResponder;
  readonly fallthrough: boolean;
  readonly onError: NodeStaticOptions['onError'];
  readonly next: ((error?: unknown) => void) | undefined;
}

/** Never rejects: what `next` throws is thrown outside of promises, as from any callback. */
async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { respond, fallthrough, onError, next }: Serving,
): Promise<void> {
  const answer = await handle(request, respond);
  const isNothing = answer.status === 404 || answer.status === 405;
  const isOurFault = answer.status >= 500;
  if (isOurFault) onError?.(answer.cause, request);
  if (next !== undefined && answer.content === undefined) {
    if (isNothing && fallthrough) return process.nextTick(next);
    if (isOurFault && answer.cause !== undefined) return process.nextTick(next, answer.cause);
  }
  try {
    await send(withPlainPage(answer), request, response);
  } catch (error) {
    // The head is out already; cutting the connection is the only honest end.
    onError?.(error, request);
    response.destroy();
  }
}

async function handle(request: IncomingMessage, respond: StaticResponder): Promise<StaticResponse> {
  const target = canonicalPath(originalTarget(request));
  const mounted = canonicalPath(request.url ?? '');
  if (target === undefined || mounted === undefined || !target.path.endsWith(mounted.path.slice(1))) return BAD_REQUEST;
  // Express takes the mount off `url` and keeps it in `originalUrl`; `/mount` itself arrives as `/`.
  const isMountItself = mounted.path === '/' && !target.path.endsWith('/');
  const pathInfo = isMountItself ? '' : mounted.path;
  const message: StaticRequest = {
    method: request.method ?? 'GET',
    version: request.httpVersion === '1.0' ? '1.0' : '1.1',
    scriptName: target.path.slice(0, target.path.length - pathInfo.length),
    pathInfo,
    query: target.query,
    fields: fieldsOf(request.rawHeaders),
    content: contentOf(request),
  };
  try {
    return await respond(message);
  } catch (error) {
    return refusal(request.destroyed ? 400 : 500, error);
  }
}

/** A reader that stops early has an answer to send; leaving the loop must not take the connection with it. */
function contentOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}

function originalTarget(request: IncomingMessage): string {
  const { url = '' } = request;
  return 'originalUrl' in request && typeof request.originalUrl === 'string' ? request.originalUrl : url;
}

function fieldsOf(rawHeaders: readonly string[]): readonly Field[] {
  const fields: Field[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    fields.push([(rawHeaders[index] ?? '').toLowerCase(), rawHeaders[index + 1] ?? '']);
  }
  return fields;
}

async function send(answer: StaticResponse, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, fields, content } = answer;
  response.statusCode = status;
  for (const [name, value] of fields) response.setHeader(name, value);
  // Content that nobody is going to read would keep the connection from its next request.
  if (request.method === 'PUT' && status >= 400 && !request.complete) response.setHeader('connection', 'close');
  if (content === undefined) {
    if (status >= 400 && !response.hasHeader('content-length')) response.setHeader('content-length', 0);
    response.end();
  } else if (content instanceof Uint8Array) {
    response.setHeader('content-length', content.length);
    response.end(request.method === 'HEAD' ? undefined : content);
  } else await stream(content, response);
}

async function stream(content: AsyncIterable<Uint8Array>, response: ServerResponse): Promise<void> {
  const iterator = content[Symbol.asyncIterator]();
  let wake = (): void => {};
  response.once('close', () => wake());
  try {
    while (!response.destroyed) {
      const chunk = await iterator.next();
      if (chunk.done === true) {
        response.end();
        break;
      }
      // The callback says that the bytes are out, and with them that the lent chunk may be used again.
      await new Promise<void>((resolve) => {
        wake = resolve;
        response.write(chunk.value, () => resolve());
        if (response.destroyed) resolve();
      });
    }
  } finally {
    await iterator.return?.();
  }
}
