// What can be said about a CGI mount: which scripts there are (one of three ways), and how each of them runs.

import type { CgiRequest, CgiResponse } from './message.ts';

/** Every executable regular file below a directory is a script. */
export interface ScriptDirectory {
  readonly directory: string;
}

/** Files below a root are scripts by their extension. */
export interface ScriptExtensions {
  readonly root: string;
  /** Extension with its dot to interpreter; null runs the file itself. `{ '.php': '/usr/bin/php-cgi', '.cgi': null }` */
  readonly extensions: Readonly<Record<string, string | null>>;
  /** Scripts that answer for a directory, tried in order. @default [] */
  readonly index?: readonly string[] | undefined;
}

/** One script answers everything. */
export interface SingleScript {
  readonly script: string;
}

/** What bounds one run. Sizes in bytes, times in milliseconds. `Infinity` lifts a limit. */
export interface CgiLimits {
  /** From start to the end of the script's header. @default 30_000 */
  readonly headerTimeoutMs?: number | undefined;
  /** Between two outputs of the script, while the client takes them. @default 60_000 */
  readonly idleTimeoutMs?: number | undefined;
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
  /** Request content kept in memory before it goes to a temporary file. @default 65_536 */
  readonly spoolMemoryBytes?: number | undefined;
}

/** How many scripts run at once, and who waits. */
export interface CgiConcurrency {
  /** @default four for each processor, at least 8 */
  readonly max?: number | undefined;
  /** How many requests may wait for a place; the next gets 503 with Retry-After. @default 16 times `max` */
  readonly queue?: number | undefined;
  /** How long a request may wait for a place before it gets 503, in milliseconds. @default 30_000 */
  readonly queueTimeoutMs?: number | undefined;
}

/** Receives one line that a script wrote to its standard error. */
export type StderrSink = (line: string, source: { readonly script: string; readonly id: string | undefined }) => void;

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
  readonly gid?: number | undefined;
  readonly umask?: number | undefined;
  readonly limits?: CgiLimits | undefined;
  readonly concurrency?: CgiConcurrency | undefined;
  /** Content without a length: collected first, so that the script learns its length, or refused with 411. @default 'spool' */
  readonly chunked?: 'spool' | 'reject' | undefined;
  /** Which content is collected before the script starts: what fits into memory and what has no length, or all. @default 'small' */
  readonly spool?: 'small' | 'always' | undefined;
  /** Methods that scripts get; others are 405. @default all */
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
  /** Whether a script may be reached through symbolic links that lead out of its directory or root. @default false */
  readonly followSymlinks?: boolean | undefined;
  /** Where standard error goes, line by line. @default standard error of this process, with the script's name */
  readonly stderr?: StderrSink | undefined;
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

/** Answers requests by running scripts. */
export interface CgiResponder {
  (request: CgiRequest): Promise<CgiResponse>;
  /** Starts no more scripts (503), lets the running ones end for `graceMs`, then ends them. @param graceMs default 0 */
  readonly close: (graceMs?: number) => Promise<void>;
}
