// Everything that can be said about an application and its workers: the types, and one table of what each option takes, stands
// for and defaults to. The table is data (`@onezero/python/options`): options are checked against it, and completed from it.

import type { Complete, Member, Shape, Table } from '@onezero/cgi-process/options';

export type { Complete, Member, Members, Shape, Table } from '@onezero/cgi-process/options';

/** A line for the log: what an application or its worker wrote. */
export interface PythonLogEntry {
  /** The worker's place in the pool, from 1. It keeps its number when it is replaced. */
  readonly worker: number;
  readonly pid: number;
  /** The name of the request that the line belongs to; undefined when it was written outside of wsgi.errors. */
  readonly request: string | undefined;
  /** Control characters are escaped: an application may log what clients send, and terminals obey it. */
  readonly line: string;
}

/** What bounds requests and workers. Times in milliseconds, sizes in bytes. `Infinity` lifts a limit. */
export interface PythonLimits {
  /** From the start of a worker to its readiness: importing the application. @default 60_000 */
  readonly startTimeoutMs?: number | undefined;
  /**
   * The longest silence of an application in a request: until its head, and for WSGI between two blocks. Waiting for a slow
   * client does not count. After it, 504 (or a broken-off response); a WSGI worker, or an event loop that was blocked for so
   * long, is replaced, with the stacks of all threads in the log.
   *
   * @default 60_000
   */
  readonly silenceTimeoutMs?: number | undefined;
  /** How long requests under way may take when their worker is replaced or the pool closes. @default 30_000 */
  readonly closeTimeoutMs?: number | undefined;
  /** After about this many requests a worker is replaced; up to a tenth more, so that not all go at once. @default Infinity */
  readonly maxRequests?: number | undefined;
  /** A worker that holds more memory than this (resident, Linux only) is replaced. @default Infinity */
  readonly maxMemoryBytes?: number | undefined;
  /** Content of a request kept in memory (64 times as much for all of them) before it goes to a temporary file. @default 1_048_576 */
  readonly spoolMemoryBytes?: number | undefined;
  /** How much of a response waits in memory for its client. @default 1_048_576 */
  readonly readAheadBytes?: number | undefined;
  /** How much of a WSGI response waits in a temporary file, so that its client holds no thread. @default 268_435_456 */
  readonly spoolFileBytes?: number | undefined;
}

/** Who waits when all are busy. */
export interface PythonConcurrency {
  /** How many requests may wait for a place; the next gets 503 with Retry-After. @default 1_024 */
  readonly maxQueue?: number | undefined;
  /** How long a request may wait for a place before it gets 503, in milliseconds. @default 30_000 */
  readonly queueTimeoutMs?: number | undefined;
}

/** How many requests an event loop takes at once, and who waits. */
export interface AsgiConcurrency extends PythonConcurrency {
  /** In each process; the next waits. @default 1_000 */
  readonly max?: number | undefined;
}

/** Which application runs, and how: what WSGI and ASGI have in common. */
export interface PythonOptions {
  /**
   * `module:name`, `module:factory("argument")`, `folder/file.py:name`, or a folder with a wsgi.py, asgi.py, app.py or
   * main.py. The name is `application` or `app` if left out.
   */
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
  /** Each becomes `onezero.NAME` in the environ of WSGI, and in `scope["extensions"]["onezero"]` of ASGI. @default {} */
  readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** How many Python processes. @default one for each processor */
  readonly processes?: number | undefined;
  /** Whether workers start with the first request instead of now. @default false */
  readonly lazy?: boolean | undefined;
  /** Whether workers are replaced when a Python source file changes. @default false */
  readonly reload?: boolean | undefined;
  /** Whether applications see Authorization. @default unless this server authenticated the request itself */
  readonly passAuthorization?: boolean | undefined;
  readonly limits?: PythonLimits | undefined;
  readonly concurrency?: PythonConcurrency | undefined;
  /** SERVER_SOFTWARE. @default 'onezero' */
  readonly serverSoftware?: string | undefined;
  /** SERVER_NAME where the client named no host. @default the address it connected to */
  readonly serverName?: string | undefined;
  /** Receives each line for the log. @default standard error, with the worker's number and pid */
  readonly log?: ((entry: PythonLogEntry) => void) | undefined;
}

