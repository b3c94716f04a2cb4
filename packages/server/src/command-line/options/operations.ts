// What whoever runs the server needs.

import type { Option } from './option.ts';

export interface OperationsConfiguration {
  readonly quiet: boolean;
  readonly accessLog: boolean;
  readonly logFormat: 'dev' | 'common' | 'combined' | 'json' | undefined;
  readonly logFile: string | undefined;
  readonly health: string | undefined;
  readonly metrics: string | undefined;
  readonly workers: number | 'auto';
  readonly json: boolean;
  readonly readyFile: string | undefined;
  readonly keepTrying: boolean;
  readonly debug: boolean;
  readonly config: string | false | undefined;
}

const GROUP = 'Operations';
const flag = { type: 'boolean' } as const;
const path = { type: 'path' } as const;
const urlPath = { type: 'text', pattern: /^\/[^?#\s]+$/, expects: 'a path such as /healthz' } as const;

export const operationsOptions: Record<keyof OperationsConfiguration, Option> = {
  quiet: {
    group: GROUP,
    shape: flag,
    default: false,
    short: ['q'],
    aliases: ['silent'],
    bare: true,
    summary: 'Print nothing but errors',
  },
  accessLog: {
    group: GROUP,
    shape: flag,
    default: true,
    bare: true,
    negations: ['no-request-logging'],
    summary: 'Log every response',
  },
  logFormat: {
    group: GROUP,
    shape: { type: 'choice', values: ['dev', 'common', 'combined', 'json'] },
    placeholder: '<name>',
    summary: 'dev, common, combined or json (default: dev on a terminal, otherwise combined)',
  },
  logFile: {
    group: GROUP,
    shape: path,
    placeholder: '<file>',
    summary: 'Append the access log to a file, opened anew on SIGHUP and SIGUSR1',
  },
  health: {
    group: GROUP,
    shape: urlPath,
    placeholder: '<path>',
    summary: 'A path that answers 200 while the server accepts requests, for balancers',
  },
  metrics: {
    group: GROUP,
    shape: urlPath,
    placeholder: '<path>',
    summary: 'A path with metrics in the Prometheus text format',
  },
  workers: {
    group: GROUP,
    shape: {
      type: 'either',
      shapes: [
        { type: 'integer', minimum: 1, maximum: 1024 },
        { type: 'choice', values: ['auto'] },
      ],
    },
    default: 1,
    placeholder: '<number|auto>',
    summary: 'Processes that answer requests; auto is one for each processor. With --live there is one',
  },
  json: {
    group: GROUP,
    shape: flag,
    default: false,
    bare: true,
    only: 'command',
    summary: 'Print where it listens as one line of JSON',
  },
  readyFile: {
    group: GROUP,
    shape: path,
    placeholder: '<file>',
    summary:
      'Write where it listens to a file, as one line of JSON, when the server is ready; the file is removed when it stops',
  },
  keepTrying: {
    group: GROUP,
    shape: flag,
    default: false,
    bare: true,
    summary: 'Start even if an application does not load, and try again; until it loads, it and --health answer 503',
  },
  config: {
    group: GROUP,
    shape: path,
    short: ['c'],
    off: false,
    only: 'command',
    placeholder: '<file>',
    summary: 'The configuration file (default: onezero.config.json or .jsonc in the working directory)',
  },
  debug: {
    group: GROUP,
    shape: flag,
    default: false,
    bare: true,
    only: 'command',
    summary: 'Show the stack of unexpected errors',
  },
};
