// `@onezero/static/fetch`: a `(Request) => Response` handler for fetch-style servers such as Hono.
//
// A Request has lost the target as it stood on the wire: the URL parser has resolved plain dot segments already. What it
// left encoded is decoded here, once, under the same rules as everywhere. Content streams with back pressure: the file is
// read when the consumer pulls, and closed when it cancels.

import { told } from './adapters/told.ts';
import { checkFetchRequest } from './adapters/callers.ts';
import { canonicalPath } from './canonical-target.ts';
import type { Field, StaticRequest, StaticResponse } from './message.ts';
import { checkOptions } from './options/checks.ts';
import type { Table } from './options/shape.ts';
import { type StaticOptions, staticTable } from './options.ts';
import { withPlainPage } from './plain-page.ts';
import { BAD_REQUEST, refusal } from './refusals.ts';
import { serveStatic as makeResponder } from './serve-static.ts';

export type { StaticOptions } from './options.ts';

/** The options of `serveStatic`, and where the handler is mounted. */
export interface FetchStaticOptions extends StaticOptions {
  /** The path prefix below which the root lies, such as `/assets`; requests elsewhere are 404. @default '' */
  readonly path?: string | undefined;
  /** Told why a status of 500 or more was answered. @default nothing is told */
  readonly onError?: ((cause: unknown, request: Request) => void) | undefined;
}

const fetchTable: Table<FetchStaticOptions> = {
  ...staticTable,
  path: {
    shape: { type: 'text', pattern: /^(?:\/.*)?$/, expects: 'a path that begins with /' },
    summary: 'the path prefix below which the root lies',
    alsoCalled: ['mount', 'prefix', 'baseUrl'],
    default: '',
  },
  onError: { shape: { type: 'function', expects: 'a function (cause, request)' }, summary: 'told of errors' },
};

/** A fetch handler that is middleware of Hono as well: where it has nothing, the next one is asked. */
export interface FetchStatic {
  (request: Request): Promise<Response>;
  (context: { readonly req: { readonly raw: Request } }, next: () => Promise<void>): Promise<Response | undefined>;
}

/**
 * Makes a fetch handler for the files below `root`. Extra arguments, as servers pass them, are ignored. Given a context of Hono
 * and `next`, it is middleware.
 *
 * Throws a TypeError that names the option when `root` does not exist or an option is wrong.
 *
 * @example
 * const files = serveStatic('./public', { path: '/assets' });
 * app.use('/assets/*', files);
 * app.get('/assets/*', (context) => files(context.req.raw));
 */
export function serveStatic(root: string, options: FetchStaticOptions = {}): FetchStatic {
  checkOptions(fetchTable, options);
  const { path = '', onError, ...rest } = options;
  const respond = makeResponder(root, rest);
  const prefix = prefixOf(path);
  const answer = async (request: Request): Promise<StaticResponse> => {
    const message = staticRequest(request, prefix);
    let response: StaticResponse;
    try {
      response = typeof message === 'number' ? (message === 400 ? BAD_REQUEST : refusal(404)) : await respond(message);
    } catch (error) {
      response = refusal(request.signal.aborted ? 400 : 500, error);
    }
    if (response.status >= 500) told(() => onError?.(response.cause, request));
    return response;
  };
  return (async (given: Request | { readonly req: { readonly raw: Request } }, next?: () => Promise<void>) => {
    const isContext = 'req' in given;
    const request = isContext ? given.req.raw : given;
    checkFetchRequest(request);
    const response = await answer(request);
    if (isContext && next !== undefined && hasNothing(response)) {
      await next();
      return undefined;
    }
    return toResponse(withPlainPage(response), request.method);
  }) as FetchStatic;
}

function hasNothing({ status, content, isNothing }: StaticResponse): boolean {
  return isNothing ?? ((status === 404 || status === 405) && content === undefined);
}

/** The decoded form of a mount, which may be written either way, without the slash at its end. */
function prefixOf(path: string): string {
  const encoded = path.replace(/[\u0080-\uffff]+/g, encodeURIComponent);
  const prefix = canonicalPath(path === '' ? '/' : encoded)?.path.replace(/\/+$/, '');
  if (prefix === undefined) throw new TypeError(`path: ${JSON.stringify(path)} is not a path`);
  return prefix;
}

function staticRequest(request: Request, prefix: string): StaticRequest | 400 | 404 {
  const url = new URL(request.url);
  const target = canonicalPath(url.pathname + url.search);
  if (target === undefined) return 400;
  const { path, query } = target;
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return 404;
  return {
    method: request.method,
    scriptName: prefix,
    pathInfo: path.slice(prefix.length),
    query,
    fields: [...request.headers].map(([name, value]): Field => [name, value]),
    content: request.body ?? undefined,
  };
}

function toResponse({ status, fields, content }: StaticResponse, method: string): Response {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  if (content instanceof Uint8Array) {
    headers.set('content-length', String(content.length));
    // The bytes are shared by every response for the file; a Response may hand its buffer on, so it gets its own.
    return new Response(method === 'HEAD' ? null : Buffer.from(content), { status, headers });
  }
  if (content === undefined) return new Response(null, { status, headers });
  const body = toStream(content);
  if (method !== 'HEAD') return new Response(body, { status, headers });
  void body.cancel();
  return new Response(null, { status, headers });
}

function toStream(content: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await iterator.next();
        if (chunk.done === true) controller.close();
        // A lent chunk is only valid until the next is asked for, and a stream asks ahead.
        else controller.enqueue(Uint8Array.from(chunk.value));
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
