// Everything `cgi` can be told: which scripts there are (one of three ways), how each of them runs, and one table of what each
// option takes, stands for and defaults to. The table is data (`@onezero/cgi-process/options`): options are checked against it.

import { gatewayTable } from './fastcgi/options.ts';
import type { CgiRequest, CgiResponse } from './message.ts';
import type { Shape, Table } from './options/shape.ts';

export { checkOptions, completed } from './options/checks.ts';
export { parseAddress } from './fastcgi/address.ts';
export type { Address } from './fastcgi/address.ts';
export { gatewayTable };
export { phpTable } from './php/options.ts';
export { isPhpSource } from './php/sources.ts';
export { sourceNames } from './request/source-names.ts';
export { nearest } from './options/nearest.ts';
export type { Complete, Member, Members, Shape, Table } from './options/shape.ts';

/** Every executable regular file below a directory is a script. */
export interface ScriptDirectory {
  readonly directory: string;
}

/** Files below a root are scripts by their extension. */
export interface ScriptExtensions {
  readonly root: string;
  /** Extension with its dot to interpreter; null runs the file itself. `{ '.php': '/usr/bin/php-cgi', '.cgi': null }` */
  readonly extensions: Readonly<Record<string, string | null>>;
  /**
   * Names that answer for a directory, in order. One whose extension is not run belongs to who serves the files.
   * @default index.html, then `index` with each extension
   */
  readonly index?: readonly string[] | undefined;
  /** A script below `root` for every path where no script is, such as `index.php`; REQUEST_URI stays. @default none */
  readonly front?: string | undefined;
}

/** One script answers everything. */
export interface SingleScript {
  readonly script: string;
}

/** What bounds one run. Sizes in bytes, times in milliseconds. `Infinity` lifts a limit. */
export interface CgiLimits {
  /** From start to the end of the script's header. @default 30_000 */
  readonly headerTimeoutMs?: number | undefined;
  /** Between two outputs of the script, while there is room for them. @default 60_000 */
  readonly silenceTimeoutMs?: number | undefined;
  /** The whole run. @default Infinity */
  readonly totalTimeoutMs?: number | undefined;
  /** From SIGTERM to SIGKILL. @default 2_000 */
  readonly killGraceMs?: number | undefined;
  /** Longest request content; beyond it 413, before the script starts where the length is known by then. @default Infinity: the server has a limit of its own */
  readonly maxContentBytes?: number | undefined;
  /** The script's header, all lines. @default 65_536 */
  readonly maxHeaderBytes?: number | undefined;
  /** Number of lines in the script's header. @default 200 */
  readonly maxHeaderLines?: number | undefined;
  /** Standard error of one run that is passed on; the rest is read and dropped. @default 65_536 */
  readonly maxStderrBytes?: number | undefined;
  /** Content kept in memory, of a request or an answer, before it goes to a temporary file. @default 65_536 */
  readonly spoolMemoryBytes?: number | undefined;
  /** Content in the temporary file of one request or answer; what is beyond waits for its reader. @default 268_435_456 */
  readonly spoolFileBytes?: number | undefined;
  /** The same for all requests and answers of the mount together. @default 1_073_741_824 */
  readonly spoolTotalBytes?: number | undefined;
}

/** How many scripts run at once, and who waits. */
export interface CgiConcurrency {
  /** @default four for each processor, at least 8 */
  readonly max?: number | undefined;
  /** How many requests may wait for a place; the next gets 503 with Retry-After. @default 16 times `max` */
  readonly maxQueue?: number | undefined;
  /** How long a request may wait for a place before it gets 503, in milliseconds. @default 30_000 */
  readonly queueTimeoutMs?: number | undefined;
}

/** A line for the log: what a script or an application wrote to its standard error. */
export interface CgiLogEntry {
  readonly line: string;
  /** The file of the script, or the name of the application. */
  readonly script: string;
  /** The id of the request; undefined where the line belongs to none, or the request has no id. */
  readonly request: string | undefined;
}

