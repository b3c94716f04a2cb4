// Options, checked and completed. A wrong option fails here, at start, in one line that names it.

import { realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Coding } from '../http/content-coding.ts';
import { typeOverrides } from '../http/content-type.ts';
import { globIndex } from './glob-index.ts';
import { anyGlob, anyGlobAbove, isHashedName, type NamesTest } from './globs.ts';
import type { Field } from '../message.ts';
import {
  type CompressionOptions,
  compressionTable,
  type CorsOptions,
  corsTable,
  type ListingOptions,
  listingTable,
  type RedirectRule,
  type SourceTest,
  type StaticOptions,
  staticTable,
  type WriteOptions,
  writeTable,
} from '../options.ts';
import { checkOptions, completed } from './checks.ts';
import type { Complete, Table } from './shape.ts';

/** A year: the longest that HTTP caches are asked to keep anything. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Options that the rest of the package uses in another form; all others are settings as they are. */
type Compiled =
  | 'index'
  | 'listing'
  | 'dotfiles'
  | 'hide'
  | 'deny'
  | 'isSource'
  | 'windowsNames'
  | 'types'
  | 'typesFile'
  | 'maxAgeSeconds'
  | 'immutable'
  | 'cacheControl'
  | 'compression'
  | 'extensions'
  | 'fallback'
  | 'redirects'
  | 'fieldRules'
  | 'cors'
  | 'writable';

/** The options as the rest of the package uses them: nothing optional, globs compiled, files read. */
export interface Settings extends Omit<Complete<StaticOptions>, Compiled> {
  readonly root: string;
  /** The one file served when the root is a file; then `root` is its directory. */
  readonly onlyFile: string | undefined;
  readonly platform: NodeJS.Platform;
  readonly index: readonly string[];
  readonly listing: Complete<ListingOptions> | undefined;
  /** Whether a name that begins with a dot is served. */
  readonly allowsDotfile: (name: string) => boolean;
  /** Whether a path or a directory that it lies in is hidden. */
  readonly isHidden: NamesTest;
  /** Absolute paths. */
  readonly deny: readonly string[];
  readonly isSource: SourceTest | undefined;
  readonly windowsNames: 'deny' | 'allow';
  readonly types: ReadonlyMap<string, string>;
  /** The Cache-Control value for a path below the root, or '' for none. */
  readonly cacheControlOf: (path: string) => string;
  readonly compression: { readonly codings: readonly Coding[]; readonly minBytes: number; readonly maxBytes: number };
  readonly extensions: readonly string[];
  readonly fallback: string | undefined;
  readonly redirects: readonly Complete<RedirectRule>[];
  readonly fieldsOf: (path: string) => readonly Field[];
  readonly cors: Complete<CorsOptions> | undefined;
  readonly write: Complete<WriteOptions> | undefined;
}

const resolved = new WeakMap<readonly string[], readonly string[]>();

/** One list for those who give one, so that they look at it together. */
function absolute(paths: readonly string[]): readonly string[] {
  let all = resolved.get(paths);
  if (all === undefined) resolved.set(paths, (all = paths.map((path) => resolve(path))));
  return all;
}

/** Checks `options` and reads what they refer to. Throws a TypeError that names the option at fault. */
export function settingsOf(root: string, options: StaticOptions): Settings {
  checkOptions(staticTable, options);
  const all = completed(staticTable, options);
  const place = rootPlace(root);
  if (place.onlyFile !== undefined && all.writable !== false) {
    throw new TypeError(`root: ${root} is a file; writing needs a directory`);
  }
  return {
    ...all,
    ...place,
    platform: process.platform,
    index: all.index === false ? [] : all.index,
    // With a page for everything that is not there, a directory without an index file is not there.
    listing:
      all.listing === false || options.fallback !== undefined
        ? undefined
        : membersOf<ListingOptions>(listingTable, all.listing),
    allowsDotfile: dotfileTest(all.dotfiles),
    isHidden: anyGlobAbove(all.hide, { ignoreCase: true }),
    deny: absolute(all.deny),
    isSource: options.isSource,
    // On Windows itself these names are not a matter of taste: they open something else.
    windowsNames: process.platform === 'win32' ? 'deny' : (options.windowsNames ?? 'allow'),
    types: readTypes(options),
    cacheControlOf: cacheControl(all),
    compression: compressionSettings(all.compression),
    extensions: all.extensions.map((name) => name.replace(/^\.(?=.)/, '')),
    fallback: options.fallback,
    redirects: all.redirects.map(({ from, to, status = 301 }) => ({ from, to, status })),
    fieldsOf: fieldRules(all.fieldRules),
    cors: all.cors === false ? undefined : corsSettings(membersOf<CorsOptions>(corsTable, all.cors)),
    write: all.writable === false ? undefined : membersOf<WriteOptions>(writeTable, all.writable),
  };
}

