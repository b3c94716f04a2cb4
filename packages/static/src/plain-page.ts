// The smallest honest page for a bare status, for adapters: no server renders one for them.

import type { Field, StaticResponse } from './message.ts';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

/** The response with a line of text as content, if it is an error without one. Says nothing of path or cause. */
export function withPlainPage(response: StaticResponse): StaticResponse {
  if (response.status < 400 || response.content !== undefined) return response;
  const content = Buffer.from(`${response.status} ${REASONS[response.status] ?? 'Error'}\n`);
  const fields: readonly Field[] = [
    ...response.fields,
    ['content-type', 'text/plain; charset=utf-8'],
    ['content-security-policy', "default-src 'none'"],
    ['x-content-type-options', 'nosniff'],
  ];
  return { ...response, fields, content };
}
