// The media types of mime-types. Its table of 2,500 types takes as long to read as all else that a server of files needs, so what
// most folders hold is answered without it; the first other extension loads it.

import { createRequire } from 'node:module';
import type * as MimeTypes from 'mime-types';

/** Types that mime-types names alike: a test compares them. */
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

let table: typeof MimeTypes | undefined;

/** The type registered for an extension in lower case, without the dot; `false` for none. */
export function registeredType(extension: string): string | false {
  const usual = usualTypes.get(extension);
  if (usual !== undefined) return usual;
  table ??= createRequire(import.meta.url)('mime-types') as typeof MimeTypes;
  return table.lookup(extension);
}
