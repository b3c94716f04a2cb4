// Options, checked and completed. A wrong option fails here, at start, in one line that names it.

import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import * as zlib from 'node:zlib';
import { type Coding, CODINGS } from '../http/content-coding.ts';
import { typeOverrides } from '../http/content-type.ts';
import { anyGlob, isHashedName, type PathTest } from './globs.ts';
import type { Field } from '../message.ts';
import type { CorsOptions, ListingOptions, RedirectRule, StaticOptions, WriteOptions } from '../options.ts';
import { checkShapes, count, fieldName, fieldText, fileName, limit, oneOf, originList, rootedPath } from './checks.ts';
import type { EntityTagKind } from '../http/validators.ts';

/** A year: the longest that HTTP caches are asked to keep anything. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Enough for the hot part of most sites; more would make `fork` of the whole process noticeably slower. */
const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;

/** Up to here memory beats reading in pieces; above, the bytes dominate the request anyway. */
const DEFAULT_CACHED_FILE_BYTES = 1024 * 1024;

/** Below this, fields outweigh what a coding saves. */
const DEFAULT_COMPRESS_MIN_BYTES = 1024;

const DEFAULT_COMPRESS_MAX_BYTES = 16 * 1024 * 1024;

/** What a browser renders at once without stutter. */
const DEFAULT_PAGE_ENTRIES = 1000;

/** Options of which none is left open. */
export type Complete<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };

/** The options as the rest of the package uses them: nothing optional, globs compiled, files read. */
export interface Settings {
  readonly root: string;
  /** The one file served when the root is a file; then `root` is its directory. */
  readonly onlyFile: string | undefined;
  readonly platform: NodeJS.Platform;
  readonly index: readonly string[];
  readonly listing: Complete<ListingOptions> | undefined;
  readonly dotfiles: 'deny' | 'allow';
  readonly symlinks: 'deny' | 'inside' | 'all';
  readonly isHidden: PathTest;
  readonly windowsNames: 'deny' | 'allow';
  readonly types: ReadonlyMap<string, string>;
  readonly defaultType: string;
  readonly charset: string | false;
  readonly etag: EntityTagKind;
  readonly lastModified: boolean;
  readonly ranges: boolean;
  /** The Cache-Control value for a path below the root, or '' for none. */
  readonly cacheControlOf: (path: string) => string;
  readonly precompressed: boolean;
  readonly compress: { readonly codings: readonly Coding[]; readonly minBytes: number; readonly maxBytes: number };
  readonly cleanUrls: 'off' | 'lookup' | 'redirect';
  readonly extensions: readonly string[];
  readonly fallback: string | undefined;
  readonly errorPages: boolean;
  readonly redirects: readonly Complete<RedirectRule>[];
  readonly fieldsOf: (path: string) => readonly Field[];
  readonly cors: Complete<CorsOptions> | undefined;
  readonly write: Complete<WriteOptions> | undefined;
  readonly maxCacheBytes: number;
  readonly maxCachedFileBytes: number;
}

/** Checks `options` and reads what they refer to. Throws a TypeError that names the option at fault. */
export function settingsOf(root: string, options: StaticOptions): Settings {
  checkShapes(options);
  const place = rootPlace(root);
  if (place.onlyFile !== undefined && (options.writable ?? false) !== false) {
    throw new TypeError('writable: needs a directory for a root');
  }
  const symlinks = oneOf('symlinks', options.symlinks ?? 'inside', ['deny', 'inside', 'all']);
  return {
    ...place,
    platform: process.platform,
    index: options.index === false ? [] : (options.index ?? ['index.html']).map((name) => fileName('index', name)),
    listing: options.listing === undefined || options.listing === false ? undefined : listingSettings(options.listing),
    dotfiles: oneOf('dotfiles', options.dotfiles ?? 'deny', ['deny', 'allow']),
    symlinks,
    isHidden: anyGlob(options.hide ?? [], { ignoreCase: true }),
    windowsNames: windowsNames(options),
    types: readTypes(options),
    defaultType: fieldText('defaultType', options.defaultType ?? 'application/octet-stream'),
    charset: options.charset === false ? false : fieldText('charset', options.charset ?? 'utf-8'),
    etag: oneOf('etag', options.etag ?? 'strong', ['strong', 'weak', 'content', false]),
    lastModified: options.lastModified ?? true,
    ranges: options.ranges ?? true,
    cacheControlOf: cacheControl(options),
    precompressed: options.precompressed ?? true,
    compress: compressSettings(options.compress ?? true),
    cleanUrls: oneOf('cleanUrls', options.cleanUrls ?? 'off', ['off', 'lookup', 'redirect']),
    extensions: (options.extensions ?? ['html']).map((name) => fileName('extensions', name.replace(/^\./, ''))),
    fallback: options.fallback === undefined ? undefined : rootedPath('fallback', options.fallback),
    errorPages: options.errorPages ?? false,
    redirects: (options.redirects ?? []).map(redirectSettings),
    fieldsOf: fieldRules(options),
    cors: corsSettings(options.cors ?? false),
    write: writeSettings(options.writable ?? false),
    maxCacheBytes: count('maxCacheBytes', options.maxCacheBytes ?? DEFAULT_CACHE_BYTES),
    maxCachedFileBytes: count('maxCachedFileBytes', options.maxCachedFileBytes ?? DEFAULT_CACHED_FILE_BYTES),
  };
}

