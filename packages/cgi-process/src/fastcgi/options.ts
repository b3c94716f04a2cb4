// Everything `fastcgi` and `scgi` can be told, and the table that it is checked against.

import type { CgiLogEntry, ScriptExplanation } from '../options.ts';
import type { CgiRequest, CgiResponse } from '../message.ts';
import type { Shape, Table } from '../options/shape.ts';
import { ADDRESS_FORM } from './address.ts';
import type { GatewayState } from './state.ts';

/** What bounds one request. Sizes in bytes, times in milliseconds. `Infinity` lifts a limit. */
export interface GatewayLimits {
  /** How long an application may be away, as in a restart, and how long a connection may take. @default 2_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** From the request to the end of the header. @default 60_000 */
  readonly headerTimeoutMs?: number | undefined;
  /** Between two outputs, while there is room for them. @default 60_000 */
  readonly silenceTimeoutMs?: number | undefined;
  /** Longest request content; beyond it 413. @default Infinity: the server has a limit of its own */
  readonly maxContentBytes?: number | undefined;
  /** The header of an answer, all lines. @default 65_536 */
  readonly maxHeaderBytes?: number | undefined;
  /** Number of lines in it. @default 200 */
  readonly maxHeaderLines?: number | undefined;
  /** STDERR of one request that is passed on; the rest is read and dropped. @default 65_536 */
  readonly maxStderrBytes?: number | undefined;
  /** Content kept in memory, of a request or an answer, before it goes to a temporary file. @default 65_536 */
  readonly spoolMemoryBytes?: number | undefined;
  /** Content in the temporary file of one request or answer. @default 268_435_456 */
  readonly spoolFileBytes?: number | undefined;
  /** The same for all requests and answers together. @default 1_073_741_824 */
  readonly spoolTotalBytes?: number | undefined;
}

/** How many requests an application gets at once, and which connections are kept. */
export interface GatewayConcurrency {
  /** @default 32 */
  readonly max?: number | undefined;
  /** How many requests may wait for a place; the next gets 503 with Retry-After. @default 512 */
  readonly maxQueue?: number | undefined;
  /** @default 30_000 */
  readonly queueTimeoutMs?: number | undefined;
  /** Connections that are kept while nothing goes over them; each holds a child of php-fpm. FastCGI only. @default 8 */
  readonly maxIdle?: number | undefined;
  /** How long. @default 100 */
  readonly keepIdleMs?: number | undefined;
}

/** An application behind FastCGI or SCGI. */
export interface GatewayOptions {
  /** `host:port`, `unix:/path` or `/path`; of several each gets its turn. */
  readonly address: string | readonly string[];
  /** The files that the application runs, as in `cgi`: below `root`, by extension. Without it everything goes to the application. */
  readonly root?: string | undefined;
  /** Extensions with their dot. @default ['.php'] */
  readonly extensions?: readonly string[] | undefined;
  /** Names that answer for a directory, in order. @default index.html (which is left to others), then `index` with each extension */
  readonly index?: readonly string[] | undefined;
  /** A script below `root` for every path where no script is, such as `index.php`; REQUEST_URI stays. @default none */
  readonly front?: string | undefined;
  /** A directory whose executable files the application runs, as fcgiwrap does. */
  readonly directory?: string | undefined;
  /** The same place as the application sees it, where it has a file system of its own. @default the root or directory itself */
  readonly backendRoot?: string | undefined;
  /** Which links lead to scripts: none, those that end inside the root, or all. @default 'inside' */
  readonly symlinks?: 'deny' | 'inside' | 'all' | undefined;
  /** Parameters beside the meta-variables; they win. */
  readonly params?: Readonly<Record<string, string>> | undefined;
  /** Methods that the application gets; others are 405. HEAD comes with GET. @default all */
  readonly methods?: readonly string[] | undefined;
  /** Whether the application sees Authorization; its parameters are in no process table. @default true */
  readonly passAuthorization?: boolean | undefined;
  /** Whether `Location: /path` alone is answered by the server itself; false makes it a 302. @default true */
  readonly localRedirect?: boolean | undefined;
  /** Which content is collected before the application is asked: all, or what fits into memory and what has no length. @default 'always' */
  readonly spool?: 'small' | 'always' | undefined;
  readonly limits?: GatewayLimits | undefined;
  readonly concurrency?: GatewayConcurrency | undefined;
  /** Receives each line that the application writes to STDERR. @default standard error of this process */
  readonly log?: ((entry: CgiLogEntry) => void) | undefined;
  /** DOCUMENT_ROOT, and the base of PATH_TRANSLATED. @default `backendRoot`, the root or the directory */
  readonly documentRoot?: string | undefined;
  readonly serverSoftware?: string | undefined;
  readonly serverName?: string | undefined;
  readonly serverAdmin?: string | undefined;
}

