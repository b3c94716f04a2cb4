// Which content coding a client gets (RFC 9110 §12.5.3).
//
// Members of Accept-Encoding are whole tokens with a quality; `x-gzip` is gzip; `*` stands for every coding not named.
// Among the codings available, the highest quality wins, and the server's order breaks ties; identity goes out when it is
// ranked above all of them, or when nothing else is allowed.

/** The codings this package knows, the best first. */
export const CODINGS = ['br', 'zstd', 'gzip'] as const;

export type Coding = (typeof CODINGS)[number];

/** File name suffixes of precompressed siblings. */
export const CODING_SUFFIX: Readonly<Record<Coding, string>> = { zstd: '.zst', br: '.br', gzip: '.gz' };

const CODING_SUFFIXES = new RegExp(`(?:${Object.values(CODING_SUFFIX).join('|').replaceAll('.', '\\.')})$`, 'i');

/** The name of the file that a precompressed one was made of; the name itself if it is none. */
export function withoutCodingSuffix(name: string): string {
  return CODING_SUFFIXES.test(name) ? name.replace(CODING_SUFFIXES, '') : name;
}

/** Codings acceptable to the client, best first, ending where identity is preferred. An absent field accepts none. */
export function acceptedCodings(acceptEncoding: string | undefined, available: readonly Coding[]): readonly Coding[] {
  if (acceptEncoding === undefined) return [];
  const qualities = qualitiesOf(acceptEncoding);
  const qualityOf = (coding: string): number => qualities.get(coding) ?? qualities.get('*') ?? 0;
  // Identity that is not mentioned is acceptable, but a coding the client named is what it came for.
  const identity = qualities.get('identity') ?? 0;
  return available
    .filter((coding) => qualityOf(coding) > 0 && qualityOf(coding) >= identity)
    .toSorted((a, b) => qualityOf(b) - qualityOf(a));
}

const bestOf = new WeakMap<readonly Coding[], Map<string, Coding | undefined>>();

/** The first of `acceptedCodings`, remembered for each list: a site has one for nearly all of its files. */
export function bestCoding(acceptEncoding: string, available: readonly Coding[]): Coding | undefined {
  let best = bestOf.get(available);
  if (best === undefined) bestOf.set(available, (best = new Map()));
  const seen = best.get(acceptEncoding);
  if (seen !== undefined || best.has(acceptEncoding)) return seen;
  const [coding] = acceptedCodings(acceptEncoding, available);
  if (best.size < MAX_KNOWN && acceptEncoding.length <= MAX_KNOWN_CHARACTERS) best.set(acceptEncoding, coding);
  return coding;
}

/** Whether the client rules out the unencoded representation. */
export function refusesIdentity(acceptEncoding: string | undefined): boolean {
  if (acceptEncoding === undefined) return false;
  const qualities = qualitiesOf(acceptEncoding);
  return (qualities.get('identity') ?? qualities.get('*') ?? 1) === 0;
}

/** Browsers send a handful of values; this bounds what a client that invents them costs. */
const MAX_KNOWN = 64;
const MAX_KNOWN_CHARACTERS = 128;

const known = new Map<string, ReadonlyMap<string, number>>();

function qualitiesOf(acceptEncoding: string): ReadonlyMap<string, number> {
  const seen = known.get(acceptEncoding);
  if (seen !== undefined) return seen;
  const qualities = parseQualities(acceptEncoding);
  if (known.size < MAX_KNOWN && acceptEncoding.length <= MAX_KNOWN_CHARACTERS) known.set(acceptEncoding, qualities);
  return qualities;
}

function parseQualities(acceptEncoding: string): Map<string, number> {
  const qualities = new Map<string, number>();
  for (const member of acceptEncoding.toLowerCase().split(',')) {
    const [token = '', ...parameters] = member.split(';').map((part) => part.trim());
    const name = token === 'x-gzip' ? 'gzip' : token;
    const quality = parameters.length === 0 ? 1 : parseQuality(parameters);
    if (name !== '' && quality !== undefined) qualities.set(name, quality);
  }
  return qualities;
}

/** A malformed weight makes the member unusable rather than preferred. */
function parseQuality(parameters: readonly string[]): number | undefined {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  if (weight === undefined) return 1;
  return /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : undefined;
}
