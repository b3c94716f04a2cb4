// The one reading of a request path that guards, routes, files, scripts, redirects and logs share.
//
// Percent-decoding happens exactly once and comes first, so that `%2F` and `%2e` mean to everybody what `/` and `.` mean.
// Then dot segments are resolved (RFC 3986 §5.2.4). What climbs above the root, names a NUL or is no UTF-8 has no reading:
// the answer is 400. Empty segments stay, as scripts may care; whoever compares ignores them.

const SUSPICIOUS = /[%\0]|\/\./;

/** The canonical form of a path that begins with `/`, or undefined for one that has none. */
export function canonicalPath(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  if (!SUSPICIOUS.test(path)) return path;
  const decoded = decodeOnce(path);
  if (decoded === undefined || decoded.includes('\0')) return undefined;
  return decoded.includes('/.') ? resolveDotSegments(decoded) : decoded;
}

function decodeOnce(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function resolveDotSegments(path: string): string | undefined {
  const segments = path.slice(1).split('/');
  const last = segments.length - 1;
  const resolved: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const isDot = segment === '.';
    if (isDot || segment === '..') {
      if (!isDot && resolved.pop() === undefined) return undefined;
      if (index === last) resolved.push('');
    } else {
      resolved.push(segment);
    }
  }
  return `/${resolved.join('/')}`;
}
