// What is served: the document root, scripts, applications, sites.

import type { Option } from './option.ts';
import {
  appShape,
  type CgiConfiguration,
  cgiShape,
  readCgi,
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
  readonly wsgi: readonly WsgiConfiguration[] | undefined;
  readonly app: readonly WsgiConfiguration[] | undefined;
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
    summary: 'A variable for every CGI script; NAME alone passes on its present value',
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
  wsgi: {
    group: 'What is served',
    shape: wsgiShape,
    placeholder: '<[/path=]module:callable>',
    summary: 'A Python application, at / or at a path',
    read: readWsgi,
    perSite: true,
  },
  app: {
    group: 'What is served',
    shape: appShape,
    placeholder: '<[/path=]module:callable>',
    summary:
      'The same for WSGI or ASGI, as the application is found to be; a folder with wsgi.py, asgi.py or app.py too',
    read: readWsgi,
    perSite: true,
  },
  proxy: proxyOption,
};
