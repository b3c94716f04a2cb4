// Everything `serveStatic` can be told. Shapes and defaults in words; `settings.ts` checks and completes them.

import type { Coding } from './http/content-coding.ts';
import type { EntityTagKind } from './http/validators.ts';

/**
 * A value for the files that a glob matches.
 *
 * Globs are picomatch's, matched against the path below the root without its leading slash. One without a slash matches the
 * name in any directory; a leading slash ties it to the root.
 */
export interface GlobRule<Value> {
  readonly glob: string;
  readonly value: Value;
}

/** Sends a path elsewhere. A `*` at the end of `from` takes any remainder and stands for it at the end of `to`. */
export interface RedirectRule {
  /** A path below the root, decoded, such as `/old` or `/blog/*`. */
  readonly from: string;
  /** A path or URL, as it is to stand in Location. */
  readonly to: string;
  /** @default 301 */
  readonly status?: 301 | 302 | 303 | 307 | 308 | undefined;
}

/** Fields added to the responses for matching files. */
export interface FieldRule {
  readonly glob: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What pages of other origins may do (WHATWG Fetch, CORS protocol). */
export interface CorsOptions {
  /** Allowed origins such as `https://example.org`, or `*`. @default '*' */
  readonly origins?: readonly string[] | '*' | undefined;
  /** Whether cookies may be sent along; needs a list of origins. @default false */
  readonly credentials?: boolean | undefined;
  /** Request fields that a preflight allows beyond the safelisted. @default ['range', 'if-range'] */
  readonly allowFields?: readonly string[] | undefined;
  /** Response fields that scripts may read beyond the safelisted. @default ['content-range', 'accept-ranges', 'etag', 'content-encoding'] */
  readonly exposeFields?: readonly string[] | undefined;
  /** How long a preflight's answer may be remembered. @default 600 */
  readonly maxAgeSeconds?: number | undefined;
}

/** Directory pages for directories without an index file. */
export interface ListingOptions {
  /** Entries on one page. @default 1_000 */
  readonly pageEntries?: number | undefined;
}

/** Coding files while they are sent, where no precompressed sibling exists. */
export interface CompressOptions {
  /** In the order preferred at equal quality. @default ['br', 'zstd', 'gzip'], zstd where Node has it */
  readonly codings?: readonly Coding[] | undefined;
  /** Smaller files gain nothing from it. @default 1_024 */
  readonly minBytes?: number | undefined;
  /** Larger files are sent as they are: they cost processor time on every request. @default 16_777_216 */
  readonly maxBytes?: number | undefined;
}

/** What PUT and DELETE may do. */
export interface WriteOptions {
  /** The largest file accepted (413). @default unlimited */
  readonly maxFileBytes?: number | undefined;
  /** The most that all files below the root may hold together (507). @default unlimited */
  readonly quotaBytes?: number | undefined;
  /** Whether a file is on the disk, not only in the system's memory, before 201 or 204 says so. @default true */
  readonly fsync?: boolean | undefined;
}

/** How files are served. Every option may be left out. */
export interface StaticOptions {
  /** Files that answer for their directory, in order of preference. @default ['index.html'] */
  readonly index?: readonly string[] | false | undefined;
  /** Whether directories without an index file are listed: HTML, JSON or text. @default false */
  readonly listing?: boolean | ListingOptions | undefined;
  /** Names that begin with a dot, at any depth; `/.well-known` is always served (RFC 8615). @default 'deny' */
  readonly dotfiles?: 'deny' | 'allow' | undefined;
  /** Which links are followed: none, those that end inside the root, or all. @default 'inside' */
  readonly symlinks?: 'deny' | 'inside' | 'all' | undefined;
  /** Globs of files and directories that do not exist for anybody, in any case, nor does what is below them. @default [] */
  readonly hide?: readonly string[] | undefined;
  /** Names that Windows reads differently: devices, streams, short names, trailing dots. @default 'deny' on Windows */
  readonly windowsNames?: 'deny' | 'allow' | undefined;
  /** Media types by extension, over those of mime-types. @default {} */
  readonly types?: Readonly<Record<string, string>> | undefined;
  /** An Apache `mime.types` file; `types` goes over it. */
  readonly typesFile?: string | undefined;
  /** The type of unknown extensions. @default 'application/octet-stream' */
  readonly defaultType?: string | undefined;
  /** Added to textual types. @default 'utf-8' */
  readonly charset?: string | false | undefined;
  /**
   * Entity tags: `strong` from modification time, inode and size (weak within a file system's clock tick of the change),
   * `weak` from the same, `content` from a SHA-256 of files that fit the cache. @default 'strong'
   */
  readonly etag?: EntityTagKind | undefined;
  /** @default true */
  readonly lastModified?: boolean | undefined;
  /** Whether Range is honoured. @default true */
  readonly ranges?: boolean | undefined;
  /** How long caches may use a file unasked; 0 makes them ask each time (`no-cache`). In seconds. @default 0 */
  readonly maxAgeSeconds?: number | undefined;
  /** Files that never change under their name: globs, or true for names with an unmistakable hash. @default false */
  readonly immutable?: boolean | readonly string[] | undefined;
  /** Cache-Control by glob, the first match wins over `maxAgeSeconds` and `immutable`; `''` sends none. @default [] */
  readonly cacheControl?: readonly GlobRule<string>[] | undefined;
  /** Whether `file.zst`, `file.br` and `file.gz` are sent as codings of a compressible `file`. @default true */
  readonly precompressed?: boolean | undefined;
  /** @default true */
  readonly compress?: boolean | CompressOptions | undefined;
  /** Whether `/about` finds `about.html`; `redirect` also sends `/about.html` there. @default 'off' */
  readonly cleanUrls?: 'off' | 'lookup' | 'redirect' | undefined;
  /** Extensions that clean URLs try, in order. @default ['html'] */
  readonly extensions?: readonly string[] | undefined;
  /** A path below the root, such as `/index.html`, that answers navigations to paths where nothing is. @default none */
  readonly fallback?: string | undefined;
  /** Whether `/404.html`, or `/<status>.html`, of the root is the content of that status. @default false */
  readonly errorPages?: boolean | undefined;
  /** The first match wins. @default [] */
  readonly redirects?: readonly RedirectRule[] | undefined;
  /** All matches apply, later ones replace earlier ones. @default [] */
  readonly fieldRules?: readonly FieldRule[] | undefined;
  /** @default false */
  readonly cors?: boolean | CorsOptions | undefined;
  /** Whether PUT and DELETE work. Put authentication before it. @default false */
  readonly writable?: boolean | WriteOptions | undefined;
  /** The memory for remembered responses, in bytes. Large heaps make starting processes slow. @default 67_108_864 */
  readonly maxCacheBytes?: number | undefined;
  /** The largest file kept in memory, in bytes. @default 1_048_576 */
  readonly maxCachedFileBytes?: number | undefined;
}
