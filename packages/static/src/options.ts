// Everything `serveStatic` can be told: the types, and one table of what each option takes, stands for and defaults to. The
// table is data (`@onezero/static/options`): options are checked against it, and completed from it.

import type { Coding } from './http/content-coding.ts';
import type { EntityTagKind } from './http/validators.ts';
import { globProblem } from './options/globs.ts';
import type { Member, Shape, Table } from './options/shape.ts';

export { checkOptions } from './options/checks.ts';
export type { Member, Members, Shape, Table } from './options/shape.ts';

/**
 * A value for the files that a glob matches.
 *
 * Globs know `*`, `**`, `?`, `[a-z]`, `[!a-z]`, `{a,b}` and `\\`, and are matched against the path below the root without its
 * leading slash. One without a slash matches the name in any directory; a leading slash ties it to the root.
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
  /** Request fields that a preflight allows beyond the safelisted. @default ['authorization', 'range', 'if-range'] */
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
  /**
   * Whether a folder with all that is below it can be downloaded as one tar archive (`?format=tar`), with a link on its page.
   * Crawlers that follow the link download each file once for every folder above it. @default false
   */
  readonly archives?: boolean | undefined;
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

/** Whether the file at an absolute path is the source of a program, which is run and not read. */
export type SourceTest = (path: string) => boolean;

