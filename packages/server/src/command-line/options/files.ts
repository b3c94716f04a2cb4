// How files are served: a line for each option of `@onezero/static`.

import { corsTable, refuseOrigin, type Shape, type StaticOptions, staticTable } from '@onezero/static/options';
import { type Configured, type KeyOf, optionsFrom, type Words } from './from-table.ts';
import type { Option } from './option.ts';
import { wordsOf } from './value.ts';

/** What the command takes beside what the options take. */
interface Also {
  readonly cleanUrls: boolean;
  readonly cors: string | readonly string[];
  readonly etag: true;
  readonly fallback: boolean;
  readonly listing: 'archives';
}

/** Options that are no flag and no key, and why. */
export const notConfigured = {
  deny: 'the command denies what is secret; hide is for the rest',
  isSource: 'a function; the command knows the sources of what it runs',
  fieldRules: 'headers with a glob',
} as const;

type Name = Exclude<keyof StaticOptions, keyof typeof notConfigured>;

export type FilesConfiguration = {
  readonly [One in Name as KeyOf<One>]: Configured<StaticOptions[One]> | (One extends keyof Also ? Also[One] : never);
};

const text = { type: 'text' } as const;
const origins: Shape = { type: 'text', refuse: (written) => originsOf(written).map(refuseOriginOrName).find(Boolean) };
const flag = { type: 'boolean' } as const;
const SERVED = 'What is served';

const lines: { readonly [One in Name]-?: Words } = {
  fallback: {
    group: SERVED,
    default: false,
    also: [text, flag],
    toOption: (value: boolean | string) =>
      value === false ? undefined : value === true ? '/index.html' : `/${value.replace(/^\/+/, '')}`,
    short: ['s'],
    aliases: ['single', 'spa'],
    placeholder: '[=file]',
  },
  writable: { group: SERVED },
  index: { placeholder: '<names>' },
  directoryRedirect: { only: 'file' },
  listing: {
    default: true,
    also: [{ type: 'choice', values: ['archives'] }],
    toOption: (value: unknown) => (value === 'archives' ? { archives: true } : value),
    placeholder: '[=archives]',
  },
  cleanUrls: {
    also: [flag],
    toOption: (value: boolean | string) => (value === true ? 'lookup' : value === false ? 'off' : value),
    default: false,
    placeholder: '[=redirect]',
  },
  extensions: {},
  statusPages: { default: true },
  dotfiles: {
    bare: 'allow',
    off: 'deny',
    // No glob of names that begin with a dot is a mere word.
    read: (given) => (/^\w*$/.test(given) ? given : wordsOf(given)),
    placeholder: '[=allow|deny|globs]',
  },
  symlinks: { short: ['S'], bare: 'all', off: 'deny', placeholder: '[=deny|inside|all]' },
  hide: { read: (glob) => glob, placeholder: '<glob>' },
  windowsNames: { bare: 'allow', off: 'deny', placeholder: '[=deny|allow]' },
  redirects: { only: 'file' },
  typesFile: { aliases: ['mime-types', 'mimetypes'] },
  types: { only: 'file' },
  defaultType: { aliases: ['default-mimetype'], placeholder: '<type>' },
  charset: { off: false, placeholder: '<name>' },
  etag: {
    also: [{ type: 'choice', values: [true] }],
    toOption: (value: boolean | string) => (value === true ? 'strong' : value),
    placeholder: '[=strong|weak|content|state]',
  },
  lastModified: {},
  ranges: {},
  maxAgeSeconds: { short: ['m'], aliases: ['maxage'], negations: ['no-cache'], off: 0 },
  immutable: { short: ['i'] },
  cacheControl: { only: 'file' },
  precompressed: {},
  compression: { aliases: ['compress'] },
  cors: {
    group: 'Headers and access',
    also: [origins, { type: 'list', item: origins }],
    toOption: corsOptions,
    short: ['C'],
    placeholder: '[=origin,...]',
  },
  cacheMemoryBytes: { perSite: false },
  maxCachedFileBytes: { perSite: false },
};

export const filesOptions: Record<keyof FilesConfiguration, Option> = optionsFrom(staticTable, lines, {
  part: 'static.',
  group: 'Files',
  perSite: true,
});

/** Servers whose `--cors` takes names of headers are in use. */
function refuseOriginOrName(written: string): string | undefined {
  const refused = refuseOrigin(written);
  const isName = /^[a-z][a-z0-9-]*$/i.test(written) && written !== 'localhost';
  return refused !== undefined && isName ? `${refused} (request headers are --cors-headers)` : refused;
}

function originsOf(written: string): readonly string[] {
  return written.split(',').map((one) => one.trim());
}

/** Origins as they are written for a flag. */
function corsOptions(given: boolean | string | readonly string[] | object): unknown {
  if (typeof given === 'string') return given === '*' ? true : { origins: originsOf(given) };
  return Array.isArray(given) ? { origins: given } : given;
}

/** Flags that each set a part of an option, which the file has whole. */
export interface PartsConfiguration {
  readonly gzip: boolean;
  readonly brotli: boolean;
  readonly corsHeaders: readonly string[] | undefined;
}

const compression = { group: 'Files', shape: flag, default: false, bare: true, only: 'command' } as const;

export const partsOptions: Record<keyof PartsConfiguration, Option> = {
  gzip: { ...compression, short: ['G'], summary: 'Compress with gzip only; add -B for Brotli as well' },
  brotli: { ...compression, short: ['B'], summary: 'Compress with Brotli only; add -G for gzip as well' },
  corsHeaders: {
    group: 'Headers and access',
    shape: corsTable.allowFields.shape,
    only: 'command',
    placeholder: '<names>',
    summary: 'Request headers that such pages may send besides Authorization, Range and If-Range; implies --cors',
  },
};