/** A WSGI application (PEP 3333), and how it runs. */
export interface WsgiOptions extends PythonOptions {
  /**
   * How many requests each process takes at once. 1 for applications that are not thread-safe: it is then called in the
   * main thread.
   *
   * @default 4
   */
  readonly threads?: number | undefined;
  /**
   * Whether request content is collected before the application is called, so that slow clients hold no thread and CONTENT_LENGTH
   * is always known. `never`: it is passed on as it comes; wsgi.input ends where it ends.
   *
   * @default 'always'
   */
  readonly spool?: 'always' | 'never' | undefined;
}

/** An ASGI application (version 3), and how it runs. */
export interface AsgiOptions extends PythonOptions {
  readonly concurrency?: AsgiConcurrency | undefined;
}

/** An application of either kind, whichever it is found to be. */
export interface AppOptions extends Omit<WsgiOptions, 'concurrency'>, AsgiOptions {}

const flag: Shape = { type: 'boolean' };
const text: Shape = { type: 'text', pattern: /^[^\0]+$/, expects: 'a text that is not empty' };
const path: Shape = { type: 'path' };
const count: Shape = { type: 'integer', minimum: 1 };
const time: Shape = { type: 'duration', unit: 'milliseconds', isUnlimited: true };
const size: Shape = { type: 'size', isUnlimited: true };
const number: Shape = { type: 'integer', minimum: 0, isUnlimited: true };
const VARIABLE_NAME = /^[^=\0]+$/;

/** Every limit with a value. */
export type ResolvedLimits = Complete<PythonLimits> & Complete<PythonConcurrency>;

/** Every limit, with its default. */
export const limitsTable: Table<PythonLimits> = {
  startTimeoutMs: { shape: time, summary: 'how long the application may take to load', default: 60_000 },
  silenceTimeoutMs: {
    shape: time,
    summary: 'the longest time in which the application sends nothing, waiting for slow clients not counted',
    default: 60_000,
  },
  closeTimeoutMs: {
    shape: time,
    summary: 'how long requests may take when their worker is replaced, or the pool closes',
    alsoCalled: ['drainTimeoutMs'],
    default: 30_000,
  },
  maxRequests: { shape: number, summary: 'requests after which a worker is replaced', default: Infinity },
  maxMemoryBytes: { shape: size, summary: 'resident memory beyond which a worker is replaced', default: Infinity },
  spoolMemoryBytes: {
    shape: size,
    summary: 'request content kept in memory; more goes to a file without a name',
    default: 0x100000,
  },
  readAheadBytes: { shape: size, summary: 'how much of a response waits in memory for its client', default: 0x100000 },
  spoolFileBytes: {
    shape: size,
    summary: 'how much of a WSGI response waits in a file without a name',
    alsoCalled: ['maxSpoolBytes'],
    default: 0x10000000,
  },
};

/** Who waits, with the defaults. */
export const concurrencyTable: Table<PythonConcurrency> = {
  // The length of a usual listen queue.
  maxQueue: {
    shape: number,
    summary: 'requests that may wait for a free worker; the next gets 503',
    alsoCalled: ['queue', 'maxQueued'],
    default: 1024,
  },
  queueTimeoutMs: {
    shape: time,
    summary: 'how long a request may wait for a free worker before it gets 503',
    default: 30_000,
  },
};

/** The same for event loops. */
export const asgiConcurrencyTable: Table<AsgiConcurrency> = {
  max: {
    shape: count,
    summary: 'requests that each process takes at once',
    alsoCalled: ['concurrency'],
    default: 1000,
  },
  ...concurrencyTable,
};

