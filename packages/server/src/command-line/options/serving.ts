// What is served: the document root, scripts, applications, sites.

import type { Option } from './option.ts';
import { type CgiConfiguration, cgiShape, readCgi, readVariable, variablesShape } from './cgi.ts';
import { readWsgi, type WsgiConfiguration, wsgiShape } from './wsgi.ts';

export interface ServingConfiguration {
  readonly root: string | undefined;
  readonly cgiBin: string | undefined;
  readonly cgi: readonly CgiConfiguration[] | undefined;
  readonly cgiEnv: Readonly<Record<string, string>> | undefined;
  readonly wsgi: readonly WsgiConfiguration[] | undefined;
  readonly app: readonly WsgiConfiguration[] | undefined;
  readonly single: boolean | string;
  readonly writable: boolean | { readonly maxFile?: number; readonly quota?: number; readonly fsync?: boolean };
}

const text = { type: 'text' } as const;
const path = { type: 'path' } as const;
const flag = { type: 'boolean' } as const;
const size = { type: 'size' } as const;

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
    shape: wsgiShape,
    placeholder: '<[/path=]module:callable>',
    summary:
      'The same for WSGI or ASGI, as the application is found to be; a folder with wsgi.py, asgi.py or app.py too',
    read: readWsgi,
    perSite: true,
  },
  single: {
    group: 'What is served',
    shape: { type: 'either', shapes: [flag, text] },
    default: false,
    short: ['s'],
    aliases: ['spa', 'fallback'],
    bare: true,
    placeholder: '[=file]',
    summary: 'Answer navigations to paths where nothing is with index.html (or file)',
    perSite: true,
  },
  writable: {
    group: 'What is served',
    shape: {
      type: 'either',
      shapes: [
        flag,
        {
          type: 'object',
          members: {
            maxFile: { shape: size, summary: 'the largest file accepted' },
            quota: { shape: size, summary: 'the most that all files may hold together' },
            fsync: { shape: flag, summary: 'whether a file is on the disk before the answer' },
          },
        },
      ],
    },
    default: false,
    bare: true,
    summary: 'Let PUT and DELETE change files; put --auth-file before it',
    perSite: true,
  },
};
