// Path prefixes that match on segment edges and ignore empty segments, for routes and for protection alike.

/** The segments of a configured prefix. Throws a TypeError for one that could never match a canonical path. */
export function prefixSegments(path: string): readonly string[] {
  if (!path.startsWith('/')) throw new TypeError(`path "${path}" must begin with "/"`);
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.includes('.') || segments.includes('..') || path.includes('\0')) {
    throw new TypeError(`path "${path}" can never match: it has dot segments or NUL`);
  }
  return segments;
}

/** Where the rest of `path` begins behind the prefix, or -1 when it does not match. */
export function matchPrefix(segments: readonly string[], path: string): number {
  let position = 0;
  for (const segment of segments) {
    let start = position;
    while (path.charCodeAt(start) === 0x2f) start += 1;
    const end = start + segment.length;
    if (start === position || !path.startsWith(segment, start)) return -1;
    if (end !== path.length && path.charCodeAt(end) !== 0x2f) return -1;
    position = end;
  }
  return position;
}
