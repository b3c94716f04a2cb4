// What can be said about an application and its workers, and the defaults.

import { availableParallelism } from 'node:os';

/** A line for the log: what an application or its worker wrote. */
export interface WsgiLogEntry {
  /** The worker's place in the pool, from 1. It keeps its number when it is replaced. */
  readonly worker: number;
  readonly pid: number;
  /** The name of the request that the line belongs to; undefined when it was written outside of wsgi.errors. */
  readonly request: string | undefined;
  readonly line: string;
}

/** What bounds requests and workers. Times in milliseconds, sizes in bytes. `Infinity` lifts a limit. */
export interface WsgiLimits {
  /** From the start of a worker to its readiness: importing the application. @default 60_000 */
  readonly startTimeoutMs?: number | undefined;
  /**
   * The longest silence of an application in a request: until its head, and between two blocks. Waiting for a slow client
   * does not count. After it, 504 (or a broken-off response), the stacks of all threads in the log, and another worker.
   *
   * @default 60_000
   */
  readonly silenceTimeoutMs?: number | undefined;
  /** How long requests under way may take when their worker is replaced or the pool reloads. @default 30_000 */
  readonly drainTimeoutMs?: number | undefined;
  /** Requests waiting for a thread; the next gets 503 with Retry-After. @default 1024, the length of a usual listen queue */
  readonly maxQueued?: number | undefined;
  /** The longest a request waits for a thread before it gets 503. @default 30_000 */
  readonly queueTimeoutMs?: number | undefined;
  /** After about this many requests a worker is replaced; up to a tenth more, so that not all go at once. @default Infinity */
  readonly maxRequests?: number | undefined;
  /** A worker that holds more memory than this (resident, Linux only) is replaced. @default Infinity */
  readonly maxMemoryBytes?: number | undefined;
  /** Request content kept in memory before it goes to a temporary file. @default 65_536 */
  readonly spoolMemoryBytes?: number | undefined;
  /** How much of a response is read from the worker before the client has taken it. @default 1_048_576 */
  readonly readAheadBytes?: number | undefined;
}

/** Which application runs, and how. */
export interface WsgiOptions {
  /** `module:name`, `module:factory()` or `folder/file.py:name`. The name defaults to `application`. */
  readonly application: string;
  /** The working directory, first in the path of modules. @default the working directory of this process */
  readonly cwd?: string | undefined;
  /** @default the virtual environment's, else `python3` */
  readonly python?: string | undefined;
  /** The folder of a virtual environment. @default $VIRTUAL_ENV, else `.venv` or `venv` in `cwd` if it is there */
  readonly virtualenv?: string | undefined;
  /** Folders searched for modules before all others. @default [] */
  readonly pythonPath?: readonly string[] | undefined;
  /** Variables of the workers' environment, beside and above the passed ones. @default {} */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Names of variables of this process that workers get. @default all of them */
  readonly passEnv?: readonly string[] | undefined;
  /** Each becomes `onezero.NAME` in the environ of every request. @default {} */
  readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** How many Python processes. @default one for each processor */
  readonly processes?: number | undefined;
  /** How many requests each of them takes at once. 1 for applications that are not thread-safe. @default 4 */
  readonly threads?: number | undefined;
  /** Whether workers start with the first request instead of now. @default false */
  readonly lazy?: boolean | undefined;
  /** Whether workers are replaced when a Python source file changes. @default false */
  readonly reloadOnChange?: boolean | undefined;
  /**
   * `spool`: collected before the application is called, so that slow clients hold no thread and CONTENT_LENGTH is
   * always known. `stream`: passed on as it comes; wsgi.input ends where it ends.
   *
   * @default 'spool'
   */
  readonly content?: 'spool' | 'stream' | undefined;
  /** Whether applications see Authorization. @default unless this server authenticated the request itself */
  readonly passAuthorization?: boolean | undefined;
  readonly limits?: WsgiLimits | undefined;
  /** SERVER_SOFTWARE. @default 'onezero' */
  readonly serverSoftware?: string | undefined;
  /** SERVER_NAME where the client named no host. @default the address it connected to */
  readonly serverName?: string | undefined;
  /** Receives each line for the log. @default standard error, with the worker's number and pid */
  readonly log?: ((entry: WsgiLogEntry) => void) | undefined;
}

/** Every limit with a value. */
export type ResolvedLimits = { readonly [Name in keyof WsgiLimits]-?: number };

const defaultLimits: ResolvedLimits = {
  startTimeoutMs: 60_000,
  silenceTimeoutMs: 60_000,
  drainTimeoutMs: 30_000,
  maxQueued: 1024,
  queueTimeoutMs: 30_000,
  maxRequests: Infinity,
  maxMemoryBytes: Infinity,
  spoolMemoryBytes: 0x10000,
  readAheadBytes: 0x100000,
};

/** A thread is cheap while it waits, but all threads of a process share one interpreter lock. */
const defaultThreads = 4;

/** Fills in the limits. Throws a RangeError that names the first one that makes no sense. */
export function resolveLimits(limits: WsgiLimits = {}): ResolvedLimits {
  const resolved: Record<string, number> = { ...defaultLimits };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in defaultLimits)) throw new RangeError(`wsgi: there is no limit called ${name}`);
    if (value === undefined) continue;
    if (typeof value !== 'number' || !(value >= 0))
      throw new RangeError(`wsgi: limits.${name} must be a number from 0`);
    resolved[name] = value;
  }
  return resolved as ResolvedLimits;
}

/** Checks a count of processes or threads. */
export function resolveCount(name: 'processes' | 'threads', value: number | undefined): number {
  const count = value ?? (name === 'threads' ? defaultThreads : availableParallelism());
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`wsgi: ${name} must be a whole number from 1`);
  return count;
}
