// What is decided by the head of a request alone, and what refusals look like.

import { CgiError } from '../cgi-error.ts';
import type { CgiRequest, CgiResponse, Field } from '../message.ts';

/** The time after which a refused client may try again: queues move within a second. */
const RETRY_AFTER: Field = ['retry-after', '1'];

/** The methods of an option; HEAD comes with GET. Undefined: all. */
export function allowedMethods(methods: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return methods && new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])));
}

/** Throws CgiError (`method-not-allowed`, `content-too-large`, `type-repeated`). */
export function checkHead(
  { method, contentLength, fields }: CgiRequest,
  methods: ReadonlySet<string> | undefined,
  maxContentBytes: number,
): void {
  if (methods?.has(method) === false) {
    throw new CgiError('method-not-allowed', `${method} is not among the methods of this mount`);
  }
  if ((contentLength ?? 0) > maxContentBytes) {
    throw new CgiError(
      'content-too-large',
      `${contentLength} bytes of content are more than the limit (maxContentBytes)`,
    );
  }
  if (fields.length > 1 && hasTwoTypes(fields)) {
    throw new CgiError('type-repeated', 'the request has two Content-Type fields that differ');
  }
}

/** A script has one CONTENT_TYPE; of two that differ, whoever checked the request may have read the other. */
function hasTwoTypes(fields: readonly Field[]): boolean {
  let type: string | undefined;
  for (const [name, value] of fields) {
    if (name !== 'content-type') continue;
    if (type !== undefined && type !== value) return true;
    type = value;
  }
  return false;
}

/** A failure as a bare status. `sharesRoot`: other routes may have something where this mount has nothing. */
export function refusal(
  cause: CgiError,
  { methods, sharesRoot }: { readonly methods: ReadonlySet<string> | undefined; readonly sharesRoot: boolean },
): CgiResponse {
  const { code, status } = cause;
  const fields: Field[] = status === 503 ? [RETRY_AFTER] : [];
  if (code === 'method-not-allowed') fields.push(['allow', [...(methods ?? [])].join(', ')]);
  // What is a script's must not go on to who would send its source.
  return { status, fields, cause, isNothing: sharesRoot && code === 'script-not-found' };
}

/** To the directory's own name and a slash, relative, so that it holds behind any prefix (RFC 9110 §10.2.2). */
export function slashRedirect({ scriptName, pathInfo, query }: CgiRequest): CgiResponse {
  const path = `${scriptName}${pathInfo}`;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const location = `${/^[\w~!$&'()*+,;=@.-]+$/.test(name) ? name : `./${encodeURIComponent(name)}`}/`;
  return { status: 301, fields: [['location', query === undefined ? location : `${location}?${query}`]] };
}
