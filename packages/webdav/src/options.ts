// Everything `webdav` can be told: the types, and one table of what each option takes, stands for and defaults to.

import type { StaticOptions } from '@onezero/static';
import { checkOptions, staticTable, type Table } from '@onezero/static/options';

/** How the files are read, named and hidden: as `serveStatic` does; entity tags are those of `etag: 'state'`. */
export type FileOptions = Omit<
  StaticOptions,
  'etag' | 'cleanUrls' | 'extensions' | 'fallback' | 'statusPages' | 'redirects' | 'writable' | 'directoryRedirect'
>;

/** What bounds a folder and what one client can cost. */
export interface WebdavLimits {
  /** The largest file accepted (413). @default unlimited */
  readonly maxFileBytes?: number | undefined;
  /** The most that all files below the root may hold together (507). @default unlimited */
  readonly quotaBytes?: number | undefined;
  /** Whether what was written is on the disk, not only in the system's memory, before a response says so. @default true */
  readonly fsync?: boolean | undefined;
  /** The longest XML content of a request (413). @default 1_048_576 */
  readonly maxXmlBytes?: number | undefined;
  /** The most that the properties of one resource may hold (507). @default 65_536 */
  readonly maxPropertyBytes?: number | undefined;
  /** Files and directories that one COPY makes (507). @default 100_000 */
  readonly maxCopyEntries?: number | undefined;
  /** Locks that exist at one time (507). @default 1_000 */
  readonly maxLocks?: number | undefined;
  /** The longest time for which a lock is granted; it can be refreshed. In seconds. @default 3_600 */
  readonly maxLockSeconds?: number | undefined;
}

/** A folder and how it is served. */
export interface WebdavOptions extends WebdavLimits {
  /** The folder. */
  readonly root: string;
  /**
   * How files are read, named and hidden. Unlike there, names that systems write on every drive, such as `._*` and `.DS_Store`,
   * are let through by `dotfiles`, `listing` is on, and `precompressed` off: what is read is what was put under that name.
   */
  readonly files?: FileOptions | undefined;
}

/** A folder, and the path at which a handler answers for it. */
export interface WebdavMountOptions extends WebdavOptions {
  /** The path prefix below which the folder lies, such as `/dav`. @default '', or what Express took off */
  readonly path?: string | undefined;
}

const {
  etag: _etag,
  cleanUrls: _cleanUrls,
  extensions: _extensions,
  fallback: _fallback,
  statusPages: _statusPages,
  redirects: _redirects,
  writable: _writable,
  directoryRedirect: _directoryRedirect,
  ...fileTable
} = staticTable;

const unlimited = { type: 'size', isUnlimited: true } as const;
const size = { type: 'size' } as const;
const count = { type: 'integer', minimum: 1 } as const;

/**
 * Every option of `webdav`. A request of 1 MiB of XML holds some thousand properties, more than any client sends; 64 KiB of
 * properties are what Windows and office programs write a hundred times over. A copy of 100,000 entries takes a minute, about as long
 * as clients wait; 1,000 locks are one file of 300 kB that each lock writes. An hour is what Apache and clients use for locks.
 */
export const webdavTable: Table<WebdavOptions> = {
  root: { shape: { type: 'path' }, summary: 'the folder', isRequired: true },
  files: { shape: { type: 'object', members: fileTable }, summary: 'how files are read, named and hidden' },
  maxFileBytes: { shape: unlimited, summary: 'the largest file accepted', default: Number.POSITIVE_INFINITY },
  quotaBytes: {
    shape: unlimited,
    summary: 'the most that all files may hold together',
    default: Number.POSITIVE_INFINITY,
  },
  fsync: {
    shape: { type: 'boolean' },
    summary: 'whether what is written is on the disk before the answer',
    default: true,
  },
  maxXmlBytes: { shape: size, summary: 'the longest XML of a request', default: 1024 * 1024 },
  maxPropertyBytes: { shape: size, summary: 'the most that the properties of one resource hold', default: 64 * 1024 },
  maxCopyEntries: { shape: count, summary: 'what one COPY makes', default: 100_000 },
  maxLocks: { shape: count, summary: 'locks at one time', default: 1_000 },
  maxLockSeconds: {
    shape: { type: 'integer', minimum: 1, maximum: 0xffff_ffff },
    summary: 'the longest time of a lock',
    default: 3_600,
  },
};

export const mountTable: Table<Pick<WebdavMountOptions, 'path'>> = {
  path: {
    shape: { type: 'text', pattern: /^(?:\/.*)?$/, expects: 'a path that begins with /' },
    summary: 'the path prefix below which the folder lies',
    default: '',
  },
};

/** Names that systems write on every drive that is mounted: without them, Finder reports that it cannot copy. */
const SYSTEM_NAMES = [
  '._*',
  '.DS_Store',
  '.Trashes',
  '.Spotlight-V100',
  '.fseventsd',
  '.TemporaryItems',
  '.apdisk',
  '.hidden',
  '.metadata_never_index*',
  '.ql_disablethumbnails',
  '.Trash-*',
  '.~lock.*#',
  '.nfs*',
  '.~*',
];

/** The options as the rest of the package uses them. */
export type Settings = { readonly [Name in keyof WebdavLimits]-?: Exclude<WebdavLimits[Name], undefined> } & {
  readonly root: string;
  readonly files: FileOptions;
};

/** Checks and completes options. Throws a TypeError that names the option at fault. */
export function settingsOf(options: WebdavOptions): Settings {
  checkOptions(webdavTable, options, 'webdav');
  const defaults = Object.fromEntries(Object.entries(webdavTable).map(([name, member]) => [name, member.default]));
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const files = { listing: true, index: false, precompressed: false, dotfiles: SYSTEM_NAMES, ...options.files };
  return { ...defaults, ...given, files } as unknown as Settings;
}
