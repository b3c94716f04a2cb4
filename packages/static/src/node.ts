// `@onezero/static/node`: a `(request, response, next)` handler for node:http, Express and the like.
//
// It takes the options of `serveStatic`, and the names that users of send, serve-static and sirv know, translated in one
// table. What middleware in front has done to request and response stands, as under serve-static. Content is written with back
// pressure, and closed when the client goes away at whatever moment.

import { statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import { checkNodePair } from './adapters/callers.ts';
import { isContentGone, readRequest, redirectedAsAsked } from './adapters/node-request.ts';
import { told } from './adapters/told.ts';
import { answerBehind, discard, seenBehind, sendContent, setHead } from './adapters/node-response.ts';
import type { StaticResponse } from './message.ts';
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
 * writing is on), are passed on, unless `fallthrough` is false. OPTIONS is answered where there is a file. Throws a TypeError
 * that names the option when `root` does not exist or an option is wrong.
 *
 * @example
 * createServer(serveStatic('public', { maxAgeSeconds: 3600 })).listen(8080);
 */
export function serveStatic(root: string, options: NodeStaticOptions = {}): NodeHandler {
  const settings = fromFamiliarNames(options);
  const respond = makeResponder(root, settings);
  const serving = {
    respond,
    respondRewritten:
      settings.cleanUrls === 'redirect' ? makeResponder(root, { ...settings, cleanUrls: 'lookup' }) : respond,
    fallthrough: options.fallthrough ?? true,
    options,
    root: statSync(root).isFile() ? dirname(resolve(root)) : resolve(root),
  };
  return (request, response, next) => {
    checkNodePair(request, response);
    void serve(request, response, { ...serving, next });
  };
}

interface Serving {
  readonly respond: StaticResponder;
  /** For paths that others wrote: the client does not know them and must not be sent to their clean form. */
  readonly respondRewritten: StaticResponder;
  readonly fallthrough: boolean;
  readonly options: NodeStaticOptions;
  readonly root: string;
  readonly next: ((error?: unknown) => void) | undefined;
}

/** Never rejects: what `next` throws is thrown outside of promises, as from any callback. */
async function serve(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const { fallthrough, next, options } = serving;
  const report = (cause: unknown): void => told(() => options.onError?.(cause, request));
  const answer = await handle(request, response, serving);
  const isOurFault = answer.status >= 500;
  if (isOurFault) report(answer.cause);
  if (next !== undefined) {
    if (fallthrough && isNothing(answer, request)) return process.nextTick(next);
    if (isOurFault && answer.content === undefined && answer.cause !== undefined) {
      return process.nextTick(next, answer.cause);
    }
  }
  // Somebody else has begun to answer and will end it, or not; a second head would break what is on its way.
  if (response.headersSent) {
    discard(answer.content);
    return report(new Error('the response had begun before it came here'));
  }
  try {
    await send(withPlainPage(answer), request, response, serving);
  } catch (error) {
    // The head is out already; cutting the connection is the only honest end.
    report(error);
    discard(answer.content);
    response.destroy();
  }
}

/** Whether the answer leaves the request to others: nothing is there, or nothing that takes the method. */
function isNothing({ status, content, isNothing: is }: StaticResponse, { method }: IncomingMessage): boolean {
  // A page for what is missing is an answer: whoever puts it into the root wants it seen.
  if (is === true && content === undefined) return true;
  // What is no path here may mean something to others.
  const isNoPath = status === 400 && method !== 'PUT' && method !== 'DELETE';
  return content === undefined && (status === 404 || status === 405 || isNoPath);
}

/** What is no path for files may be one for the next handler, whatever the method. */
const NO_PATH: StaticResponse = { ...BAD_REQUEST, isNothing: true };

async function handle(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<StaticResponse> {
  const read = readRequest(request);
  if (read === undefined) return NO_PATH;
  if (isContentGone(request)) return refusal(500, new Error('the content of the request was read before it came here'));
  const respond = read.rewrittenFrom === undefined ? serving.respond : serving.respondRewritten;
  try {
    const answer = await respond(seenBehind(response, read.message));
    return redirectedAsAsked(answerBehind(answer, read.message, response), read);
  } catch (error) {
    return refusal(request.destroyed ? 400 : 500, error);
  }
}

/** Whether a response without content says so by its length: those that never have any do not (RFC 9110 §8.6). */
function isEmpty(status: number, { method }: IncomingMessage): boolean {
  return status >= 400 || (method !== 'HEAD' && status !== 204 && status !== 304);
}

async function send(
  answer: StaticResponse,
  request: IncomingMessage,
  response: ServerResponse,
  { options, root }: Serving,
): Promise<void> {
  const { status, content, file } = answer;
  if (file !== undefined && options.setHeaders !== undefined) {
    const path = join(root, ...file);
    const stats = statSync(path, { throwIfNoEntry: false });
    const setting: unknown = stats && options.setHeaders(response, path, stats);
    if (setting instanceof Promise) await setting;
  }
  setHead(answer, response);
  // Content that nobody is going to read would keep the connection from its next request.
  const isUnread = request.method === 'PUT' && status >= 400 && !request.complete;
  if (isUnread && request.httpVersionMajor < 2) response.setHeader('connection', 'close');
  if (content instanceof Uint8Array) response.setHeader('content-length', content.length);
  else if (content === undefined && isEmpty(status, request)) response.setHeader('content-length', 0);
  await sendContent(content, request, response);
}
