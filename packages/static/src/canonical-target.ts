// A whole request-target as Node's servers hand it over, taken apart: one path, and the query as it stood.

import { canonicalPath as readPath } from './canonical-path.ts';

/** A target's path and query. */
export interface CanonicalTarget {
  /** Percent-decoded once, dot segments resolved, no empty segments, beginning with `/`. */
  readonly path: string;
  /** The query without `?`, as it stood on the wire; undefined when there was no `?`. */
  readonly query: string | undefined;
}

/**
 * Reads an origin-form or absolute-form request-target (RFC 9112 §3.2); undefined means 400.
 *
 * The target may hold raw bytes above 0x7F as one character each, as `IncomingMessage.url` does.
 */
export function canonicalPath(target: string): CanonicalTarget | undefined {
  const origin = target.startsWith('/') ? target : absoluteFormPath(target);
  if (origin === undefined) return undefined;
  const fragment = origin.indexOf('#');
  const whole = fragment === -1 ? origin : origin.slice(0, fragment);
  const mark = whole.indexOf('?');
  const path = readPath(mark === -1 ? whole : whole.slice(0, mark));
  if (path === undefined) return undefined;
  return { path: path.replace(/\/{2,}/g, '/'), query: mark === -1 ? undefined : whole.slice(mark + 1) };
}

function absoluteFormPath(target: string): string | undefined {
  const match = /^https?:\/\/[^/?#]+(.*)$/is.exec(target);
  if (match === null) return undefined;
  const rest = match[1] ?? '';
  return rest.startsWith('/') ? rest : `/${rest}`;
}
