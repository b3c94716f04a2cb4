// Everything `serveStatic` can be told: the types, and one table of what each option takes, stands for and defaults to. The
// table is data (`@onezero/static/options`): options are checked against it, and completed from it.

import type { EntityTagKind } from './http/validators.ts';
import {
  type CompressionOptions,
  compressionTable,
  type CorsOptions,
  corsTable,
  type FieldRule,
  type GlobRule,
  type ListingOptions,
  listingTable,
  type RedirectRule,
  redirectTable,
  type WriteOptions,
  writeTable,
} from './options/parts.ts';
import type { Table } from './options/shape.ts';
import {
  fieldMap,
  fieldValue,
  fileName,
  flag,
  glob,
  globs,
  listOf,
  mediaType,
  off,
  orObject,
  rootedPath,
  seconds,
  size,
} from './options/shapes.ts';

export { checkOptions, completed } from './options/checks.ts';
export { nearest } from './options/nearest.ts';
export {
  type CompressionOptions,
  compressionTable,
  type CorsOptions,
  corsTable,
  type FieldRule,
  type GlobRule,
  type ListingOptions,
  listingTable,
  type RedirectRule,
  refuseOrigin,
  type WriteOptions,
  writeTable,
} from './options/parts.ts';
export type { Complete, Member, Members, Shape, Table } from './options/shape.ts';

/**
 * Whether the file at an absolute path is the source of a program, which is run and not read. `asked` is the path that led there,
 * which is another where links were followed.
 */
export type SourceTest = (path: string, asked?: string) => boolean;

/** How files are served. Every option may be left out. */
export interface StaticOptions {
  /** Files that answer for their directory, in order of preference. @default ['index.html'] */
  readonly index?: readonly string[] | false | undefined;
  /** Whether `/folder` is sent to `/folder/`, where relative links in its page lead to its files. @default true */
  readonly directoryRedirect?: boolean | undefined;
  /** Whether directories without an index file are listed: HTML, JSON or text. @default false */
  readonly listing?: boolean | ListingOptions | undefined;
  /**
   * Names that begin with a dot, at any depth, or globs of those that are served; `/.well-known` always is (RFC 8615).
   *
   * @default 'deny'
   */
  readonly dotfiles?: 'deny' | 'allow' | readonly string[] | undefined;
  /** Which links are followed: none, those that end inside the root, or all. @default 'inside' */
  readonly symlinks?: 'deny' | 'inside' | 'all' | undefined;
  /** Globs of files and directories that do not exist for anybody, in any case, nor does what is below them. @default [] */
  readonly hide?: readonly string[] | undefined;
  /**
   * Paths of files and directories that no request may have, such as password files and scripts, wherever they lie. Refused is
   * what they are and what is in them, not how they are named: links, hard links, another case or a root behind a link lead
   * nowhere either. The paths may name what is still to come. @default []
   */
  readonly deny?: readonly string[] | undefined;
  /**
   * Called with the path of a file about to be served, written or removed: true refuses it (404), as the source of a program.
   * @default none
   */
  readonly isSource?: SourceTest | undefined;
  /** Names that Windows reads differently: devices, streams, short names, trailing dots. @default 'deny' on Windows */
  readonly windowsNames?: 'deny' | 'allow' | undefined;
  /** Media types by extension, over those of mime-db. @default {} */
  readonly types?: Readonly<Record<string, string>> | undefined;
  /** An Apache `mime.types` file; `types` goes over it. */
  readonly typesFile?: string | undefined;
  /** The type of unknown extensions. @default 'application/octet-stream' */
  readonly defaultType?: string | undefined;
  /** Added to textual types. @default 'utf-8' */
  readonly charset?: string | false | undefined;
  /**
   * Entity tags: `strong` from the content, the same on every replica (weak for a large file until all of it was read once),
   * `weak` from modification time and size, `state` from inode, size and times, which counts as strong and costs no reading.
   * `content` is another word for `strong`. @default 'strong'
   */
  readonly etag?: EntityTagKind | undefined;
  /** @default true */
  readonly lastModified?: boolean | undefined;
  /** Whether Range is honoured. @default true */
  readonly ranges?: boolean | undefined;
  /** Cache lifetime in seconds (Cache-Control: max-age); 0: caches revalidate each time (`no-cache`). @default 0 */
  readonly maxAgeSeconds?: number | undefined;
  /** Files that never change under their name: globs, or true for names with an unmistakable hash. @default false */
  readonly immutable?: boolean | readonly string[] | undefined;
  /** Cache-Control by glob, the first match wins over `maxAgeSeconds` and `immutable`; `''` sends none. @default [] */
  readonly cacheControl?: readonly GlobRule<string>[] | undefined;
  /** Whether `file.zst`, `file.br` and `file.gz` are sent as codings of a compressible `file`. @default true */
  readonly precompressed?: boolean | undefined;
  /** @default true */
  readonly compression?: boolean | CompressionOptions | undefined;
  /** Whether `/about` finds `about.html`; `redirect` also sends `/about.html` there. @default 'off' */
  readonly cleanUrls?: 'off' | 'lookup' | 'redirect' | undefined;
  /** Extensions that clean URLs try, in order. @default ['html'] */
  readonly extensions?: readonly string[] | undefined;
  /** A path below the root, such as `/index.html`, that answers navigations to paths where nothing is. @default none */
  readonly fallback?: string | undefined;
  /** Whether `/404.html`, or `/<status>.html`, of the root is the content of that status. @default false */
  readonly statusPages?: boolean | undefined;
  /** The first match wins. @default [] */
  readonly redirects?: readonly RedirectRule[] | undefined;
  /** All matches apply, later ones replace earlier ones. @default [] */
  readonly fieldRules?: readonly FieldRule[] | undefined;
  /** @default false */
  readonly cors?: boolean | CorsOptions | undefined;
  /** Whether PUT and DELETE work. Put authentication before it. @default false */
  readonly writable?: boolean | WriteOptions | undefined;
  /** The memory for remembered responses, in bytes. Large heaps make starting processes slow. @default 67_108_864 */
  readonly cacheMemoryBytes?: number | undefined;
  /** The largest file kept in memory, in bytes. @default 1_048_576 */
  readonly maxCachedFileBytes?: number | undefined;
}

