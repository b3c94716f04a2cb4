// What the configuration says about CGI mounts: `@onezero/cgi-process`'s options with the units in the values.

import type { Members, Shape } from './option.ts';

/** One mount: a directory of scripts, scripts by extension, or one script, and how they run. */
export interface CgiConfiguration {
  readonly path?: string;
  readonly directory?: string;
  readonly extensions?: Readonly<Record<string, string | null>>;
  readonly root?: string;
  readonly script?: string;
  readonly headerTimeout?: number;
  readonly idleTimeout?: number;
  readonly totalTimeout?: number;
  readonly killGrace?: number;
  readonly maxConcurrent?: number;
  readonly maxQueue?: number;
  readonly queueTimeout?: number;
  readonly [name: string]: unknown;
}

const text = { type: 'text' } as const;
const texts = { type: 'list', item: text } as const;
const path = { type: 'path' } as const;
const flag = { type: 'boolean' } as const;
const duration = { type: 'duration' } as const;
const size = { type: 'size' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const urlPath = { type: 'text', pattern: /^\//, expects: 'a path that begins with "/"' } as const;
const variables = { type: 'map', value: { type: 'text', pattern: /^[^\0]*$/ }, key: /^[A-Za-z_]\w*$/ } as const;

const members: Members = {
  path: { shape: urlPath, summary: 'where scripts are mounted' },
  directory: { shape: path, summary: 'a directory whose executable files are scripts' },
  extensions: {
    shape: {
      type: 'map',
      key: /^\.\w+$/,
      value: { type: 'either', shapes: [{ type: 'program' }, { type: 'nothing' }] },
    },
    summary: 'extension to interpreter; null runs the file itself',
  },
  root: { shape: path, summary: 'where files with these extensions are, if not in the document root' },
  index: { shape: texts, summary: 'scripts that answer for their directory' },
  script: { shape: path, summary: 'one script that answers everything' },
  env: { shape: variables, summary: 'variables for the scripts' },
  passEnv: { shape: texts, summary: 'variables of the server that scripts may see' },
  cwd: { shape: path, summary: 'the working directory' },
  args: { shape: texts, summary: 'arguments for every run' },
  wrapper: { shape: texts, summary: 'a command put before the script' },
  uid: { shape: count, summary: 'the user that scripts run as' },
  gid: { shape: count, summary: 'the group that scripts run as' },
  umask: {
    shape: { type: 'integer', minimum: 0, maximum: 0o777 },
    summary: 'the mask of new files, as a decimal number',
  },
  headerTimeout: { shape: duration, summary: 'from start to the end of the header' },
  idleTimeout: { shape: duration, summary: 'between two outputs' },
  totalTimeout: { shape: duration, summary: 'the whole run' },
  killGrace: { shape: duration, summary: 'from SIGTERM to SIGKILL' },
  maxContent: { shape: size, summary: 'the longest request content' },
  maxHeader: { shape: size, summary: "the longest header of a script's output" },
  maxHeaderLines: { shape: count, summary: "lines in the header of a script's output" },
  maxStderr: { shape: size, summary: 'standard error that is passed on, for each run' },
  spoolMemory: { shape: size, summary: 'request content kept in memory before it goes to a file' },
  maxConcurrent: { shape: { type: 'integer', minimum: 1 }, summary: 'scripts that run at once' },
  maxQueue: { shape: count, summary: 'requests that may wait for a place' },
  queueTimeout: { shape: duration, summary: 'how long they may wait' },
  chunked: { shape: { type: 'choice', values: ['spool', 'reject'] }, summary: 'content without a length' },
  spool: { shape: { type: 'choice', values: ['small', 'always'] }, summary: 'content collected before the start' },
  methods: { shape: texts, summary: 'methods that scripts get' },
  nph: { shape: flag, summary: 'whether nph-* scripts write the whole response' },
  localRedirect: { shape: flag, summary: 'whether a local Location is answered by the server' },
  queryArgs: { shape: flag, summary: 'whether a query without "=" becomes arguments' },
  passAuthorization: { shape: flag, summary: 'whether scripts see Authorization' },
  onDisconnect: { shape: { type: 'choice', values: ['kill', 'ignore'] }, summary: 'when the client has gone' },
  followSymlinks: { shape: flag, summary: 'whether links may lead out of the directory' },
  serverAdmin: { shape: text, summary: 'SERVER_ADMIN' },
  spawner: { shape: { type: 'choice', values: ['shell', 'direct'] }, summary: 'how processes are started' },
};

/** The shape of the `cgi` key. */
export const cgiShape: Shape = { type: 'list', item: { type: 'object', members } };

/** The shape of environment variables. */
export const variablesShape: Shape = variables;

/** Reads `.ext`, `.ext=program` or `/path=script`. */
export function readCgi(written: string): CgiConfiguration {
  const [, name = '', program] = /^(\.\w+|\/[^=]*)(?:=([^]+))?$/.exec(written) ?? [];
  if (name.startsWith('.')) return { extensions: { [name]: program ?? null } };
  if (name === '' || program === undefined) throw new Error('.ext, .ext=program or /path=script');
  return { path: name, script: program };
}

/** Reads `NAME=value`, or `NAME` for the value that this process has. */
export function readVariable(written: string): Readonly<Record<string, string>> {
  const separator = written.indexOf('=');
  if (separator > 0) return { [written.slice(0, separator)]: written.slice(separator + 1) };
  const value = process.env[written];
  if (separator === 0 || value === undefined) throw new Error('NAME=value, or the name of a variable that is set');
  return { [written]: value };
}