/** How files are served. Every option may be left out. */
export interface StaticOptions {
  /** Files that answer for their directory, in order of preference. @default ['index.html'] */
  readonly index?: readonly string[] | false | undefined;
  /** Whether `/folder` is sent to `/folder/`, where relative links in its page lead to its files. @default true */
  readonly directoryRedirect?: boolean | undefined;
  /** Whether directories without an index file are listed: HTML, JSON or text. @default false */
  readonly listing?: boolean | ListingOptions | undefined;
  /** Names that begin with a dot, at any depth; `/.well-known` is always served (RFC 8615). @default 'deny' */
  readonly dotfiles?: 'deny' | 'allow' | undefined;
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
  /** Media types by extension, over those of mime-types. @default {} */
  readonly types?: Readonly<Record<string, string>> | undefined;
  /** An Apache `mime.types` file; `types` goes over it. */
  readonly typesFile?: string | undefined;
  /** The type of unknown extensions. @default 'application/octet-stream' */
  readonly defaultType?: string | undefined;
  /** Added to textual types. @default 'utf-8' */
  readonly charset?: string | false | undefined;
  /**
   * Entity tags: `strong` from the content, the same on every replica (weak for a large file until all of it was read once),
   * `weak` from modification time and size. `content` is another word for `strong`. @default 'strong'
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

const flag: Shape = { type: 'boolean' };
const off: Shape = { type: 'choice', values: [false] };
const size: Shape = { type: 'size' };
const seconds: Shape = { type: 'duration', unit: 'seconds' };
const unlimited: Shape = { type: 'size', isUnlimited: true };
const glob: Shape = { type: 'text', pattern: /[^/]/, expects: 'a glob', refuse: globProblem };
const globs: Shape = { type: 'list', item: glob };
const fileName: Shape = { type: 'text', pattern: /^(?!\.{0,2}$)[^/\\\0]+$/, expects: 'the name of a file' };
const fieldName = { type: 'text', pattern: /^[\w!#$%&'*+.^`|~-]+$/, expects: 'the name of a field' } as const;
const fieldValue: Shape = {
  type: 'text',
  pattern: /^[\t\x20-\x7e\x80-\xff]*$/,
  expects: 'a text without control characters and characters above U+00FF',
};
const mediaType: Shape = { type: 'text', pattern: /^[\w!#$&^.+-]+\/[\t\x20-\x7e]+$/, expects: 'a media type' };
const rootedPath: Shape = {
  type: 'text',
  pattern: /^\/(?!(?:.*\/)?\.\.(?:\/|$))[^\0]*$/,
  expects: 'a path that begins with /',
};

const redirectTable: Table<RedirectRule> = {
  from: {
    shape: {
      type: 'text',
      pattern: /^\/(?!(?:.*\/)?\.\.(?:\/|$))(?:[^*\0]*|(?:[^*\0]*\/)?\*)$/,
      expects: 'a path that begins with /, with a * only for the rest after a slash',
    },
    summary: 'a path, such as /old or /blog/*',
  },
  to: { shape: fieldValue, summary: 'a path or URL for Location; a final * stands for the rest' },
  status: { shape: { type: 'choice', values: [301, 302, 303, 307, 308] }, summary: 'the status', default: 301 },
};

export const corsTable: Table<CorsOptions> = {
  origins: {
    shape: {
      type: 'either',
      shapes: [
        { type: 'choice', values: ['*'] },
        { type: 'list', item: { type: 'text', refuse: refuseOrigin } },
      ],
    },
    summary: 'allowed origins',
    default: '*',
  },
  credentials: { shape: flag, summary: 'whether cookies may be sent along', default: false },
  allowFields: {
    shape: { type: 'list', item: fieldName },
    summary: 'request fields that a preflight allows',
    default: ['authorization', 'range', 'if-range'],
  },
  exposeFields: {
    shape: { type: 'list', item: fieldName },
    summary: 'response fields that scripts may read',
    default: ['content-range', 'accept-ranges', 'etag', 'content-encoding'],
  },
  maxAgeSeconds: { shape: seconds, summary: 'how long a preflight may be remembered', default: 600 },
};

/** A page of 1,000 entries is what a browser renders at once without stutter. */
export const listingTable: Table<ListingOptions> = {
  pageEntries: { shape: { type: 'integer', minimum: 1 }, summary: 'entries on one page', default: 1000 },
  archives: { shape: flag, summary: 'offer each folder as a tar archive', default: false },
};

/** Below 1 KiB fields outweigh what a coding saves; above 16 MiB it costs too much processor time on every request. */
export const compressTable: Table<CompressOptions> = {
  codings: {
    shape: { type: 'list', item: { type: 'choice', values: ['br', 'zstd', 'gzip'] } },
    summary: 'codings, in the order preferred',
    default: ['br', 'zstd', 'gzip'],
  },
  minBytes: { shape: size, summary: 'the smallest file that is coded', default: 1024 },
  maxBytes: { shape: size, summary: 'the largest file that is coded', default: 16 * 1024 * 1024 },
};

export const writeTable: Table<WriteOptions> = {
  maxFileBytes: { shape: unlimited, summary: 'the largest file accepted', default: Number.POSITIVE_INFINITY },
  quotaBytes: {
    shape: unlimited,
    summary: 'the most that all files may hold together',
    default: Number.POSITIVE_INFINITY,
  },
  fsync: { shape: flag, summary: 'whether a file is on the disk before the answer', default: true },
};

const ruleOf = (members: Readonly<Record<string, Member>>): Shape => ({
  type: 'list',
  item: { type: 'object', members, required: Object.keys(members) },
});

const orObject = (members: Readonly<Record<string, Member>>): Shape => ({
  type: 'either',
  shapes: [flag, { type: 'object', members }],
});

/**
 * Every option of `serveStatic`. The memory for responses holds the hot part of most sites; more would make `fork` of the
 * process noticeably slower. Files up to 1 MiB are faster from memory; of larger ones the bytes dominate the request anyway.
 */
export const staticTable: Table<StaticOptions> = {
  index: {
    shape: { type: 'either', shapes: [{ type: 'list', item: fileName }, off] },
    summary: 'files that answer for their directory, in order; false for none',
    default: ['index.html'],
  },
  directoryRedirect: { shape: flag, summary: 'send /folder to /folder/', default: true },
  listing: { shape: orObject(listingTable), summary: 'list directories that have no index file', default: false },
  dotfiles: {
    shape: { type: 'choice', values: ['deny', 'allow'] },
    summary: 'names that begin with a dot; /.well-known is always served',
    default: 'deny',
  },
  symlinks: {
    shape: { type: 'choice', values: ['deny', 'inside', 'all'] },
    summary: 'which links are followed',
    default: 'inside',
  },
  hide: { shape: globs, summary: 'globs of what does not exist, in any case, with all below it', default: [] },
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
    summary: 'names that Windows reads as something else (denied on Windows)',
  },
  types: {
    shape: { type: 'map', value: mediaType },
    summary: 'media types by extension, over those of mime-types',
    default: {},
  },
  typesFile: { shape: { type: 'path' }, summary: 'an Apache mime.types file' },
  defaultType: { shape: mediaType, summary: 'for unknown extensions', default: 'application/octet-stream' },
  charset: {
    shape: {
      type: 'either',
      shapes: [{ type: 'text', pattern: /^[\w!#$%&'*+.^`|~-]+$/, expects: 'the name of a charset' }, off],
    },
    summary: 'added to textual types; false for none',
    default: 'utf-8',
  },
  etag: {
    shape: { type: 'choice', values: ['strong', 'weak', 'content', false] },
    summary: 'entity tags: from the state of the file, the same but weak, or from a hash of its content',
    default: 'strong',
  },
  lastModified: { shape: flag, summary: 'whether Last-Modified is sent', default: true },
  ranges: { shape: flag, summary: 'whether Range is honoured', default: true },
  maxAgeSeconds: { shape: seconds, summary: 'how long caches may use a file unasked; 0 is no-cache', default: 0 },
  immutable: {
    shape: { type: 'either', shapes: [flag, globs] },
    summary: 'files that never change under their name: globs, or true for names with a content hash',
    default: false,
  },
  cacheControl: {
    shape: ruleOf({
      glob: { shape: glob, summary: 'which files' },
      value: { shape: fieldValue, summary: "the value; '' sends none" },
    }),
    summary: 'Cache-Control by glob; the first match wins over the two above',
    default: [],
  },
  precompressed: { shape: flag, summary: 'send file.br, file.zst, file.gz as codings of file', default: true },
  compress: { shape: orObject(compressTable), summary: 'make codings where none is stored', default: true },
  cleanUrls: {
    shape: { type: 'choice', values: ['off', 'lookup', 'redirect'] },
    summary: 'find about.html for /about; redirect also sends /about.html there',
    default: 'off',
  },
  extensions: { shape: { type: 'list', item: fileName }, summary: 'what clean URLs try, in order', default: ['html'] },
  fallback: { shape: rootedPath, summary: 'the page for navigations to where nothing is, such as /index.html' },
  errorPages: { shape: flag, summary: 'send <status>.html of the root as content of that status', default: false },
  redirects: {
    shape: { type: 'list', item: { type: 'object', members: redirectTable, required: ['from', 'to'] } },
    summary: 'paths that are sent elsewhere; the first match wins',
    default: [],
  },
  fieldRules: {
    shape: ruleOf({
      glob: { shape: glob, summary: 'which files' },
      fields: {
        shape: { type: 'map', key: fieldName.pattern, expects: fieldName.expects, value: fieldValue },
        summary: 'name to value',
      },
    }),
    summary: 'fields added to matching files',
    default: [],
  },
  cors: { shape: orObject(corsTable), summary: 'what pages of other origins may do', default: false },
  writable: { shape: orObject(writeTable), summary: 'PUT and DELETE', default: false },
  maxCacheBytes: { shape: size, summary: 'memory for remembered responses', default: 64 * 1024 * 1024 },
  maxCachedFileBytes: { shape: size, summary: 'the largest file kept there', default: 1024 * 1024 },
};

/** Origins as browsers write them (RFC 6454 §6.1), since they are compared as they stand; `*` among others stands for all. */
function refuseOrigin(given: string): string | undefined {
  const written = writtenOrigin(given);
  if (written === given) return undefined;
  return `an origin such as ${written ?? 'https://example.org'}`;
}

function writtenOrigin(given: string): string | undefined {
  if (given === '*' || given === 'null') return given;
  if (!URL.canParse(given)) return undefined;
  const { protocol, host, origin } = new URL(given);
  // Browsers have origins of their own for what is inside them, such as extensions; URL knows only those of the web.
  return host === '' ? undefined : origin === 'null' ? `${protocol}//${host}` : origin;
}
