// The request-target as an application sees it: made of the canonical path, not of what stood on the wire, so that an
// application can never be asked for a path that the guards before it have not seen. Below a mount its prefix is taken off.

import type { RequestMessage } from '../message/message.ts';

const UNRESERVED_AND_MORE = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/]*$/;

/** Path and query, percent-encoded; begins with `/`. */
export function applicationTarget({ pathInfo, query }: Pick<RequestMessage, 'pathInfo' | 'query'>): string {
  const path = encodePath(pathInfo === '' ? '/' : pathInfo);
  return query === undefined ? path : `${path}?${query}`;
}

/** Percent-encodes what a path may not contain as it is. */
export function encodePath(path: string): string {
  if (UNRESERVED_AND_MORE.test(path)) return path;
  return encodeURI(path).replaceAll(/[?#[\]]/g, encodeURIComponent);
}
