// How the content of files is sent: its type, validators, ranges, codings, and how long it is kept, here and in caches.

import type { Option } from './option.ts';

export interface RepresentationsConfiguration {
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

export const representationsOptions: Record<keyof RepresentationsConfiguration, Option> = {
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
