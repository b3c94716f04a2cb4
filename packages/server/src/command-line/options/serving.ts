// What is served: the document root, scripts, applications, sites.

import { phpTable } from '@onezero/cgi-process/options';
import type { Option } from './option.ts';
import {
  appShape,
  asgiShape,
  type CgiConfiguration,
  cgiShape,
  type GatewayConfiguration,
  gatewayShape,
  type PhpConfiguration,
  phpShape,
  readCgi,
  readGateway,
  readInternal,
  readVariable,
  readWsgi,
  variablesShape,
  type WsgiConfiguration,
  wsgiShape,
} from './mounts.ts';
import { type ProxyConfiguration, proxyOption } from './proxy.ts';

export interface ServingConfiguration {
  readonly root: string | undefined;
  readonly cgiBin: string | undefined;
  readonly cgi: readonly CgiConfiguration[] | undefined;
  readonly cgiEnv: Readonly<Record<string, string>> | undefined;
  readonly webdav: boolean | string;
  readonly php: boolean | string | PhpConfiguration;
  readonly front: string | false | undefined;
  readonly fastcgi: readonly GatewayConfiguration[] | undefined;
  readonly scgi: readonly GatewayConfiguration[] | undefined;
  readonly internal: Readonly<Record<string, string>> | undefined;
  readonly wsgi: readonly WsgiConfiguration[] | undefined;
  readonly asgi: readonly WsgiConfiguration[] | undefined;
  readonly app: readonly WsgiConfiguration[] | undefined;
  readonly mount: Readonly<Record<string, string>> | undefined;
  readonly live: boolean | readonly string[];
  readonly proxy: readonly ProxyConfiguration[] | undefined;
}

const path = { type: 'path' } as const;

export const servingOptions: Record<keyof ServingConfiguration, Option> = {
  root: {
    group: 'What is served',
    shape: path,
    short: ['d'],
    aliases: ['directory'],
    placeholder: '<directory>',
    summary: 'The directory whose files are served, or one file (default: the working directory)',
    perSite: true,
  },
  cgiBin: {
    group: 'What is served',
    shape: path,
    placeholder: '<directory>',
    summary: 'A directory whose executable files answer below /cgi-bin as CGI scripts',
    perSite: true,
  },
  cgi: {
    group: 'What is served',
    shape: cgiShape,
    placeholder: '<.ext[=program] | /path=script>',
    summary: 'Run files with this extension, or one script at a path, as CGI',
    read: readCgi,
    perSite: true,
  },
  cgiEnv: {
    group: 'What is served',
    shape: variablesShape,
    placeholder: '<NAME=value>',
    summary: 'A variable for every script; NAME alone passes on its present value',
    read: readVariable,
  },
  webdav: {
    group: 'What is served',
    shape: {
      type: 'either',
      shapes: [{ type: 'boolean' }, { type: 'text', pattern: /^\//, expects: 'a path that begins with /' }],
    },
    default: false,
    bare: true,
    placeholder: '[=/path]',
    summary:
      'The root as a WebDAV drive, at / or a path: who may ask may write, so that a password is needed beyond localhost',
    perSite: true,
  },
  php: {
    group: 'What is served',
    shape: phpShape,
    default: false,
    bare: true,
    placeholder: '[=address|program]',
    summary: 'Run PHP below the root: by a php-fpm that listens, or by php-fpm or php-cgi that are started',
    perSite: true,
  },
  front: {
    group: 'What is served',
    shape: { type: 'either', shapes: [{ type: 'choice', values: [false] }, phpTable.front.shape] },
    off: false,
    aliases: ['front-controller'],
    placeholder: '<script>',
    summary: 'A script below the root for paths where nothing is (index.php with --php)',
    perSite: true,
  },
  fastcgi: {
    group: 'What is served',
    shape: gatewayShape,
    flag: 'fcgi',
    aliases: ['fastcgi'],
    placeholder: '<[/path=]address>',
    summary: 'An application behind FastCGI, at / or at a path',
    read: readGateway,
    perSite: true,
  },
  scgi: {
    group: 'What is served',
    shape: gatewayShape,
    placeholder: '<[/path=]address>',
    summary: 'The same behind SCGI',
    read: readGateway,
    perSite: true,
  },
  internal: {
    group: 'What is served',
    shape: { type: 'map', key: /^\//, expects: 'a path that begins with /', value: path },
    placeholder: '</path=directory>',
    summary: 'A folder that applications have files sent from, by X-Accel-Redirect to the path or X-Sendfile',
    read: readInternal,
    perSite: true,
  },
  wsgi: {
    group: 'What is served',
    shape: wsgiShape,
    placeholder: '<[/path=]module:callable>',
    summary: 'A Python application, at / or at a path',
    read: readWsgi,
    perSite: true,
  },
  asgi: {
    group: 'What is served',
    shape: asgiShape,
    placeholder: '<[/path=]module:callable>',
    summary: 'The same for ASGI',
    read: readWsgi,
    perSite: true,
  },
  app: {
    group: 'What is served',
    shape: appShape,
    placeholder: '<[/path=]module:callable>',
    summary: 'The same for either, as the application is found to be; a folder with wsgi.py, asgi.py or app.py too',
    read: readWsgi,
    perSite: true,
  },
  proxy: proxyOption,
  mount: {
    group: 'What is served',
    shape: { type: 'map', key: /^\//, expects: 'a path that begins with "/"', value: path },
    placeholder: '</path=directory>',
    summary: 'Serve another directory at a path, such as /static=./static',
    read: readMount,
  },
  live: {
    group: 'What is served',
    shape: { type: 'either', shapes: [{ type: 'boolean' }, { type: 'list', item: path }] },
    default: false,
    bare: true,
    placeholder: '[=directory]',
    aliases: ['live-reload', 'watch'],
    summary: 'Reload pages in the browser when a file changes that is served, or one in this directory',
  },
};

/** Reads `/path=directory`. */
function readMount(written: string): Readonly<Record<string, string>> {
  const [, at, directory] = /^(\/[^=]*)=(.+)$/.exec(written) ?? [];
  if (at === undefined || directory === undefined) throw new Error('/path=directory');
  return { [at]: directory };
}
