// What the core is asked, from a Node request in the state in which the middleware in front left it.
//
// The path and query are those of `url`, which may have been rewritten; `originalUrl` and `baseUrl` only say where the handler is
// mounted. Fields are read from `headers`, which may have been edited, and not from `rawHeaders`.

import type { IncomingMessage } from 'node:http';
import { canonicalPath } from '../canonical-target.ts';
import { siteLocation } from '../site/location.ts';
import type { Field, StaticRequest, StaticResponse } from '../message.ts';

/** A request, and what was known of its target. */
export interface ReadRequest {
  readonly message: StaticRequest;
  /** The path and query that the client asked for, where `url` says something else than a part of it. */
  readonly rewrittenFrom: { readonly path: string; readonly query: string | undefined } | undefined;
}

/** Undefined when the target is no path. */
export function readRequest(request: IncomingMessage): ReadRequest | undefined {
  const { url = '/' } = request;
  const target = canonicalPath(/^(?:\/|https?:)/i.test(url) || url === '*' ? url : `/${url}`);
  if (target === undefined) return undefined;
  const original = canonicalPath(textMember(request, 'originalUrl') ?? url) ?? target;
  const scriptName = mountOf(request) ?? guessedMount(original.path, target.path);
  // A mount is taken off the front of `url`, so the mount itself arrives as `/`, whether or not it was asked for with a slash.
  const isMountItself = target.path === '/' && scriptName !== '' && scriptName === original.path;
  const pathInfo = isMountItself ? '' : target.path;
  const isAsAsked = original.path === `${scriptName}${pathInfo}` && original.query === target.query;
  return {
    message: {
      method: request.method ?? 'GET',
      version: request.httpVersion === '1.0' ? '1.0' : '1.1',
      scriptName,
      pathInfo,
      query: target.query,
      fields: fieldsOf(request),
      content: contentOf(request),
    },
    rewrittenFrom: isAsAsked ? undefined : original,
  };
}

/** The redirect to a directory's slash, for the path that the client knows instead of the one that it was rewritten to. */
export function redirectedAsAsked(answer: StaticResponse, { message, rewrittenFrom }: ReadRequest): StaticResponse {
  if (rewrittenFrom === undefined || answer.status !== 301 || message.pathInfo.endsWith('/')) return answer;
  const segments = rewrittenFrom.path.split('/').filter((segment) => segment !== '');
  const location = siteLocation('', segments, { isDirectory: true, query: rewrittenFrom.query });
  return location === undefined ? answer : { ...answer, fields: [['location', location]] };
}

/** Express says where it has mounted a handler; it leaves the path encoded. */
function mountOf(request: IncomingMessage): string | undefined {
  const base = textMember(request, 'baseUrl');
  return base === '' ? '' : base === undefined ? undefined : canonicalPath(base)?.path.replace(/\/$/, '');
}

/** Connect leaves it to be seen from what is left of the path. */
function guessedMount(original: string, rest: string): string {
  if (rest === '/') return original.replace(/\/$/, '');
  return original.endsWith(rest) ? original.slice(0, -rest.length) : '';
}

function textMember(request: IncomingMessage, name: 'originalUrl' | 'baseUrl'): string | undefined {
  const value = (request as IncomingMessage & { readonly originalUrl?: unknown; readonly baseUrl?: unknown })[name];
  return typeof value === 'string' ? value : undefined;
}

function fieldsOf({ headers }: IncomingMessage): readonly Field[] {
  const fields: Field[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') fields.push([name, value]);
    else for (const line of value ?? []) fields.push([name, line]);
  }
  return fields;
}

/** Whether content that is to be stored is gone, as behind a body parser: what is left would make an empty file. */
export function isContentGone({ method, readableDidRead, headers, httpVersionMajor }: IncomingMessage): boolean {
  // In HTTP/2 what is not announced may come all the same.
  const isFramed = headers['transfer-encoding'] !== undefined || httpVersionMajor >= 2;
  const hasContent = (headers['content-length'] ?? (isFramed ? undefined : '0')) !== '0';
  return method === 'PUT' && hasContent && readableDidRead;
}

/** A reader that stops early has an answer to send; leaving the loop must not take the connection with it. */
function contentOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) };
}
