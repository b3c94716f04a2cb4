// A line of text for a bare status: no server renders a page for an adapter.

import { STATUS_CODES } from 'node:http';
import type { DavResponse } from '../message.ts';

/** The response with a line of text as content, if it is an error without one. */
export function withPlainPage(response: DavResponse): DavResponse {
  if (response.status < 400 || response.content !== undefined) return response;
  const content = Buffer.from(`${response.status} ${STATUS_CODES[response.status] ?? 'Error'}\n`);
  return { ...response, fields: [...response.fields, ['content-type', 'text/plain; charset=utf-8']], content };
}