function rootPlace(root: string): { root: string; onlyFile: string | undefined } {
  if (typeof root !== 'string' || root === '') throw new TypeError('root: expected the path of a directory or file');
  const path = resolve(root);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new TypeError(`root: ${path} does not exist`);
  if (stats.isDirectory()) return { root: path, onlyFile: undefined };
  if (!stats.isFile()) throw new TypeError(`root: ${path} is neither a directory nor a file`);
  // Naming a file is consent to follow it, wherever it leads.
  const real = realpathSync(path);
  return { root: dirname(real), onlyFile: basename(real) };
}

function windowsNames(options: StaticOptions): 'deny' | 'allow' {
  // On Windows itself these names are not a matter of taste: they open something else.
  if (process.platform === 'win32') return 'deny';
  return oneOf('windowsNames', options.windowsNames ?? 'allow', ['deny', 'allow']);
}

function listingSettings(listing: true | ListingOptions): Complete<ListingOptions> {
  const pageEntries = (listing === true ? undefined : listing.pageEntries) ?? DEFAULT_PAGE_ENTRIES;
  if (count('listing.pageEntries', pageEntries) === 0) throw new TypeError('listing.pageEntries: expected at least 1');
  return { pageEntries };
}

function compressSettings(compress: NonNullable<StaticOptions['compress']>): Settings['compress'] {
  const given = typeof compress === 'object' ? compress : {};
  const hasZstd = 'createZstdCompress' in zlib;
  const wanted = compress === false ? [] : (given.codings ?? CODINGS);
  for (const coding of wanted) oneOf('compress.codings', coding, CODINGS);
  return {
    codings: wanted.filter((coding) => coding !== 'zstd' || hasZstd),
    minBytes: count('compress.minBytes', given.minBytes ?? DEFAULT_COMPRESS_MIN_BYTES),
    maxBytes: count('compress.maxBytes', given.maxBytes ?? DEFAULT_COMPRESS_MAX_BYTES),
  };
}

function cacheControl(options: StaticOptions): (path: string) => string {
  const rules = (options.cacheControl ?? []).map(({ glob, value }) => ({
    test: anyGlob([glob], { ignoreCase: false }),
    value: fieldText('cacheControl', value),
  }));
  const { immutable = false } = options;
  const isImmutable =
    typeof immutable === 'boolean'
      ? (path: string) => immutable && isHashedName(path)
      : anyGlob(immutable, { ignoreCase: false });
  const seconds = count('maxAgeSeconds', options.maxAgeSeconds ?? 0);
  const usual = seconds === 0 ? 'no-cache' : `public, max-age=${seconds}`;
  return (path) => {
    const rule = rules.find(({ test }) => test(path));
    return rule?.value ?? (isImmutable(path) ? IMMUTABLE : usual);
  };
}

function fieldRules(options: StaticOptions): (path: string) => readonly Field[] {
  const rules = (options.fieldRules ?? []).map(({ glob, fields }) => ({
    test: anyGlob([glob], { ignoreCase: false }),
    fields: Object.entries(fields).map(([name, value]): Field => [
      fieldName(name),
      fieldText(`fieldRules ${name}`, value),
    ]),
  }));
  return (path) => rules.filter(({ test }) => test(path)).flatMap(({ fields }) => fields);
}

function redirectSettings({ from, to, status = 301 }: RedirectRule): Complete<RedirectRule> {
  if (/\*(?!$)|[^/]\*$/.test(from))
    throw new TypeError('redirects.from: a * can only stand for the rest after a slash');
  oneOf('redirects.status', status, [301, 302, 303, 307, 308]);
  return { from: rootedPath('redirects.from', from), to: fieldText('redirects.to', to), status };
}

function corsSettings(cors: boolean | CorsOptions): Complete<CorsOptions> | undefined {
  if (cors === false) return undefined;
  const given = cors === true ? {} : cors;
  const origins = originList('cors.origins', given.origins ?? '*');
  const credentials = given.credentials ?? false;
  if (credentials && origins === '*') throw new TypeError('cors.credentials: needs a list of origins, not *');
  return {
    origins,
    credentials,
    allowFields: (given.allowFields ?? ['range', 'if-range']).map(fieldName),
    exposeFields: (given.exposeFields ?? ['content-range', 'accept-ranges', 'etag', 'content-encoding']).map(fieldName),
    maxAgeSeconds: count('cors.maxAgeSeconds', given.maxAgeSeconds ?? 600),
  };
}

function writeSettings(writable: boolean | WriteOptions): Complete<WriteOptions> | undefined {
  if (writable === false) return undefined;
  const given = writable === true ? {} : writable;
  return {
    maxFileBytes: limit('writable.maxFileBytes', given.maxFileBytes),
    quotaBytes: limit('writable.quotaBytes', given.quotaBytes),
    fsync: given.fsync ?? true,
  };
}

function readTypes({ typesFile, types = {} }: StaticOptions): Map<string, string> {
  for (const [extension, type] of Object.entries(types)) fieldText(`types ${extension}`, type);
  try {
    return typeOverrides(typesFile, types);
  } catch (error) {
    throw new TypeError(`typesFile: ${typesFile} cannot be read`, { cause: error });
  }
}