function dotfileTest(dotfiles: Complete<StaticOptions>['dotfiles']): (name: string) => boolean {
  if (typeof dotfiles === 'string') return () => dotfiles === 'allow';
  return anyGlob(dotfiles, { ignoreCase: false });
}

/** What an option that may be `true` or an object has set; `true` leaves all to the defaults. */
function membersOf<Options extends object>(table: Table<Options>, given: true | Options): Complete<Options> {
  return completed<Options>(table, given === true ? ({} as Options) : given);
}

const NO_ROOT = 'root: expected the path of a directory or file, in front of the options: serveStatic(root, options)';

function rootPlace(root: string): { root: string; onlyFile: string | undefined } {
  if (typeof root !== 'string' || root === '') throw new TypeError(NO_ROOT);
  const path = resolve(root);
  const stats = statsOf(path);
  if (stats === undefined) throw new TypeError(`root: ${path} does not exist`);
  if (stats.isDirectory()) return { root: path, onlyFile: undefined };
  if (!stats.isFile()) throw new TypeError(`root: ${path} is neither a directory nor a file`);
  // Naming a file is consent to follow it, wherever it leads.
  const real = realpathSync(path);
  return { root: dirname(real), onlyFile: basename(real) };
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new TypeError(`root: ${path} cannot be looked at: ${code}`, { cause: error });
  }
}

function compressionSettings(compression: boolean | CompressionOptions): Settings['compression'] {
  const hasZstd = 'zstd' in process.versions;
  const given = compression === false ? { codings: [] } : compression;
  const { codings, ...sizes } = membersOf<CompressionOptions>(compressionTable, given);
  return { codings: codings.filter((coding) => coding !== 'zstd' || hasZstd), ...sizes };
}

function cacheControl(options: Complete<StaticOptions>): (path: string) => string {
  const { immutable, maxAgeSeconds } = options;
  const rulesOf = globIndex(options.cacheControl.map(({ glob }) => glob));
  const isImmutable =
    typeof immutable === 'boolean'
      ? (path: string) => immutable && isHashedName(path)
      : anyGlob(immutable, { ignoreCase: false });
  const usual = maxAgeSeconds === 0 ? 'no-cache' : `public, max-age=${maxAgeSeconds}`;
  return (path) => {
    const [first] = rulesOf(path);
    const rule = first === undefined ? undefined : options.cacheControl[first];
    return rule?.value ?? (isImmutable(path) ? IMMUTABLE : usual);
  };
}

function fieldRules(given: Complete<StaticOptions>['fieldRules']): (path: string) => readonly Field[] {
  const rulesOf = globIndex(given.map(({ glob }) => glob));
  const fields = given.map((rule) =>
    Object.entries(rule.fields).map(([name, value]): Field => [name.toLowerCase(), value]),
  );
  return (path) => rulesOf(path).flatMap((number) => fields[number] ?? []);
}

function corsSettings(cors: Complete<CorsOptions>): Complete<CorsOptions> {
  const origins = cors.origins.includes('*') ? '*' : cors.origins;
  if (cors.credentials && origins === '*') throw new TypeError('cors.credentials: needs a list of origins, not *');
  return {
    ...cors,
    origins,
    allowFields: cors.allowFields.map((name) => name.toLowerCase()),
    exposeFields: cors.exposeFields.map((name) => name.toLowerCase()),
  };
}

function readTypes({ typesFile, types = {} }: StaticOptions): Map<string, string> {
  try {
    return typeOverrides(typesFile, types);
  } catch (error) {
    throw new TypeError(`typesFile: ${typesFile} cannot be read`, { cause: error });
  }
}
