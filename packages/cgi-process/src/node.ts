// CGI scripts under `node:http` and under whatever calls `(request, response, next)`: Express, Connect, Polka.
//
// The core answers with values; here they are written out. A content that breaks off destroys the connection, so that no
// client takes a part for the whole. A local redirect becomes a 302, since only the server around us could route it.

import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { CgiError } from './cgi-error.ts';
import { cgi } from './cgi.ts';
import type { CgiOptions } from './cgi-options.ts';
import type { CgiRequest, CgiResponse, Field, Peer } from './message.ts';
import { mountedPath, mountSegments } from './request/mounted-path.ts';

/** Where a handler is mounted. */
export interface CgiHandlerOptions {
  /** The path in front of the scripts, such as `/cgi-bin`. Under Express the router has taken it off already. @default '' */
  readonly path?: string | undefined;
}

/** A request handler for `node:http`; with `next`, a path that names no script is left to the handlers after it. */
export interface CgiHandler {
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /** Ends what still runs. */
  readonly close: (graceMs?: number) => Promise<void>;
}

/**
 * Makes a handler that runs scripts.
 *
 * @example
 * createServer(cgiHandler({ directory: './cgi-bin', path: '/cgi-bin' })).listen(8080);
 */
export function cgiHandler(options: CgiOptions & CgiHandlerOptions): CgiHandler {
  const respond = cgi(options);
  const mount = mountSegments(options.path ?? '');
  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): Promise<void> => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    const message = requestOf(request, mount, gone.signal);
    const answer = typeof message === 'number' ? { status: message, fields: [] } : await respond(message);
    const isElsewhere = answer.cause instanceof CgiError && answer.cause.code === 'script-not-found';
    if (next !== undefined && (message === 404 || isElsewhere)) next();
    else await write(answer, request, response);
  };
  return Object.assign(
    (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void => {
      const fail = (error: unknown): void => {
        if (next === undefined || response.headersSent) response.destroy();
        else next(error);
      };
      void handle(request, response, next).then(undefined, fail);
    },
    { close: respond.close },
  );
}

function requestOf(request: IncomingMessage, mount: readonly string[], signal: AbortSignal): CgiRequest | number {
  // Express keeps what it has matched and the whole target in members of its own.
  const { baseUrl = '', originalUrl } = request as { baseUrl?: string; originalUrl?: string };
  const target = originalUrl ?? request.url ?? '/';
  const [, rawPath, query] = /^(?:https?:\/\/[^/?#]*)?([^?#]*)(?:\?([^#]*))?/i.exec(target) ?? [];
  const mounted = mountedPath(rawPath === undefined || rawPath === '' ? '/' : rawPath, mount, baseUrl);
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
    authority: request.headers.host,
    fields: fieldsOf(request.rawHeaders),
    contentLength: length,
    content: request,
    remote: peer(request.socket.remoteAddress, request.socket.remotePort),
    local: peer(request.socket.localAddress, request.socket.localPort),
    signal,
  };
}

function contentLengthOf({ headers }: IncomingMessage): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined;
  return Number(headers['content-length'] ?? 0);
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

async function write(answer: CgiResponse, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, reason, fields, content } = answer;
  if (answer.nonParsed === true) return writeRaw(content, response);
  const phrase = reason ?? STATUS_CODES[status] ?? 'Unknown';
  if (content === undefined && status >= 400) {
    const page = `${status} ${phrase}\n`;
    response.writeHead(status, phrase, [...fields, ['content-type', 'text/plain']].flat());
    response.end(page);
    return;
  }
  // Bytes speak for themselves; node:http would send them in chunks otherwise.
  const hasLength = !(content instanceof Uint8Array) || fields.some(([name]) => name === 'content-length');
  const length: readonly Field[] = hasLength ? [] : [['content-length', String(content.length)]];
  response.writeHead(status, phrase, [...fields, ...length].flat());
  if (content === undefined || content instanceof Uint8Array) response.end(content);
  else if (request.method === 'HEAD') {
    await content[Symbol.asyncIterator]().return?.();
    response.end();
  } else {
    holdBriefly(response);
    response.flushHeaders();
    await pump(content, response);
    response.end();
  }
}

/**
 * Lets the head and what content is there already leave in one write; what comes later leaves as it comes. It is the socket
 * that is held: a response that is held itself may never say that it has room again.
 */
function holdBriefly({ socket }: ServerResponse): void {
  if (socket === null) return;
  socket.cork();
  setImmediate(() => socket.uncork());
}

/** Writes as fast as the client takes it; leaves the content when the client has left. */
async function pump(content: AsyncIterable<Uint8Array>, response: NodeJS.WritableStream): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  for await (const bytes of content) {
    if (gone.signal.aborted) return;
    if (response.write(bytes)) continue;
    await once(response, 'drain', { signal: gone.signal }).catch(() => {});
  }
}

/** A script that writes the whole response itself gets the connection to itself, and it is closed after that. */
async function writeRaw(content: CgiResponse['content'], response: ServerResponse): Promise<void> {
  const { socket } = response;
  if (socket === null || content === undefined) return;
  response.detachSocket(socket);
  if (content instanceof Uint8Array) socket.write(content);
  else await pump(content, socket);
  socket.end();
}