const commonMembers: Table<Omit<PythonOptions, 'application'>> = {
  cwd: { shape: path, summary: 'the working directory, first in the path of modules' },
  python: { shape: { type: 'program' }, summary: 'the Python interpreter' },
  virtualenv: { shape: path, summary: 'the folder of a virtual environment' },
  pythonPath: { shape: { type: 'list', item: path }, summary: 'folders searched for modules first', default: [] },
  env: {
    shape: {
      type: 'map',
      key: VARIABLE_NAME,
      expects: 'the name of a variable',
      value: { type: 'text', pattern: /^[^\0]*$/, expects: 'a text without NUL' },
    },
    summary: "variables of the workers' environment",
    default: {},
  },
  passEnv: {
    shape: { type: 'list', item: { type: 'text', pattern: VARIABLE_NAME, expects: 'the name of a variable' } },
    summary: 'names of variables of this process that workers get',
  },
  settings: {
    shape: {
      type: 'map',
      value: {
        type: 'either',
        shapes: [
          { type: 'text', pattern: /^/, expects: 'a text' },
          { type: 'integer', minimum: 0 },
          { type: 'number', expects: 'a number' },
          flag,
        ],
      },
    },
    summary: 'values for the application; each is onezero.NAME in its environ',
    default: {},
  },
  processes: {
    shape: count,
    summary: 'Python processes; one for each processor if left out',
    alsoCalled: ['workers'],
  },
  lazy: { shape: flag, summary: 'whether workers start with the first request', default: false },
  reload: {
    shape: flag,
    summary: 'whether workers are replaced when a Python source file changes',
    alsoCalled: ['reloadOnChange', 'watch'],
    default: false,
  },
  passAuthorization: { shape: flag, summary: 'whether the application sees Authorization' },
  limits: { shape: { type: 'object', members: limitsTable }, summary: 'times, sizes and counts', default: {} },
  concurrency: {
    shape: { type: 'object', members: concurrencyTable },
    summary: 'who waits when all are busy',
    default: {},
  },
  serverSoftware: { shape: text, summary: 'SERVER_SOFTWARE', default: 'onezero' },
  serverName: { shape: text, summary: 'SERVER_NAME where the client named no host' },
  log: { shape: { type: 'function', expects: 'a function' }, summary: 'receives each line for the log' },
};

const application: Member<string> = {
  isRequired: true,
  shape: {
    type: 'text',
    // A path may hold colons.
    pattern: /^(?:[^\0]*\/)?[^:\0]+(?::[^:(\0]+(?:\([^\0]*\))?)?$/,
    expects: "'module:name', 'module:factory()', a file or a folder",
  },
  summary: 'module:name, module:factory(), folder/file.py:name, or a folder',
};

const wsgiMembers = {
  threads: { shape: count, summary: 'requests that each process takes at once', default: 4 },
  spool: {
    shape: { type: 'choice', values: ['always', 'never'] },
    summary: 'whether request content is collected before the application is called, or passed on as it comes',
    alsoCalled: ['content'],
    default: 'always',
  },
} as const satisfies Partial<Table<WsgiOptions>>;

const asgiMembers = {
  concurrency: {
    shape: { type: 'object', members: asgiConcurrencyTable },
    summary: 'how many at once, and who waits',
    default: {},
  },
} as const satisfies Partial<Table<AsgiOptions>>;

/** Every option of `wsgi`. A thread is cheap while it waits, but all threads of a process share one interpreter lock. */
export const wsgiTable: Table<WsgiOptions> = { application, ...commonMembers, ...wsgiMembers };

/** Every option of `asgi`. */
export const asgiTable: Table<AsgiOptions> = { application, ...commonMembers, ...asgiMembers };

/** Every option of `app`. */
export const appTable: Table<AppOptions> = { application, ...commonMembers, ...wsgiMembers, ...asgiMembers };