/** Answers requests by a part of an application. */
export interface LendingResponder {
  (request: CgiRequest): Promise<CgiResponse>;
  /**
   * The same, with content that may be valid until those who wait for the promise have been called (`isLent`): for a server that
   * sends it at once.
   */
  readonly lend: (request: CgiRequest) => Promise<CgiResponse>;
}

/** Answers requests by asking an application. */
export interface GatewayResponder {
  (request: CgiRequest): Promise<CgiResponse>;
  /** What would answer a path, and why; nobody is asked. */
  readonly explain: (pathInfo: string) => ScriptExplanation;
  /** Whether a file is a source that must not be sent, as in `cgi`. */
  readonly isSource: (file: string, asked?: string) => boolean;
  readonly sources: readonly string[];
  /** The responder without its front controller: nothing is where no script is. */
  readonly scripts: LendingResponder;
  /** The responder of the front controller alone, to be asked where files have nothing; undefined without `front`. */
  readonly front: LendingResponder | undefined;
  /** What it is doing now, and what it has done. */
  readonly state: () => GatewayState;
  /** Takes no more requests (503), lets those under way end for `graceMs`, then ends them. @param graceMs default 0 */
  readonly close: (graceMs?: number) => Promise<void>;
}

const flag: Shape = { type: 'boolean' };
const path: Shape = { type: 'path' };
const text: Shape = { type: 'text' };
const count: Shape = { type: 'integer', minimum: 0 };
const size: Shape = { type: 'size', isUnlimited: true };
const time: Shape = { type: 'duration', unit: 'milliseconds', isUnlimited: true };
const method: Shape = { type: 'text', pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, expects: 'a method' };
const fileName: Shape = { type: 'text', pattern: /^(?!\.{0,2}$)[^/\0]+$/, expects: 'the name of a file' };
const address: Shape = { type: 'text', pattern: /^(?:unix:|tcp:\/\/)?[^\0]+$/, expects: ADDRESS_FORM };

export const gatewayLimitsTable: Table<GatewayLimits> = {
  // A restart of php-fpm takes less than a second.
  connectTimeoutMs: { shape: time, summary: 'how long to try to connect to the application', default: 2000 },
  // What nginx waits (fastcgi_read_timeout).
  headerTimeoutMs: {
    shape: time,
    summary: 'how long the application may take until its header is complete',
    default: 60_000,
  },
  silenceTimeoutMs: {
    shape: time,
    summary: 'the longest pause between two outputs of the application',
    alsoCalled: ['idleTimeoutMs'],
    default: 60_000,
  },
  maxContentBytes: { shape: size, summary: 'the longest request content', default: Number.POSITIVE_INFINITY },
  maxHeaderBytes: { shape: size, summary: 'the longest header of a response', default: 65_536 },
  maxHeaderLines: { shape: count, summary: 'the most lines in the header of a response', default: 200 },
  maxStderrBytes: { shape: size, summary: 'STDERR that is passed on, for each request', default: 65_536 },
  spoolMemoryBytes: { shape: size, summary: 'content kept in memory before it goes to a file', default: 65_536 },
  spoolFileBytes: {
    shape: size,
    summary: 'the largest temporary file of one request or response',
    default: 268_435_456,
  },
  spoolTotalBytes: { shape: size, summary: 'the size of all temporary files together', default: 1_073_741_824 },
};

