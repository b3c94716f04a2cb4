// A line of text for a bare status: no server renders a page for an adapter.

import { STATUS_CODES } from 'node:http';
import type { DavResponse } from '../message.ts';

/** The response with a line of text as content, if it is an error without one. */
export function withPlainPage(response: DavResponse): DavResponse {
  if (response.status < 400 || response.content !== undefined) return response;
  const content = Buffer.from(`${response.status} ${phraseOf(response.status)}\n`);
  return { ...response, fields: [...response.fields, ['content-type', 'text/plain; charset=utf-8']], content };
}

/** What RFC 9110 §15 calls a status; Node still has the older words for 413. */
function phraseOf(status: number): string {
  return status === 413 ? 'Content Too Large' : (STATUS_CODES[status] ?? 'Error');
}
