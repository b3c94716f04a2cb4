// `@onezero/webdav/fetch`: a `(Request) => Response` handler for fetch-style servers such as Hono.

import { checkFetchRequest } from './adapters/callers.ts';
import { mounted } from './adapters/mount.ts';
import { withPlainPage } from './adapters/plain-page.ts';
import type { DavRequest, DavResponse, Field } from './message.ts';
import type { WebdavMountOptions } from './options.ts';
import { mountedResponder } from './mounted-responder.ts';
import { refusal } from './refusals.ts';

export type { WebdavMountOptions, WebdavOptions } from './options.ts';

/** A handler for servers that speak Request and Response. `user` is who was authenticated: locks are theirs alone. */
export type WebdavFetchHandler = (request: Request, user?: string) => Promise<Response>;

/**
 * Makes a fetch handler for a folder. Put authentication before it.
 *
 * Throws a TypeError that names the option when `root` is no directory or an option is wrong.
 *
 * @example
 * const files = webdav({ root: './files', path: '/dav' });
 * app.all('/dav/*', (context) => files(context.req.raw));
 */
export function webdav(options: WebdavMountOptions): WebdavFetchHandler {
  const { respond, mount } = mountedResponder(options);
  return async (request, user) => {
    checkFetchRequest(request);
    const url = new URL(request.url);
    const place = mounted(url.pathname + url.search, mount);
    const response = typeof place === 'number' ? refusal(place) : await respond(messageOf(request, place, user));
    return toResponse(withPlainPage(response), request.method);
  };
}

function messageOf(
  request: Request,
  place: Exclude<ReturnType<typeof mounted>, number>,
  user: string | undefined,
): DavRequest {
  const { method, headers, body, url } = request;
  return {
    ...place,
    method,
    user,
    authority: new URL(url).host,
    fields: [...headers].map(([name, value]): Field => [name, value]),
    content: body ?? undefined,
    contentLength: body === null ? 0 : undefined,
  };
}

function toResponse({ status, fields, content }: DavResponse, method: string): Response {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  if (content === undefined || status === 204) return new Response(null, { status, headers });
  if (content instanceof Uint8Array) {
    headers.set('content-length', String(content.length));
    return new Response(method === 'HEAD' ? null : Buffer.from(content), { status, headers });
  }
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
        // A chunk is only valid until the next is asked for, and a stream asks ahead.
        else controller.enqueue(Uint8Array.from(chunk.value));
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
