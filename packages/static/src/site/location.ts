// Location values for redirects within the site, built from canonical names and nothing else.

import type { StaticRequest } from '../message.ts';

/**
 * The Location of a redirect from a request to another path of its site: relative to the request's target, so that it also
 * holds behind a proxy that takes a prefix off (RFC 9110 §10.2.2). Where the target is not known, or not the plain form of its
 * path (`%2F`, dot segments), a client would resolve it differently: the path is whole then. Undefined as for `siteLocation`.
 */
export function redirectLocation(
  { scriptName = '', pathInfo, query, target }: Pick<StaticRequest, 'scriptName' | 'pathInfo' | 'query' | 'target'>,
  segments: readonly string[],
  isDirectory: boolean,
): string | undefined {
  const whole = siteLocation(scriptName, segments, { isDirectory, query });
  const from = target === undefined ? undefined : plainSegments(target, `${scriptName}${pathInfo}`);
  if (whole === undefined || from === undefined) return whole;
  const directory = from.slice(1, -1);
  const mark = whole.indexOf('?');
  const [path, rest] = mark === -1 ? [whole, ''] : [whole.slice(0, mark), whole.slice(mark)];
  const to = path.slice(1).split('/');
  const isBelow = directory.every((name, index) => to[index] === encodeSegment(name));
  if (!isBelow) return whole;
  const relative = to.slice(directory.length).join('/');
  return `${relative === '' ? './' : relative}${rest}`;
}

/** The decoded segments of a target that spells exactly this path, the first being empty. */
function plainSegments(target: string, path: string): readonly string[] | undefined {
  const mark = target.indexOf('?');
  try {
    const names = (mark === -1 ? target : target.slice(0, mark)).split('/').map(decodeURIComponent);
    return names.some((name) => name.includes('/')) || names.join('/') !== path ? undefined : names;
  } catch {
    return undefined;
  }
}

/**
 * The encoded path of `segments` below the mount, with the query as it came.
 *
 * Undefined when the first name begins with a backslash: browsers read `/\` as `//`, the start of another host.
 */
export function siteLocation(
  scriptName: string | undefined,
  segments: readonly string[],
  { isDirectory, query }: { readonly isDirectory?: boolean; readonly query?: string | undefined },
): string | undefined {
  const all = [...(scriptName ?? '').split('/').filter((segment) => segment !== ''), ...segments];
  if (all[0]?.startsWith('\\') === true) return undefined;
  const path = `/${all.map(encodeSegment).join('/')}${isDirectory && all.length > 0 ? '/' : ''}`;
  return query === undefined || !/^[\x21-\x7e\x80-\xff]*$/.test(query) ? path : `${path}?${query}`;
}

/** One name as a path segment that survives in a field value, an attribute and a URL parser. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
