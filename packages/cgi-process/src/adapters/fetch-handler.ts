// A responder on plain values in servers that pass a `Request` and want a `Response`: Hono, h3, srvx, Deno's and Bun's shape.
//
// A Request has lost what scripts may want to know (the raw target, repeated fields, both addresses), so those come from
// options, or stay at a sensible nothing.

import { checkFetchRequest } from '../request/callers.ts';
import type { CgiRequest, CgiResponse, Field, Peer } from '../message.ts';
import { mountedPath, mountSegments } from '../request/mounted-path.ts';
import type { Responder } from './node-handler.ts';

/** Where a handler is mounted, and who is on the other side. */
export interface FetchHandlerOptions {
  /** The path in front of the scripts, such as `/cgi-bin`. @default '' */
  readonly path?: string | undefined;
  /** The client's address, which a Request does not tell. @default 127.0.0.1, port unknown */
  readonly remote?: ((request: Request) => Peer) | undefined;
}

/** A handler for servers that speak Request and Response. */
export interface FetchHandler {
  (request: Request): Promise<Response>;
  /** Ends what still runs. */
  readonly close: (graceMs?: number) => Promise<void>;
}

/** Makes a fetch handler of a responder. Throws a TypeError for a path that is not encoded correctly. */
export function fetchHandler(respond: Responder, { path = '', remote }: FetchHandlerOptions): FetchHandler {
  const mount = mountSegments(path);
  const handle = async (request: Request): Promise<Response> => {
    checkFetchRequest(request);
    const message = requestOf(request, mount, remote?.(request));
    return responseOf(
      typeof message === 'number' ? { status: message, fields: [] } : await respond(message),
      request.method,
    );
  };
  return Object.assign(handle, { close: respond.close });
}

function requestOf(request: Request, mount: readonly string[], remote: Peer | undefined): CgiRequest | number {
  const url = new URL(request.url);
  const mounted = mountedPath(url.pathname, mount);
  if (typeof mounted === 'number') return mounted;
  const length = request.headers.get('content-length');
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  return {
    ...mounted,
    method: request.method,
    target: url.pathname + url.search,
    query: url.search === '' ? undefined : url.search.slice(1),
    version: '1.1',
    scheme,
    authority: url.host,
    fields: [...request.headers].map(([name, value]): Field => [name, value]),
    contentLength: request.body === null ? 0 : length === null ? undefined : Number(length),
    content: request.body ?? none(),
    remote: remote ?? { address: '', port: 0 },
    local: { address: '', port: Number(url.port) },
    signal: request.signal,
  };
}

/** A Response of these takes no body, not even an empty one. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

async function* none(): AsyncGenerator<Uint8Array> {}

async function responseOf(answer: CgiResponse, method: string): Promise<Response> {
  const { status, reason = '', fields, content } = answer;
  const headers = new Headers(fields.map(([name, value]): [string, string] => [name, value]));
  const isBare = content === undefined && status >= 400;
  if (isBare) headers.set('content-type', 'text/plain');
  const iterator = content === undefined || content instanceof Uint8Array ? undefined : content[Symbol.asyncIterator]();
  const isBodiless = method === 'HEAD' || BODILESS.has(status);
  if (isBodiless) await iterator?.return?.();
  const body = isBodiless
    ? null
    : iterator !== undefined
      ? streamOf(iterator)
      : isBare
        ? `${status}\n`
        : (content ?? null);
  return new Response(body as string | ReadableStream<Uint8Array> | null, { status, statusText: reason, headers });
}

/** Pulls when it is read and lets go when it is cancelled: the script waits for its reader, and ends with it. */
function streamOf(iterator: AsyncIterator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
