// The media types of mime-db, which gathers those of IANA, Apache and nginx. Reading its 2,500 types takes as long as all else that a
// server of files needs, so what most folders hold is answered without it; the first other extension loads it.
//
// An extension may stand at several types. Which of them is meant is decided as mime-types does, so that a site that comes from
// Express keeps its types: a test compares all extensions.

/** Types that mime-db leads to as well: a test compares them. */
const USUAL_TYPES: readonly (readonly [type: string, extensions: string])[] = [
  ['text/html', 'html htm'],
  ['text/css', 'css'],
  ['text/javascript', 'js mjs'],
  ['application/json', 'json map'],
  ['application/manifest+json', 'webmanifest'],
  ['application/xml', 'xml'],
  ['application/xhtml+xml', 'xhtml'],
  ['application/rss+xml', 'rss'],
  ['application/atom+xml', 'atom'],
  ['text/plain', 'txt'],
  ['text/markdown', 'md'],
  ['text/csv', 'csv'],
  ['image/svg+xml', 'svg'],
  ['image/png', 'png'],
  ['image/jpeg', 'jpg jpeg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
  ['image/avif', 'avif'],
  ['image/vnd.microsoft.icon', 'ico'],
  ['font/woff', 'woff'],
  ['font/woff2', 'woff2'],
  ['font/ttf', 'ttf'],
  ['font/otf', 'otf'],
  ['application/pdf', 'pdf'],
  ['application/zip', 'zip'],
  ['application/gzip', 'gz'],
  ['audio/mpeg', 'mp3'],
  ['audio/ogg', 'ogg'],
  ['audio/wav', 'wav'],
  ['video/mp4', 'mp4'],
  ['video/webm', 'webm'],
  ['application/wasm', 'wasm'],
];

/** By extension in lower case, without the dot. */
export const usualTypes: ReadonlyMap<string, string> = new Map(
  USUAL_TYPES.flatMap(([type, extensions]) => extensions.split(' ').map((extension) => [extension, type] as const)),
);

/** The registry's entry of a type; those without a source were added by the table's own keepers. */
interface RegisteredType {
  readonly source?: string;
  readonly extensions?: readonly string[];
}

let table: ReadonlyMap<string, string> | undefined;

/** The type registered for an extension in lower case, without the dot; `false` for none. */
export function registeredType(extension: string): string | false {
  const usual = usualTypes.get(extension);
  if (usual !== undefined) return usual;
  table ??= typesByExtension(mimeDb());
  return table.get(extension) ?? false;
}

function mimeDb(): Readonly<Record<string, RegisteredType>> {
  const { createRequire } = process.getBuiltinModule('node:module');
  try {
    const require = createRequire(import.meta.url);
    return require('mime-db') as Readonly<Record<string, RegisteredType>>;
  } catch {
    // A program that is bundled with this package may lack it: what is not usual there has no type.
    return {};
  }
}

/** The best type of each extension; some have up to five. */
function typesByExtension(types: Readonly<Record<string, RegisteredType>>): ReadonlyMap<string, string> {
  const best = new Map<string, { readonly type: string; readonly rank: number }>();
  for (const [type, { source = '', extensions = [] }] of Object.entries(types)) {
    const rank = rankOf(type, source);
    for (const extension of extensions) {
      if (rank >= (best.get(extension)?.rank ?? 0)) best.set(extension, { type, rank });
    }
  }
  return new Map([...best].map(([extension, { type }]) => [extension, type]));
}

/** Who named a type: those of the registry first, then those that the keepers added. */
const SOURCES = ['nginx', 'apache', '', 'iana'];

/** Trees of the registry (RFC 6838 §3) by the beginning of the subtype; all others are in the standards tree. */
const TREES = ['prs.', 'x-', 'x.', 'vnd.'];

/** Where one format has a type of each kind, as in `application/mp4`, `audio/mp4` and `video/mp4`. */
const KINDS = ['application', 'audio', 'video'];

/** Standards before vendors before experiments; then the source, the kind, and the shorter name. Above 0. */
function rankOf(type: string, source: string): number {
  // It says nothing, so that any other says more.
  if (type === 'application/octet-stream') return 0;
  const [kind = '', subtype = ''] = type.split('/');
  const tree = TREES.findIndex((start) => subtype.startsWith(start));
  const ranks = [tree < 0 ? TREES.length : tree, SOURCES.indexOf(source), kindRank(kind)];
  return ranks.reduce((sum, rank) => sum * 10 + rank + 1, 0) + 1 - type.length / 1000;
}

/** A font is as much as a sound; what is neither of these kinds comes before none. */
function kindRank(kind: string): number {
  return KINDS.indexOf(kind === 'font' ? 'audio' : kind);
}
