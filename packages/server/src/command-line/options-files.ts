// How files are served: `@onezero/static`'s options under the names that hands know from other servers.

import type { Option } from './option.ts';

export interface FilesConfiguration {
  readonly index: readonly string[] | undefined;
  readonly listing: boolean | { readonly pageEntries?: number };
  readonly dotfiles: 'deny' | 'allow';
  readonly symlinks: 'deny' | 'inside' | 'all';
  readonly hide: readonly string[] | undefined;
  readonly windowsNames: 'deny' | 'allow' | undefined;
  readonly types: Readonly<Record<string, string>> | undefined;
  readonly mimeTypes: string | undefined;
  readonly defaultType: string | undefined;
  readonly charset: string | false;
  readonly etag: 'strong' | 'weak' | 'content' | boolean;
  readonly lastModified: boolean;
  readonly ranges: boolean;
  readonly maxAge: number;
  readonly immutable: boolean | readonly string[];
  readonly cacheControl: readonly { readonly glob: string; readonly value: string }[] | undefined;
  readonly precompressed: boolean;
  readonly compression:
    | boolean
    | { readonly codings?: readonly ('br' | 'zstd' | 'gzip')[]; readonly minSize?: number; readonly maxSize?: number };
  readonly gzip: boolean;
  readonly brotli: boolean;
  readonly cleanUrls: boolean | 'off' | 'lookup' | 'redirect';
  readonly extensions: readonly string[] | undefined;
  readonly statusPages: boolean;
  readonly redirects: readonly { readonly from: string; readonly to: string; readonly status?: number }[] | undefined;
  readonly cacheMemory: number | undefined;
  readonly maxCachedFile: number | undefined;
}

const text = { type: 'text' } as const;
const texts = { type: 'list', item: text } as const;
const flag = { type: 'boolean' } as const;
const size = { type: 'size' } as const;
const mediaType = { type: 'text', pattern: /^[\w.+-]+\/[\w.+-]+/, expects: 'a media type such as text/plain' } as const;

const group = 'Files';
const perSite = true;

