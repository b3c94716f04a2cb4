// The path of a URL below a mount. @onezero/server splits paths itself; the adapters for other servers need it here.

import { canonicalPath } from './canonical-path.ts';

/** The two parts of a path (RFC 3875 §4.1.5, §4.1.13); a number is the status to answer instead. */
export type MountedPath = { readonly scriptName: string; readonly pathInfo: string } | 400 | 404;

/** The segments of a mount that an option names, such as `/cgi-bin`; may be percent-encoded. Throws a TypeError. */
export function mountSegments(mount: string): readonly string[] {
  try {
    return mount
      .split('/')
      .filter((segment) => segment !== '')
      .map((segment) => decodeURIComponent(segment));
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new TypeError(`cgi: path "${mount}" is not percent-encoded correctly; write "%" as "%25"`, {
      cause: error,
    });
  }
}

/**
 * Splits a raw path at a mount. `rawBase` is the part that a router around us has matched, as it stood on the wire
 * (Express's `baseUrl`). Empty segments are ignored when segments are compared.
 */
export function mountedPath(rawPath: string, mount: readonly string[], rawBase = ''): MountedPath {
  const path = canonicalPath(rawPath);
  const base = canonicalPath(`/${rawBase}`);
  if (path === undefined || base === undefined) return 400;
  const segments = [...base.split('/').filter((segment) => segment !== ''), ...mount];
  const rest = endOfPrefix(segments, path);
  if (rest === undefined) return 404;
  return { scriptName: segments.map((segment) => `/${segment}`).join(''), pathInfo: path.slice(rest) };
}

/** Where the rest of `path` begins behind the prefix; undefined when the prefix does not match. */
function endOfPrefix(segments: readonly string[], path: string): number | undefined {
  let position = 0;
  for (const segment of segments) {
    let start = position;
    while (path[start] === '/') start += 1;
    position = start + segment.length;
    const isWhole = position === path.length || path[position] === '/';
    if (!isWhole || !path.startsWith(segment, start)) return undefined;
  }
  return position;
}
