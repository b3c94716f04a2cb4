// Which requests are answered, and what every response says: a line for each such option of the server.

import { serverTable } from '../../option-tables.ts';
import type { ServerOptions } from '../../options.ts';
import { type Configured, optionsFrom, type Words } from './from-table.ts';
import type { Option } from './option.ts';

/** Options of the server that are no flag and no key under their own name, and why. */
export const notConfigured = {
  static: 'each of its options is one of ours',
  limits: 'each of them is an option of ours',
  root: 'said with the scripts and applications',
  cgi: 'said with the files, and flattened',
  wsgi: 'said with the files, and flattened',
  app: 'said with the files, and flattened',
  asgi: 'said with the files, and flattened',
  fastcgi: 'said with the files, and flattened',
  scgi: 'said with the files, and flattened',
  php: 'said with the files, and flattened',
  internal: 'said with the scripts and applications',
  proxy: 'said with the scripts and applications',
  webdav: 'said with the root, which it serves',
  live: 'said with what is served; sites are watched too',
  routes: 'code; those of health, metrics and sites are made',
  auth: 'auth, authFile and authUser, with files by name',
  errorPages: 'pages are files, by status',
  fields: 'headers without a glob',
  hosts: 'a star stands for any host, and local for none',
  onError: 'code; failures are logged',
  reportErrors: 'failures are logged',
  accessLog: 'code; accessLog, logFile and logFormat make one',
} as const;

type Name = Exclude<keyof ServerOptions, keyof typeof notConfigured>;

export type RequestsConfiguration = {
  readonly [One in Name]: Configured<ServerOptions[One]> | (One extends 'serverField' ? true : never);
};

const lines: { readonly [One in Name]-?: Words } = {
  trustedProxies: { flag: 'trusted-proxy', aliases: ['trusted-proxies'], placeholder: '<address>' },
  forwardedField: { placeholder: '<name>' },
  proxyProtocol: { placeholder: '<address>' },
  serverField: {
    also: [{ type: 'choice', values: [true] }],
    toOption: (value: string | boolean) => (value === true ? undefined : value),
    default: true,
    bare: undefined,
    off: false,
    placeholder: '<text>',
  },
  serverName: { placeholder: '<name>' },
  requestIdField: { placeholder: '<name>' },
  simpleRequests: {},
  methods: { aliases: ['method'] },
  base: { aliases: ['base-path'], placeholder: '<path>' },
};

export const requestsOptions: Record<keyof RequestsConfiguration, Option> = optionsFrom(serverTable, lines, {
  part: '',
  group: 'Headers and access',
});