export const gatewayConcurrencyTable: Table<GatewayConcurrency> = {
  // More than the children that most pools have; what is beyond waits here and not in the queue of a socket.
  max: {
    shape: { type: 'integer', minimum: 1 },
    summary: 'requests at once, each on a connection of its own',
    default: 32,
  },
  maxQueue: {
    shape: count,
    summary: 'requests that may wait for a connection',
    alsoCalled: ['queue'],
    default: 512,
  },
  queueTimeoutMs: { shape: time, summary: 'how long a request may wait for a connection', default: 30_000 },
  // As many as a few busy clients use; a connection that waits for a child makes others close.
  maxIdle: { shape: count, summary: 'idle connections that are kept open', alsoCalled: ['idle'], default: 8 },
  keepIdleMs: {
    shape: time,
    summary: 'how long an idle connection is kept open',
    alsoCalled: ['idleMs'],
    default: 100,
  },
};

/** Every option of `fastcgi` and `scgi`. */
export const gatewayTable: Table<GatewayOptions> = {
  address: {
    shape: { type: 'either', shapes: [address, { type: 'list', item: address, minimum: 1 }] },
    summary: 'the address of the application; several are used in turn',
    isRequired: true,
    alsoCalled: ['host', 'port', 'socket', 'upstream', 'listen'],
  },
  root: { shape: path, summary: 'the directory of files that the application runs' },
  extensions: {
    shape: {
      type: 'list',
      minimum: 1,
      item: { type: 'text', pattern: /^\.[^./\0]+$/, expects: 'an extension with its dot' },
    },
    summary: 'extensions of the files that the application runs',
    default: ['.php'],
  },
  index: {
    shape: { type: 'list', item: fileName },
    summary: 'index files: the first that exists answers for its directory',
  },
  front: { shape: fileName, summary: 'the front controller: a script that answers paths without a file' },
  directory: { shape: path, summary: 'a directory whose executable files the application runs' },
  backendRoot: { shape: path, summary: 'the root as the application sees it' },
  symlinks: {
    shape: { type: 'choice', values: ['deny', 'inside', 'all'] },
    summary: 'which symbolic links are followed; inside means those that end in the root',
    alsoCalled: ['followSymlinks'],
    default: 'inside',
  },
  params: {
    shape: {
      type: 'map',
      key: /^[^\0]+$/,
      expects: 'the name of a parameter',
      value: { type: 'text', pattern: /^[^\0]*$/, expects: 'a text without NUL' },
    },
    summary: 'parameters to send beside the CGI meta-variables',
  },
  methods: { shape: { type: 'list', item: method }, summary: 'methods that the application gets (all)' },
  passAuthorization: { shape: flag, summary: 'whether the application sees Authorization', default: true },
  localRedirect: {
    shape: flag,
    summary: 'whether a Location with a path alone is followed inside the server (RFC 3875 §6.2.2)',
    default: true,
  },
  spool: {
    shape: { type: 'choice', values: ['small', 'always'] },
    summary:
      'whether request content is collected before the application gets the request: where it is small, or always',
    default: 'always',
  },
  limits: { shape: { type: 'object', members: gatewayLimitsTable }, summary: 'what bounds one request' },
  concurrency: { shape: { type: 'object', members: gatewayConcurrencyTable }, summary: 'how many at once' },
  log: {
    shape: { type: 'function', expects: 'a function that takes entries' },
    summary: 'receives each line of STDERR',
    alsoCalled: ['stderr'],
  },
  documentRoot: { shape: path, summary: 'DOCUMENT_ROOT, and the base of PATH_TRANSLATED' },
  serverSoftware: { shape: text, summary: 'SERVER_SOFTWARE', default: 'onezero' },
  serverName: { shape: text, summary: 'SERVER_NAME where the client named no host' },
  serverAdmin: { shape: text, summary: 'SERVER_ADMIN' },
};