/** How every script of a mount is run. */
export interface CgiRunOptions {
  /** Variables added to the environment, or a function of the request that makes them. They win over computed ones. */
  readonly env?:
    | Readonly<Record<string, string>>
    | ((request: CgiRequest) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)
    | undefined;
  /** Names of variables of this process that scripts may see. @default ['PATH'] */
  readonly passEnv?: readonly string[] | undefined;
  /** @default the script's directory (RFC 3875 §7.2) */
  readonly cwd?: string | undefined;
  /** Arguments for every run. */
  readonly args?: readonly string[] | undefined;
  /** A command put before the script: `['prlimit', '--cpu=30']`, `['nice']`, `['bwrap', …]`. */
  readonly wrapper?: readonly string[] | undefined;
  readonly uid?: number | undefined;
  /** @default the own group of the user that `uid` names; it is required for a user that the system does not know */
  readonly gid?: number | undefined;
  readonly umask?: number | undefined;
  readonly limits?: CgiLimits | undefined;
  readonly concurrency?: CgiConcurrency | undefined;
  /** Content without a length: collected first, so that the script learns its length, or refused with 411. @default 'spool' */
  readonly chunked?: 'spool' | 'reject' | undefined;
  /** Which content is collected before a script starts: all, or `small`: what fits into memory and what has no length. @default 'always' */
  readonly spool?: 'small' | 'always' | undefined;
  /** Methods that scripts get; others are 405. HEAD comes with GET. @default all */
  readonly methods?: readonly string[] | undefined;
  /** `name`: the output of a script named `nph-*` is the response, unparsed (RFC 3875 §5). @default false */
  readonly nph?: 'name' | false | undefined;
  /** Whether `Location: /path` alone is answered by the server itself; false makes it a 302. @default true */
  readonly localRedirect?: boolean | undefined;
  /** Whether a query without `=` becomes arguments (RFC 3875 §4.4). Never for interpreters, never a word with `-` in front. @default false */
  readonly queryArgs?: boolean | undefined;
  /** Whether scripts see Authorization and Proxy-Authorization. @default false */
  readonly passAuthorization?: boolean | undefined;
  /** What happens to a script whose client has gone. @default 'kill' */
  readonly onDisconnect?: 'kill' | 'ignore' | undefined;
  /** Which links lead to scripts: none, those that end inside the directory or root, or all. @default 'inside' */
  readonly symlinks?: 'deny' | 'inside' | 'all' | undefined;
  /** Receives each line that a script writes to its standard error. @default standard error of this process, with the script's name */
  readonly log?: ((entry: CgiLogEntry) => void) | undefined;
  /** DOCUMENT_ROOT, and the base of PATH_TRANSLATED. @default the directory, root, or the script's directory */
  readonly documentRoot?: string | undefined;
  /** SERVER_SOFTWARE. @default 'onezero' */
  readonly serverSoftware?: string | undefined;
  /** SERVER_NAME where the client named no host. @default the address it connected to */
  readonly serverName?: string | undefined;
  /** SERVER_ADMIN. @default unset */
  readonly serverAdmin?: string | undefined;
  /** `shell`: through long-lived shells, so that the size of this process does not slow it. `direct`: by this process. @default 'shell' where it works */
  readonly spawner?: 'shell' | 'direct' | undefined;
}

/** Which scripts run, and how. */
export type CgiOptions = CgiRunOptions & (ScriptDirectory | ScriptExtensions | SingleScript);

/** What a mount has for a path, without anything being run. */
export interface ScriptExplanation {
  /**
   * `run`: `script` answers. `redirect`: to the slash that a directory with an index script needs. `nothing`: the mount has
   * nothing there, so whatever else serves the path may. `refused`: a script that is not run, or nothing in a directory of scripts.
   */
  readonly outcome: 'run' | 'redirect' | 'nothing' | 'refused';
  /** The file, where there is one. */
  readonly script?: string | undefined;
  /** What runs it; undefined where it is started itself. */
  readonly interpreter?: string | undefined;
  /** The parts of the path that become SCRIPT_NAME (after the mount's) and PATH_INFO. */
  readonly scriptName?: string | undefined;
  readonly pathInfo?: string | undefined;
  /** The status of the answer, where nothing is run. */
  readonly status?: number | undefined;
  /** Why, for the administrator: it names files and must not reach a client. */
  readonly reason?: string | undefined;
}

