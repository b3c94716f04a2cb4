// Path prefixes that match on segment edges and ignore empty segments, for routes and for protection alike.

/**
 * The decoded segments of a configured prefix, which may be percent-encoded (`/caf%C3%A9`) or not (`/café`). Throws a
 * TypeError for a prefix that could never match a canonical path.
 */
export function prefixSegments(path: string): readonly string[] {
  if (!path.startsWith('/')) throw new TypeError(`path "${path}" must begin with "/"`);
  const segments = path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => decoded(segment, path));
  if (segments.some((segment) => segment === '.' || segment === '..' || /[\0/]/.test(segment))) {
    throw new TypeError(`path "${path}" can never match: it has dot segments, NUL or an encoded slash`);
  }
  return segments;
}

function decoded(segment: string, path: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new TypeError(`path "${path}" is not percent-encoded correctly; write "%" as "%25"`, { cause: error });
  }
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

/** The numbers of those among many prefixes that may match a path, in order. */
export type PrefixIndex = (path: string) => readonly number[];

/** Finds numbered prefixes by their first segment, so that a request costs the same however many there are. */
export function prefixIndex(
  prefixes: readonly (readonly [number: number, segments: readonly string[]])[],
): PrefixIndex {
  const empty = prefixes.filter(([, segments]) => segments.length === 0).map(([number]) => number);
  const byFirst = new Map<string, number[]>();
  for (const [number, [first]] of prefixes) {
    if (first === undefined) continue;
    const known = byFirst.get(first);
    if (known === undefined) byFirst.set(first, [number]);
    else known.push(number);
  }
  for (const [first, numbers] of byFirst)
    byFirst.set(
      first,
      [...numbers, ...empty].toSorted((a, b) => a - b),
    );
  return byFirst.size === 0 ? () => empty : (path) => byFirst.get(firstSegment(path)) ?? empty;
}

function firstSegment(path: string): string {
  let start = 0;
  while (path.charCodeAt(start) === 0x2f) start += 1;
  const end = path.indexOf('/', start);
  return end === -1 ? path.slice(start) : path.slice(start, end);
}
