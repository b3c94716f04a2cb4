// Options that have options of their own: the types, and the tables of what they take.

import type { Coding } from '../http/content-coding.ts';
import type { Table } from './shape.ts';
import { fieldName, fieldValue, flag, seconds, size, unlimited } from './shapes.ts';

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
   * Whether a folder with all that is below it can be downloaded as one archive (`?format=zip` or `?format=tar`), with links on its
   * page. Crawlers that follow them download each file once for every folder above it. @default false
   */
  readonly archives?: boolean | undefined;
}

/** Coding files while they are sent, where no precompressed sibling exists. */
export interface CompressionOptions {
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

export const redirectTable: Table<RedirectRule> = {
  from: {
    shape: {
      type: 'text',
      pattern: /^\/(?!(?:.*\/)?\.\.(?:\/|$))(?:[^*\0]*|(?:[^*\0]*\/)?\*)$/,
      expects: 'a path that begins with /, with a * only for the rest after a slash',
    },
    summary: 'a path, such as /old or /blog/*',
    isRequired: true,
  },
  to: { shape: fieldValue, summary: 'a path or URL for Location; a final * stands for the rest', isRequired: true },
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
  archives: { shape: flag, summary: 'offer each folder as .zip and .tar', default: false },
};

/** Below 1 KiB fields outweigh what a coding saves; above 16 MiB it costs too much processor time on every request. */
export const compressionTable: Table<CompressionOptions> = {
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

/**
 * What an origin should have been, in words that complete "expected …"; undefined for a good one. Origins are compared as they
 * stand, so they have to be as browsers write them (RFC 6454 §6.1); `*` among others stands for all.
 */
export function refuseOrigin(given: string): string | undefined {
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