/** Answers requests by running scripts. */
export interface CgiResponder {
  (request: CgiRequest): Promise<CgiResponse>;
  /** What would answer a path below the mount, and why. Starts nothing. @param pathInfo as in CgiRequest */
  readonly explain: (pathInfo: string) => ScriptExplanation;
  /**
   * Whether a file is the source of a script of this mount, by its path, with links resolved or not, in any letter case:
   * servers of files must not send it. Hard links are not seen; compare with `sources` by device and inode for them. Where
   * scripts are run for their extension there are none to compare with: a hard link with another extension is what a copy of that
   * name is, made by somebody who may write there, and sites that are deployed by hard links have one for each file.
   */
  readonly isSource: (file: string, asked?: string) => boolean;
  /** Paths whose files, or all files below, are sources: the script directory or the one script. */
  readonly sources: readonly string[];
  /** The responder without its front controller: nothing is where no script is. */
  readonly scripts: (request: CgiRequest) => Promise<CgiResponse>;
  /** The responder of the front controller alone, to be asked where files have nothing; undefined without `front`. */
  readonly front: ((request: CgiRequest) => Promise<CgiResponse>) | undefined;
  /** Starts no more scripts (503), lets the running ones end for `graceMs`, then ends them. @param graceMs default 0 */
  readonly close: (graceMs?: number) => Promise<void>;
}

const flag: Shape = { type: 'boolean' };
const path: Shape = { type: 'path' };
const text: Shape = { type: 'text' };
const count: Shape = { type: 'integer', minimum: 0 };
const size: Shape = { type: 'size', isUnlimited: true };
const time: Shape = { type: 'duration', unit: 'milliseconds', isUnlimited: true };
const anyText = { type: 'text', pattern: /^[^\0]*$/, expects: 'a text without NUL' } as const;
const variables: Shape = { type: 'map', key: /^[^=\0]+$/, expects: 'the name of a variable', value: anyText };
/** RFC 9110 §9.1: methods are tokens. */
const method: Shape = { type: 'text', pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, expects: 'a method' };

export const limitsTable: Table<CgiLimits> = {
  // A script that has not made up its mind after half a minute will not.
  headerTimeoutMs: { shape: time, summary: 'how long a script may take until its header is complete', default: 30_000 },
  // Longer, since a first output has shown that it works.
  silenceTimeoutMs: {
    shape: time,
    summary: 'the longest pause between two outputs of a script',
    alsoCalled: ['idleTimeoutMs'],
    default: 60_000,
  },
  totalTimeoutMs: { shape: time, summary: 'how long a script may run in all', default: Number.POSITIVE_INFINITY },
  killGraceMs: { shape: time, summary: 'the time between SIGTERM and SIGKILL', default: 2000 },
  maxContentBytes: { shape: size, summary: 'the longest request content', default: Number.POSITIVE_INFINITY },
  // Apache takes 8 KiB a line, lighttpd 64 KiB in all; large cookies want the latter.
  maxHeaderBytes: { shape: size, summary: "the longest header of a script's output", default: 65_536 },
  maxHeaderLines: { shape: count, summary: "lines in the header of a script's output", default: 200 },
  maxStderrBytes: { shape: size, summary: 'standard error that is passed on, for each run', default: 65_536 },
  // What a pipe holds on Linux: content of this size is handed over without waiting.
  spoolMemoryBytes: { shape: size, summary: 'content kept in memory before it goes to a file', default: 65_536 },
  // A quarter of what all may have, so that one client leaves room for others.
  spoolFileBytes: {
    shape: size,
    summary: 'the largest temporary file of one request or response',
    default: 268_435_456,
  },
  // What nginx allows a single answer (proxy_max_temp_file_size); directories for temporary files are often in memory.
  spoolTotalBytes: { shape: size, summary: 'the size of all temporary files together', default: 1_073_741_824 },
};

export const concurrencyTable: Table<CgiConcurrency> = {
  max: { shape: { type: 'integer', minimum: 1 }, summary: 'scripts that run at once (four for each processor)' },
  maxQueue: {
    shape: count,
    summary: 'requests that may wait for a script to end (16 for each that may run)',
    alsoCalled: ['queue'],
  },
  queueTimeoutMs: { shape: time, summary: 'how long a request may wait for a script to end', default: 30_000 },
};

type AllOptions = CgiRunOptions & ScriptDirectory & ScriptExtensions & SingleScript;

