// Where a handler is mounted: the part of a path that belongs to the mount, and the rest.

import { canonicalPath } from '@onezero/static';

/**
 * Both parts of the path of a target, decoded; 400 for one that has no reading, 404 for one outside of the mount. Where none is
 * named it is what a router has taken off the front, of which `rest` is left.
 */
export function mounted(
  target: string,
  mount: string,
  rest: string = target,
): { readonly scriptName: string; readonly pathInfo: string; readonly query: string | undefined } | 400 | 404 {
  // A fragment is no part of a request (RFC 9110 §7.1): without it, the target might be the collection around what was meant.
  const read = target.includes('#') ? undefined : canonicalPath(target);
  if (read === undefined) return 400;
  const { path, query } = read;
  if (mount === '') {
    const below = canonicalPath(rest)?.path;
    if (below === undefined) return 400;
    // The mount itself is left as `/`, whether or not it was asked for with a slash.
    if (path.endsWith(below)) mount = path.slice(0, -below.length);
    else if (below === '/') mount = path;
  }
  if (path !== mount && !path.startsWith(`${mount}/`)) return 404;
  return { scriptName: mount, pathInfo: path.slice(mount.length), query };
}

/** The decoded form of a mount, without the slash at its end. Throws a TypeError for what is no path. */
export function mountOf(path: string): string {
  const encoded = path.replace(/[\u0080-\uffff]+/g, encodeURIComponent);
  const mount = canonicalPath(path === '' ? '/' : encoded)?.path.replace(/\/+$/, '');
  if (mount === undefined) throw new TypeError(`path: ${JSON.stringify(path)} is not a path`);
  return mount;
}
