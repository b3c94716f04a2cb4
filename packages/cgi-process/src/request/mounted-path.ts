// The path of a URL as a mount sees it: decoded once, dot segments resolved, and split at the mount. A server of ours does
// this itself; the adapters for other servers need it.

/** What a raw path comes to below a mount; a number is the status to answer instead. */
export type MountedPath = { readonly scriptName: string; readonly pathInfo: string } | 400 | 404;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Splits a raw path at a mount such as `/cgi-bin`; `''` is the top. */
export function mountedPath(rawPath: string, mount: string): MountedPath {
  const path = canonicalPath(rawPath);
  if (path === undefined) return 400;
  if (mount === '' || path === mount || path.startsWith(`${mount}/`)) {
    return { scriptName: mount, pathInfo: path.slice(mount.length) };
  }
  return 404;
}

/** Undefined for what is no path: not UTF-8, with a NUL, or leading above the root. */
function canonicalPath(rawPath: string): string | undefined {
  const decoded = percentDecoded(rawPath);
  if (decoded === undefined || !decoded.startsWith('/') || decoded.includes('\0')) return undefined;
  const kept: string[] = [];
  const segments = decoded.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '..' && kept.pop() === undefined) return undefined;
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (isLast) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/** Percent-decodes exactly once; a `%` that begins no code stands for itself nowhere, so it makes the path no path. */
function percentDecoded(rawPath: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(rawPath)) return undefined;
  const bytes = rawPath.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  try {
    return utf8.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return undefined;
  }
}
