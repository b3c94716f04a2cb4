// Which files there are for clients, and where: `@onezero/static`'s options under the names that hands know from other servers.

import type { Option } from './option.ts';

export interface FilesConfiguration {
  readonly index: readonly string[] | undefined;
  readonly listing: boolean | { readonly pageEntries?: number; readonly archives?: boolean };
  readonly dotfiles: 'deny' | 'allow';
  readonly symlinks: 'deny' | 'inside' | 'all';
  readonly hide: readonly string[] | undefined;
  readonly windowsNames: 'deny' | 'allow' | undefined;
  readonly cleanUrls: boolean | 'off' | 'lookup' | 'redirect';
  readonly extensions: readonly string[] | undefined;
  readonly statusPages: boolean;
  readonly redirects: readonly { readonly from: string; readonly to: string; readonly status?: number }[] | undefined;
}

const text = { type: 'text' } as const;
const texts = { type: 'list', item: text } as const;
const flag = { type: 'boolean' } as const;

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
          members: {
            pageEntries: { shape: { type: 'integer', minimum: 1 }, summary: 'entries on one page' },
            archives: { shape: flag, summary: 'whether a folder can be downloaded as one tar archive' },
          },
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
};
