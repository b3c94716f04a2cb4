// The fields that WebDAV adds to requests (RFC 4918 §10), but for If, which has a grammar of its own.

import type { DavRequest, Field } from '../message.ts';
import { refused } from '../refusals.ts';

export type Depth = '0' | '1' | 'infinity';

/** One field's lines joined by a comma, or undefined. `name` in lower case. */
export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  let joined: string | undefined;
  for (const [fieldName, value] of fields) {
    if (fieldName === name) joined = joined === undefined ? value.trim() : `${joined}, ${value.trim()}`;
  }
  return joined;
}

/** The Depth field; `usual` where there is none. Throws a refusal with 400 for anything else than `allowed`. */
export function depthOf(
  { fields }: DavRequest,
  usual: Depth,
  allowed: readonly Depth[] = ['0', '1', 'infinity'],
): Depth {
  const value = fieldValue(fields, 'depth')?.toLowerCase();
  if (value === undefined) return usual;
  const depth = allowed.find((one) => one === value);
  if (depth === undefined) throw refused(400, `Depth: ${value} is not allowed for this method`);
  return depth;
}

/** Whether COPY and MOVE may replace what is at their destination. */
export function mayOverwrite({ fields }: DavRequest): boolean {
  const value = fieldValue(fields, 'overwrite') ?? 'T';
  if (value === 'T' || value === 't') return true;
  if (value === 'F' || value === 'f') return false;
  throw refused(400, `Overwrite: ${value} is neither T nor F`);
}

/** The seconds that a client wants a lock to last, at most `maxSeconds`: the first of its wishes that can be read. */
export function timeoutOf({ fields }: DavRequest, usualSeconds: number, maxSeconds: number): number {
  for (const wish of (fieldValue(fields, 'timeout') ?? '').split(',')) {
    const value = wish.trim();
    if (/^infinite$/i.test(value)) return maxSeconds;
    const digits = /^second-(\d{1,20})$/i.exec(value)?.[1];
    // A lock of no time would be gone before its holder knows of it.
    if (digits !== undefined) return Math.max(1, Math.min(Number(digits), maxSeconds));
  }
  return Math.min(usualSeconds, maxSeconds);
}

/** The token in Lock-Token without its angle brackets, which some clients leave out. Throws a refusal with 400. */
export function lockTokenOf({ fields }: DavRequest): string {
  const token = /^<?([a-z][a-z0-9+.-]*:[^<>\s]+?)>?$/i.exec(fieldValue(fields, 'lock-token') ?? '')?.[1];
  if (token === undefined) throw refused(400, 'Lock-Token is missing or names no token');
  return token;
}

/** Whether a request announces content. */
export function hasContent({ fields, contentLength }: DavRequest): boolean {
  if (contentLength !== undefined) return contentLength > 0;
  return fieldValue(fields, 'transfer-encoding') !== undefined || (fieldValue(fields, 'content-length') ?? '0') !== '0';
}
