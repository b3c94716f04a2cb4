// A responder on plain values under `node:http` and under whatever calls `(request, response, next)`: Express, Connect, Polka.
//
// The core answers with values; here they are written out. A content that breaks off destroys the connection, so that no
// client takes a part for the whole. A local redirect becomes a 302, since only the server around us could route it. What
// middleware in front has set stays: it may have rewritten `url`, named fields to vary by, or given cookies.

import { checkNodePair } from '../request/callers.ts';
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CgiError } from '../cgi-error.ts';
import type { CgiRequest, CgiResponse, Field, Peer } from '../message.ts';
import { mountedPath, mountSegments } from '../request/mounted-path.ts';

/** Where a handler is mounted. */
export interface NodeHandlerOptions {
  /** The path in front of the scripts, such as `/cgi-bin`. Under Express the router has taken it off already. @default '' */
  readonly path?: string | undefined;
}

/** A request handler for `node:http`; with `next`, a path where nothing is, is left to the handlers after it. */
export interface NodeHandler {
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /** Ends what still runs. */
  readonly close: (graceMs?: number) => Promise<void>;
}

/** What is adapted. */
export interface Responder {
  (request: CgiRequest): Promise<CgiResponse>;
  readonly close: (graceMs?: number) => Promise<void>;
}

/** Makes a Node handler of a responder. Throws a TypeError for a path that is not encoded correctly. */
export function nodeHandler(respond: Responder, path: string): NodeHandler {
  const mount = mountSegments(path);
  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): Promise<void> => {
    const gone = departureOf(request, response);
    const message = requestOf(request, mount, gone);
    const answer = typeof message === 'number' ? { status: message, fields: [] } : await respond(message);
    const { cause } = answer as { readonly cause?: Error };
    const error = cause?.cause === CONTENT_GONE ? CONTENT_GONE : undefined;
    // What it throws is thrown outside of promises, as from any callback: it is no reason to ask it again.
    if (next !== undefined && (error !== undefined || message === 404 || isElsewhere(answer)))
      process.nextTick(next, error);
    // Somebody else has begun to answer meanwhile, as a time-out in front does.
    else if (response.headersSent) await close(answer.content);
    else await write(error === undefined ? answer : { status: 500, fields: [] }, request, response, gone);
  };
  return Object.assign(
    (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void => {
      checkNodePair(request, response);
      const fail = (error: unknown): void => {
        if (next === undefined || response.headersSent) response.destroy();
        else process.nextTick(next, error);
      };
      void handle(request, response, next).then(undefined, fail);
    },
    { close: respond.close },
  );
}

/** Aborted when the client has gone before the response was whole. */
function departureOf(request: IncomingMessage, response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const left = (): void => {
    // To HTTP/2, a response is finished with its stream, be it ended or not.
    if (!response.writableFinished || !response.writableEnded) gone.abort();
  };
  response.once('close', left);
  // A response that waits for its turn on the connection is not told when that closes; its request is.
  request.once('close', () => {
    if (request.socket.destroyed) left();
  });
  // It may have gone while others had the request.
  if (response.destroyed) gone.abort();
  return gone.signal;
}

function isElsewhere({ isNothing, cause }: CgiResponse): boolean {
  return isNothing === true || (cause instanceof CgiError && cause.code === 'script-not-found');
}

function requestOf(request: IncomingMessage, mount: readonly string[], signal: AbortSignal): CgiRequest | number {
  const { target, path, base, query } = targetOf(request);
  const mounted = mountedPath(path, mount, base);
  if (typeof mounted === 'number') return mounted;
  const length = contentLengthOf(request);
  const isSecure = 'encrypted' in request.socket;
  return {
    ...mounted,
    method: request.method ?? 'GET',
    target,
    query,
    version: request.httpVersion === '1.0' ? '1.0' : '1.1',
    scheme: isSecure ? 'https' : 'http',
    authority: request.headers.host ?? (request.headers[':authority'] as string | undefined),
    fields: fieldsOf(request.rawHeaders),
    contentLength: length,
    content: contentOf(request),
    remote: peer(request.socket.remoteAddress, request.socket.remotePort),
    local: peer(request.socket.localAddress, request.socket.localPort),
    signal,
  };
}

/** No script is to do without content that a body parser in front has taken. */
const CONTENT_GONE = new Error('the content of the request was read before it came here');

/**
 * A reader that stops early has an answer to send: leaving the content must not take the connection with it. What is left of it
 * is read away, or the next request would never be.
 */
function contentOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  const isGone = request.readableDidRead;
  return {
    [Symbol.asyncIterator]() {
      const iterator: AsyncIterator<Uint8Array> = request.iterator({ destroyOnReturn: false });
      return {
        next: () => (isGone ? Promise.reject(CONTENT_GONE) : iterator.next()),
        return: async () => {
          await iterator.return?.();
          request.resume();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

interface Target {
  /** As the client sent it. */
  readonly target: string;
  /** The path as middleware in front has left it, with what a router has taken off its front. */
  readonly path: string;
  readonly base: string;
  readonly query: string | undefined;
}

function targetOf(request: IncomingMessage): Target {
  const { url = '/' } = request;
  const { originalUrl = url, baseUrl } = request as { baseUrl?: string; originalUrl?: string };
  const [path, query] = split(url);
  const [original] = split(originalUrl);
  const base = baseUrl ?? guessedMount(original, path);
  // A mount is taken off the front of `url`, so the mount itself arrives as `/`, whether or not it was asked for with a slash.
  const isMountItself = path === '/' && base !== '' && base === original;
  return { target: originalUrl, path: isMountItself ? base : base + path, base, query };
}

function split(target: string): readonly [path: string, query: string | undefined] {
  const [, path, query] = /^(?:https?:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?/i.exec(target) ?? [];
  return [path === undefined || path === '' ? '/' : path, query];
}

/** Express says where it has mounted a handler; Connect leaves it to be seen from what is left of the path. */
function guessedMount(original: string, rest: string): string {
  if (original === rest || !original.endsWith(rest)) return rest === '/' && original !== '/' ? original : '';
  return original.slice(0, -rest.length);
}

function contentLengthOf(request: IncomingMessage): number | undefined {
  const { headers, httpVersionMajor } = request;
  const announced = headers['content-length'];
  if (headers['transfer-encoding'] !== undefined) return undefined;
  if (announced !== undefined || httpVersionMajor < 2) return Number(announced ?? 0);
  // In HTTP/2 what is not announced may come all the same.
  const { stream } = request as { readonly stream?: { readonly endAfterHeaders?: boolean } };
  return stream?.endAfterHeaders === true ? 0 : undefined;
}

function fieldsOf(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    fields.push([(raw[index] as string).toLowerCase(), raw[index + 1] as string]);
  }
  return fields;
}

function peer(address = '', port = 0): Peer {
  return { address, port };
}

async function write(
  answer: CgiResponse,
  request: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const { status, reason, fields, content } = answer;
  if (answer.nonParsed === true) return writeRaw(content, response, gone);
  const phrase = reason ?? STATUS_CODES[status] ?? 'Unknown';
  // HTTP/2 has none.
  if (request.httpVersionMajor < 2) response.statusMessage = phrase;
  setFields(response, fields);
  if (content === undefined && status >= 400) {
    response.writeHead(status, { 'content-type': 'text/plain' }).end(`${status} ${phrase}\n`);
    return;
  }
  // Bytes speak for themselves; node:http would send them in chunks otherwise.
  if (content instanceof Uint8Array && !response.hasHeader('content-length')) {
    response.setHeader('content-length', content.length);
  }
  response.writeHead(status);
  if (content === undefined || content instanceof Uint8Array) response.end(content);
  else if (request.method === 'HEAD') {
    await close(content);
    response.end();
  } else {
    holdBriefly(response);
    response.flushHeaders();
    await pump(content, response, gone);
    response.end();
  }
}

/** Fields of which a response may have several lines, and to which others may have added theirs. */
const JOINED: ReadonlySet<string> = new Set(['vary', 'set-cookie']);

function setFields(response: ServerResponse, fields: readonly Field[]): void {
  const joined = new Set(JOINED);
  for (const [name, value] of fields) {
    const earlier = joined.has(name) ? response.getHeader(name) : undefined;
    response.setHeader(name, earlier === undefined ? value : ([earlier, value].flat() as string[]));
    joined.add(name);
  }
}

/**
 * Lets the head and what content is there already leave in one write; what comes later leaves as it comes. It is the socket
 * that is held: a response that is held itself may never say that it has room again.
 */
function holdBriefly({ socket }: ServerResponse): void {
  socket?.cork();
  setImmediate(() => socket?.uncork());
}

/** Writes as fast as the client takes it; leaves the content when the client has left. */
async function pump(
  content: AsyncIterable<Uint8Array>,
  response: NodeJS.WritableStream,
  gone: AbortSignal,
): Promise<void> {
  let wake = (): void => {};
  // Once for all: who stands between us and Node, as `compression()` does, may not let go of a listener.
  response.on('drain', () => wake());
  gone.addEventListener('abort', () => wake());
  for await (const bytes of content) {
    if (gone.aborted) return;
    if (!response.write(bytes)) await new Promise<void>((resolve) => (wake = resolve));
  }
}

async function close(content: CgiResponse['content']): Promise<void> {
  await (content as Partial<AsyncIterable<Uint8Array>> | undefined)?.[Symbol.asyncIterator]?.().return?.();
}

/** A script that writes the whole response itself gets the connection to itself, and it is closed after that. */
async function writeRaw(
  content: CgiResponse['content'],
  response: ServerResponse,
  departed: AbortSignal,
): Promise<void> {
  const { socket } = response;
  if (socket === null || content === undefined) return;
  response.detachSocket(socket);
  // From here on it is the socket that tells.
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  try {
    if (content instanceof Uint8Array) socket.write(content);
    else await pump(content, socket, AbortSignal.any([gone.signal, departed]));
    socket.end();
  } catch {
    // Whatever the script failed with: the response has no socket any more that could be closed through it.
    socket.destroy();
  }
}
