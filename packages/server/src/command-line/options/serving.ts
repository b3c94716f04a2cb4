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
    summary: 'A directory of CGI scripts (executable files), served at /cgi-bin',
    perSite: true,
  },
  cgi: {
    group: 'What is served',
    get shape() {
      return cgiShape();
    },
    placeholder: '<.ext[=program] | /path=script>',
    summary: 'Run files with this extension, or one script at a path, as CGI',
    read: readCgi,
    perSite: true,
  },
  cgiEnv: {
    group: 'What is served',
    shape: variablesShape,
    placeholder: '<NAME=value>',
    summary: 'An environment variable for scripts; NAME alone passes on its current value',
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
      'Serve the root as a WebDAV drive, at / or a path. Clients can write: add --auth-file unless only this machine can connect',
    perSite: true,
  },
  php: {
    group: 'What is served',
    get shape() {
      return phpShape();
    },
    default: false,
    bare: true,
    placeholder: '[=address|program]',
    summary: 'Run .php files below the root, by a php-fpm that already listens, or a php-fpm or php-cgi started for it',
    perSite: true,
  },
  front: {
    group: 'What is served',
    shape: phpTable.front.shape,
    off: false,
    aliases: ['front-controller'],
    placeholder: '<script>',
    summary: 'The front controller: a script below the root that answers paths without a file (with PHP: index.php)',
    perSite: true,
  },
  fastcgi: {
    group: 'What is served',
    get shape() {
      return gatewayShape();
    },
    flag: 'fcgi',
    aliases: ['fastcgi'],
    placeholder: '<[/path=]address>',
    summary: 'Pass requests to a FastCGI application, at / or at a path',
    read: readGateway,
    perSite: true,
  },
  scgi: {
    group: 'What is served',
    get shape() {
      return gatewayShape();
    },
    placeholder: '<[/path=]address>',
    summary: 'Pass requests to an SCGI application, at / or at a path',
    read: readGateway,
    perSite: true,
  },
  internal: {
    group: 'What is served',
    shape: { type: 'map', key: /^\//, expects: 'a path that begins with /', value: path },
    placeholder: '</path=directory>',
    summary:
      'A folder whose files applications can have sent, by answering with X-Accel-Redirect or X-Sendfile; clients cannot ask for them',
    read: readInternal,
    perSite: true,
  },
  wsgi: {
    group: 'What is served',
    get shape() {
      return wsgiShape();
    },
    placeholder: '<[/path=]module:callable>',
    summary: 'Run a WSGI application (Django, Flask), at / or at a path',
    read: readWsgi,
    perSite: true,
  },
  asgi: {
    group: 'What is served',
    get shape() {
      return asgiShape();
    },
    placeholder: '<[/path=]module:callable>',
    summary: 'Run an ASGI application (FastAPI, Starlette), at / or at a path',
    read: readWsgi,
    perSite: true,
  },
  app: {
    group: 'What is served',
    get shape() {
      return appShape();
    },
    placeholder: '<[/path=]module:callable>',
    summary:
      'Run a Python application of either kind, which is detected; also a folder with wsgi.py, asgi.py or app.py',
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
    summary: 'For development: reload pages in the browser when a served file, or one in this directory, changes',
  },
};

/** Reads `/path=directory`. */
function readMount(written: string): Readonly<Record<string, string>> {
  const [, at, directory] = /^(\/[^=]*)=(.+)$/.exec(written) ?? [];
  if (at === undefined || directory === undefined) throw new Error('/path=directory');
  return { [at]: directory };
}