export const filesOptions: Record<keyof FilesConfiguration, Option> = {
  index: {
    group,
    perSite,
    shape: texts,
    placeholder: '<names>',
    summary: 'Files that answer for their directory, in order (default: index.html)',
  },
  listing: {
    group,
    perSite,
    shape: {
      type: 'either',
      shapes: [
        flag,
        {
          type: 'object',
          members: { pageEntries: { shape: { type: 'integer', minimum: 1 }, summary: 'entries on one page' } },
        },
      ],
    },
    default: true,
    bare: true,
    summary: 'List directories that have no index file',
  },
  cleanUrls: {
    group,
    perSite,
    shape: { type: 'either', shapes: [flag, { type: 'choice', values: ['off', 'lookup', 'redirect'] }] },
    default: false,
    bare: true,
    placeholder: '[=redirect]',
    summary: 'Find about.html for /about; redirect also sends /about.html there',
  },
  extensions: {
    group,
    perSite,
    shape: texts,
    placeholder: '<names>',
    summary: 'Extensions that clean URLs try, in order (default: html)',
  },
  statusPages: {
    group,
    perSite,
    shape: flag,
    default: true,
    bare: true,
    summary: 'Use 404.html and other <status>.html of the root as error pages',
  },
  dotfiles: {
    group,
    perSite,
    shape: { type: 'choice', values: ['deny', 'allow'] },
    default: 'deny',
    bare: 'allow',
    off: 'deny',
    placeholder: '[=allow|deny]',
    summary: 'Whether names that begin with a dot are served; /.well-known always is',
  },
  symlinks: {
    group,
    perSite,
    shape: { type: 'choice', values: ['deny', 'inside', 'all'] },
    default: 'inside',
    short: ['S'],
    bare: 'all',
    off: 'deny',
    placeholder: '[=deny|inside|all]',
    summary: 'Which symbolic links are followed; inside means those that end below the root',
  },
  hide: {
    group,
    perSite,
    shape: { type: 'list', item: text },
    read: (glob) => glob,
    placeholder: '<glob>',
    summary: 'Files that exist for nobody',
  },
  windowsNames: {
    group,
    perSite,
    shape: { type: 'choice', values: ['deny', 'allow'] },
    off: 'deny',
    bare: 'allow',
    placeholder: '[=deny|allow]',
    summary: 'Whether names that Windows reads differently are served (default: deny on Windows)',
  },
  mimeTypes: {
    group,
    perSite,
    shape: { type: 'path' },
    aliases: ['mimetypes'],
    placeholder: '<file>',
    summary: 'Media types in the format of Apache mime.types',
  },
  types: {
    group,
    perSite,
    only: 'file',
    shape: { type: 'map', value: mediaType },
    summary: 'Media types by extension, over all others',
  },
  defaultType: {
    group,
    perSite,
    shape: mediaType,
    aliases: ['default-mimetype'],
    placeholder: '<type>',
    summary: 'The type of unknown extensions (default: application/octet-stream)',
  },
  charset: {
    group,
    perSite,
    shape: { type: 'either', shapes: [{ type: 'text', pattern: /^[\w.:+-]+$/, expects: 'a charset' }, flag] },
    default: 'utf-8',
    off: false,
    placeholder: '<name>',
    summary: 'The charset added to textual types',
  },
  etag: {
    group,
    perSite,
    shape: { type: 'either', shapes: [flag, { type: 'choice', values: ['strong', 'weak', 'content'] }] },
    default: 'strong',
    bare: true,
    placeholder: '[=strong|weak|content]',
    summary: 'The kind of entity tags',
  },
  lastModified: { group, perSite, shape: flag, default: true, bare: true, summary: 'Send Last-Modified' },
  ranges: { group, perSite, shape: flag, default: true, bare: true, summary: 'Honour Range' },
  maxAge: {
    group,
    perSite,
    shape: { type: 'duration' },
    default: 0,
    short: ['m'],
    aliases: ['maxage'],
    negations: ['no-cache'],
    off: 0,
    placeholder: '<duration>',
    summary: 'How long caches may use a file unasked; 0 makes them ask each time',
  },
  immutable: {
    group,
    perSite,
    shape: { type: 'either', shapes: [flag, texts] },
    default: false,
    short: ['i'],
    bare: true,
    summary: 'Let names with a content hash in them be cached for a year',
  },
  cacheControl: {
    group,
    perSite,
    only: 'file',
    shape: {
      type: 'list',
      item: {
        type: 'object',
        required: ['glob', 'value'],
        members: {
          glob: { shape: text, summary: 'which files' },
          value: { shape: { type: 'text' }, summary: 'Cache-Control for them' },
        },
      },
    },
    summary: 'Cache-Control by glob; the first match wins',
  },
  precompressed: {
    group,
    perSite,
    shape: flag,
    default: true,
    bare: true,
    summary: 'Send file.zst, file.br and file.gz in place of file to clients that take them',
  },
  compression: {
    group,
    perSite,
    shape: {
      type: 'either',
      shapes: [
        flag,
        {
          type: 'object',
          members: {
            codings: {
              shape: { type: 'list', item: { type: 'choice', values: ['br', 'zstd', 'gzip'] } },
              summary: 'in the order preferred',
            },
            minSize: { shape: size, summary: 'smaller files are sent as they are' },
            maxSize: { shape: size, summary: 'larger files are sent as they are' },
          },
        },
      ],
    },
    default: true,
    bare: true,
    aliases: ['compress'],
    summary: 'Compress what is worth it while it is sent',
  },
  gzip: {
    group,
    shape: flag,
    default: false,
    bare: true,
    only: 'command',
    short: ['G'],
    summary: 'Compress with gzip (and with nothing that is not asked for)',
  },
  brotli: {
    group,
    shape: flag,
    default: false,
    bare: true,
    only: 'command',
    short: ['B'],
    summary: 'Compress with Brotli (and with nothing that is not asked for)',
  },
  redirects: {
    group,
    perSite,
    only: 'file',
    shape: {
      type: 'list',
      item: {
        type: 'object',
        required: ['from', 'to'],
        members: {
          from: {
            shape: { type: 'text', pattern: /^\//, expects: 'a path that begins with "/"' },
            summary: 'a path; a * at its end takes any remainder',
          },
          to: { shape: text, summary: 'a path or URL; a * at its end stands for the remainder' },
          status: {
            shape: { type: 'integer', minimum: 301, maximum: 308 },
            summary: '301, 302, 303, 307 or 308; 301 if left out',
          },
        },
      },
    },
    summary: 'Paths that lead elsewhere; the first match wins',
  },
  cacheMemory: {
    group,
    shape: size,
    placeholder: '<size>',
    summary: 'Memory for remembered files (default: 64m)',
  },
  maxCachedFile: {
    group,
    shape: size,
    placeholder: '<size>',
    summary: 'The largest file kept in memory (default: 1m)',
  },
};
