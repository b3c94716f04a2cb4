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

/** The numbers of those among many prefixes that may match a path, of which `from` on has not been looked at, in order. */
export type PrefixIndex = (path: string, from?: number) => readonly number[];

// To look through so many costs no more than to look one up.
const FEW = 8;

/** Finds numbered prefixes by their segments, so that a request costs the same however many there are. */
export function prefixIndex(
  prefixes: readonly (readonly [number: number, segments: readonly string[]])[],
  depth = 0,
): PrefixIndex {
  const numbers = prefixes.map(([number]) => number).toSorted((a, b) => a - b);
  if (depth > 0 && prefixes.length <= FEW) return () => numbers;
  const ending = prefixes.filter(({ 1: segments }) => segments.length <= depth);
  const here = ending.map(([number]) => number).toSorted((a, b) => a - b);
  const bySegment = new Map<string, (typeof prefixes)[number][]>();
  for (const prefix of prefixes) {
    const segment = prefix[1][depth];
    if (segment === undefined) continue;
    const known = bySegment.get(segment);
    if (known === undefined) bySegment.set(segment, [prefix]);
    else known.push(prefix);
  }
  if (bySegment.size === 0) return () => here;
  const below = new Map<string, PrefixIndex>();
  for (const [segment, group] of bySegment) below.set(segment, prefixIndex([...group, ...ending], depth + 1));
  return (path, from = 0) => {
    let start = from;
    while (path.charCodeAt(start) === 0x2f) start += 1;
    const slash = path.indexOf('/', start);
    const end = slash === -1 ? path.length : slash;
    return below.get(path.slice(start, end))?.(path, end) ?? here;
  };
}