/**
 * Every option of `serveStatic`. The memory for responses holds the hot part of most sites; more would make `fork` of the
 * process noticeably slower. Files up to 1 MiB are faster from memory; of larger ones the bytes dominate the request anyway.
 */
export const staticTable: Table<StaticOptions> = {
  index: {
    shape: { type: 'either', shapes: [{ type: 'list', item: fileName }, off] },
    summary: 'index files: the first that exists is sent for its directory',
    default: ['index.html'],
  },
  directoryRedirect: { shape: flag, summary: 'send /folder to /folder/', default: true },
  listing: {
    shape: orObject(listingTable),
    summary: 'list directories that have no index file; archives: with downloads as .zip and .tar',
    default: false,
  },
  dotfiles: {
    shape: { type: 'either', shapes: [{ type: 'choice', values: ['deny', 'allow'] }, globs] },
    summary: 'whether names that begin with a dot are served, or globs of those that are; /.well-known always is',
    default: 'deny',
  },
  symlinks: {
    shape: { type: 'choice', values: ['deny', 'inside', 'all'] },
    summary: 'which symbolic links are followed; inside means those that end below the root',
    default: 'inside',
  },
  hide: { shape: globs, summary: 'never serve or list files and directories that match (404)', default: [] },
  deny: {
    shape: { type: 'list', item: { type: 'path' } },
    summary: 'paths of files and directories that no name may lead to',
    default: [],
  },
  isSource: {
    shape: { type: 'function', expects: 'a function of a path' },
    summary: 'whether a file is the source of a program, which is not served',
  },
  windowsNames: {
    shape: { type: 'choice', values: ['deny', 'allow'] },
    summary: 'whether names are served that Windows takes for another file, such as con or a. (never on Windows)',
  },
  types: {
    shape: { type: 'map', value: mediaType },
    summary: 'media types by extension, over all others',
    default: {},
  },
  typesFile: {
    shape: { type: 'path' },
    summary: 'media types in the format of Apache mime.types',
    alsoCalled: ['mimeTypes', 'mimeTypesFile'],
  },
  defaultType: {
    shape: mediaType,
    summary: 'the media type of files with an unknown extension',
    default: 'application/octet-stream',
  },
  charset: {
    shape: {
      type: 'either',
      shapes: [{ type: 'text', pattern: /^[\w!#$%&'*+.^`|~-]+$/, expects: 'the name of a charset' }, off],
    },
    summary: 'the charset added to textual types',
    default: 'utf-8',
  },
  etag: {
    shape: { type: 'choice', values: ['strong', 'weak', 'content', 'state', false] },
    summary: 'how entity tags are made',
    default: 'strong',
  },
  lastModified: { shape: flag, summary: 'send Last-Modified', default: true },
  ranges: { shape: flag, summary: 'answer requests for a part of a file (Range)', default: true },
  maxAgeSeconds: {
    shape: seconds,
    summary: 'cache lifetime (Cache-Control: max-age); 0: revalidate each time',
    default: 0,
  },
  immutable: {
    shape: { type: 'either', shapes: [flag, globs] },
    summary: 'let caches keep files with a content hash in their name (or matching these globs) for a year',
    default: false,
  },
  cacheControl: {
    shape: listOf({
      glob: { shape: glob, summary: 'which files', isRequired: true },
      value: { shape: fieldValue, summary: "the value; '' sends none", isRequired: true },
    }),
    summary: 'Cache-Control by glob; the first match wins',
    default: [],
  },
  precompressed: {
    shape: flag,
    summary: 'send file.zst, file.br or file.gz instead of file to clients that accept it',
    default: true,
  },
  compression: {
    shape: orObject(compressionTable),
    summary: 'compress text while it is sent, for clients that accept it',
    alsoCalled: ['compress', 'gzip', 'brotli'],
    default: true,
  },
  cleanUrls: {
    shape: { type: 'choice', values: ['off', 'lookup', 'redirect'] },
    summary: 'serve about.html at /about; redirect also redirects /about.html to /about',
    default: 'off',
  },
  extensions: {
    shape: { type: 'list', item: fileName },
    summary: 'extensions that clean URLs try, in order',
    default: ['html'],
  },
  fallback: {
    shape: rootedPath,
    summary: 'for single-page applications: answer navigations to unknown paths with index.html (or this file)',
    alsoCalled: ['single', 'spa', 'historyApiFallback'],
  },
  statusPages: {
    shape: flag,
    summary: 'use 404.html and other <status>.html of the root as error pages',
    alsoCalled: ['errorPages'],
    default: false,
  },
  redirects: {
    shape: listOf(redirectTable),
    summary: 'redirects by path; the first match wins',
    default: [],
  },
  fieldRules: {
    shape: listOf({
      glob: { shape: glob, summary: 'which files', isRequired: true },
      fields: {
        shape: fieldMap,
        summary: 'name to value',
        isRequired: true,
      },
    }),
    summary: 'fields added to matching files',
    alsoCalled: ['setHeaders', 'headers', 'fields'],
    default: [],
  },
  cors: {
    shape: orObject(corsTable),
    summary: 'allow pages of any origin (or of these) to read the files (CORS)',
    default: false,
  },
  writable: {
    shape: orObject(writeTable),
    summary: 'allow PUT, DELETE and uploads in the listing; combine with --auth-file',
    default: false,
  },
  cacheMemoryBytes: {
    shape: size,
    summary: 'memory for the cache of files',
    alsoCalled: ['maxCacheBytes', 'cache', 'cacheSize'],
    default: 64 * 1024 * 1024,
  },
  maxCachedFileBytes: { shape: size, summary: 'the largest file kept in memory', default: 1024 * 1024 },
};