/** Every option of `cgi`. */
export const cgiTable: Table<AllOptions> = {
  directory: {
    shape: path,
    summary: 'a directory whose executable files are scripts',
    alsoCalled: ['dir', 'folder', 'cgiBin'],
  },
  root: { shape: path, summary: 'the directory of files with the extensions in "extensions"' },
  extensions: {
    shape: {
      type: 'map',
      key: /^\.[^./\0]+$/,
      expects: 'an extension with its dot',
      value: { type: 'either', shapes: [{ type: 'program' }, { type: 'nothing' }] },
    },
    summary: 'interpreter by file extension; null runs the file itself',
  },
  index: {
    shape: { type: 'list', item: { type: 'text', pattern: /^(?!\.{0,2}$)[^/\0]+$/, expects: 'the name of a file' } },
    summary:
      'index files: the first that exists answers for its directory (index.html, then index with each extension)',
  },
  front: gatewayTable.front,
  script: { shape: path, summary: 'one script that answers all requests' },
  env: {
    shape: { type: 'either', shapes: [variables, { type: 'function', expects: 'a function that makes one' }] },
    summary: 'variables for the scripts',
  },
  passEnv: {
    shape: { type: 'list', item: text },
    summary: 'variables of the server that scripts see',
    default: ['PATH'],
  },
  cwd: { shape: path, summary: "the working directory (the script's)" },
  args: { shape: { type: 'list', item: anyText }, summary: 'command-line arguments of each script' },
  wrapper: { shape: { type: 'list', item: anyText }, summary: 'a command put before the script' },
  uid: { shape: count, summary: 'the user that scripts run as' },
  gid: { shape: count, summary: 'the group that scripts run as' },
  umask: { shape: { type: 'integer', minimum: 0, maximum: 0o777 }, summary: 'the file mode creation mask' },
  limits: { shape: { type: 'object', members: limitsTable }, summary: 'what bounds one run' },
  concurrency: { shape: { type: 'object', members: concurrencyTable }, summary: 'how many run, and who waits' },
  chunked: {
    shape: { type: 'choice', values: ['spool', 'reject'] },
    summary: 'what happens to request content without a length: it is collected first, or refused (411)',
    default: 'spool',
  },
  spool: {
    shape: { type: 'choice', values: ['small', 'always'] },
    summary: 'whether request content is collected before the script starts: where it is small, or always',
    default: 'always',
  },
  methods: { shape: { type: 'list', item: method }, summary: 'methods that scripts get (all)' },
  nph: {
    shape: { type: 'choice', values: ['name', false] },
    summary: 'whether nph-* scripts write the whole response',
    default: false,
  },
  localRedirect: gatewayTable.localRedirect,
  queryArgs: { shape: flag, summary: 'whether a query without "=" becomes arguments', default: false },
  passAuthorization: { shape: flag, summary: 'whether scripts see Authorization', default: false },
  onDisconnect: {
    shape: { type: 'choice', values: ['kill', 'ignore'] },
    summary: 'what happens to a script whose client has gone',
    default: 'kill',
  },
  symlinks: {
    shape: { type: 'choice', values: ['deny', 'inside', 'all'] },
    summary: 'which symbolic links are followed; inside means those that end in the directory',
    alsoCalled: ['followSymlinks'],
    default: 'inside',
  },
  log: {
    shape: { type: 'function', expects: 'a function that takes entries' },
    summary: 'receives each line of standard error',
    alsoCalled: ['stderr'],
  },
  documentRoot: gatewayTable.documentRoot,
  serverSoftware: gatewayTable.serverSoftware,
  serverName: gatewayTable.serverName,
  serverAdmin: gatewayTable.serverAdmin,
  spawner: {
    shape: { type: 'choice', values: ['shell', 'direct'] },
    summary: 'how processes are started',
    default: 'shell',
  },
};

/** In place of a pattern, a mount at it would have nothing below it. */
function patternInPath(path: string): string | undefined {
  return /\/(?:\*{1,2}|:\w+)(?:\/|$)/.test(path) ? 'a path without a pattern (all below it is meant)' : undefined;
}

/** What the adapters take as well: where they are mounted. */
export const mountTable: Table<{ readonly path?: string | undefined }> = {
  path: {
    shape: { type: 'text', pattern: /^(?:\/[^\0]*)?$/, expects: 'a path such as /cgi-bin', refuse: patternInPath },
    summary: 'the URL path that it answers at, such as /cgi-bin',
    alsoCalled: ['mount', 'prefix', 'baseUrl'],
    default: '',
  },
};

/** The same for the fetch adapter, which is not told the client's address. */
export const remoteTable: Table<{ readonly remote?: unknown }> = {
  remote: { shape: { type: 'function', expects: 'a function of the request' }, summary: "the client's address" },
};
