// The one reading of a request path. Guards, routes, files, scripts and redirects all compare what this function returns.
//
// 1. Percent-decoding happens exactly once and comes first, so `%2F` and `%2e` mean what `/` and `.` mean.
// 2. Dot segments are resolved (RFC 3986 §5.2.4). `..` removes the segment before it together with the empty segments
//    between them: front ends that merge slashes (nginx, Apache, lighttpd) and file systems read `/a//../b` as `/b`.
// 3. A path that climbs above the root, contains NUL or is not UTF-8 has no reading; the response is 400. Neither has one with
//    `%2F` that reads differently when dot segments are resolved first, as Apache does: `/admin%2Fx/../secret` is `/secret`
//    to a guard in front and `/admin/secret` here.
//
// Other empty segments stay, because scripts may need them; comparisons ignore them. This file stands unchanged in
// @onezero/server, @onezero/static and @onezero/cgi-process, which do not import each other; a test compares the copies.

const NEEDS_READING = /[%\0\u0080-\uffff]|\/\./;

/**
 * The canonical form of a raw path, or undefined for one that has none. A raw octet above 0x7F is one character, as in
 * `IncomingMessage.url`.
 */
export function canonicalPath(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  if (!NEEDS_READING.test(path)) return path;
  const decoded = percentDecoded(path);
  if (decoded === undefined || decoded.includes('\0')) return undefined;
  const resolved = decoded.includes('/.') ? withoutDotSegments(decoded) : decoded;
  return ENCODED_SLASH.test(path) && readWithDotsFirst(path) !== resolved ? undefined : resolved;
}

const ENCODED_SLASH = /%2f/i;

function readWithDotsFirst(path: string): string | undefined {
  const resolved = withoutDotSegments(path.replaceAll(/%2e/gi, '.'));
  return resolved === undefined ? undefined : percentDecoded(resolved);
}

function percentDecoded(path: string): string | undefined {
  if (/[\u0100-\uffff]/.test(path)) return undefined;
  const encoded = path.replace(/[\u0080-\u00ff]/g, (octet) => `%${octet.charCodeAt(0).toString(16)}`);
  try {
    return decodeURIComponent(encoded);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function withoutDotSegments(path: string): string | undefined {
  const segments = path.slice(1).split('/');
  const resolved: string[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment !== '.' && segment !== '..') {
      resolved.push(segment);
      continue;
    }
    if (segment === '..') {
      while (resolved.at(-1) === '') resolved.pop();
      if (resolved.pop() === undefined) return undefined;
    }
    // A dot segment at the end names a directory.
    if (index === segments.length - 1) resolved.push('');
  }
  return `/${resolved.join('/')}`;
}
