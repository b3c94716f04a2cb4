// What a caller says about a process, and what it gets back. `unix-process.ts` makes one out of the other.

import type { Readable } from 'node:stream';
import type { Shape, Table } from '../options/shape.ts';

/** How a process ended. Exactly one of `code` and `signal` is set, unless its end could not be seen (both null). */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** `exited`: by itself, or by a signal from elsewhere. The others name who ended it. */
  readonly reason: 'exited' | 'killed' | 'aborted' | 'timed-out' | 'output-too-long' | 'spawner-lost';
}

/** Where bytes for a process go. A process that closes its standard input early ends the sink, and that is no error. */
export interface ByteSink {
  /** Resolves when there is room for more: true, or false when the process takes no more. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Ends the input: the process reads end-of-file after what was written. May be repeated. */
  end(): Promise<void>;
}

/** A child process as three byte sequences and an end. */
export interface UnixProcess {
  /** Undefined when the process was started by a spawner, which knows it by another name. */
  readonly pid: number | undefined;
  readonly stdin: ByteSink;
  /**
   * Its output as it comes. Not reading makes the process wait once the pipe is full. Each may be iterated once;
   * leaving the loop over `stdout` early ends the process. They are Node streams: `Readable.toWeb(stdout)` is the
   * web stream.
   */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process was reaped, whatever its end was. Both outputs may still hold bytes to read. */
  readonly exited: Promise<Exit>;
  /** Resolves as `exited`, when both outputs have ended as well. */
  readonly finished: Promise<Exit>;
  /**
   * SIGTERM to the process and all it started in its session, SIGKILL after the grace to what is left. Resolves when it was
   * reaped and nothing of the session is left. A process that started a session of its own (`setsid`) is out of reach, as
   * are those of other process groups where there is no /proc. After the process has ended by itself nothing is signalled.
   */
  kill(): Promise<Exit>;
}

/** How a process is started and what bounds it. */
export interface ProcessOptions {
  /** The environment, whole: nothing else reaches the process. @default {} */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Names that are copied from the environment of this process when they are set. @default ['PATH'] */
  readonly inherit?: readonly string[] | undefined;
  /** @default the working directory of this process */
  readonly cwd?: string | undefined;
  readonly uid?: number | undefined;
  /** @default the own group of the user that `uid` names; it is required for a user that the system does not know */
  readonly gid?: number | undefined;
  /** @default the umask of this process */
  readonly umask?: number | undefined;
  /** `pipe`: bytes from `stdin`. `ignore`: nothing. A number: an open file descriptor, read from where it stands. @default 'pipe' */
  readonly stdin?: 'pipe' | 'ignore' | number | undefined;
  /** Ends the process when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** The longest it may run, in milliseconds. @default unlimited */
  readonly timeoutMs?: number | undefined;
  /** From SIGTERM to SIGKILL, in milliseconds. @default 2000 */
  readonly killGraceMs?: number | undefined;
  /** Beyond this many bytes on standard output the process is ended and reading throws. @default unlimited */
  readonly maxStdoutBytes?: number | undefined;
  /** The same for standard error. @default unlimited */
  readonly maxStderrBytes?: number | undefined;
}

// What a system refuses in a text, such as NUL, is a ProcessError: it depends on data more than on who wrote the call.
const text: Shape = { type: 'text', pattern: /^/, expects: 'a text' };
const count: Shape = { type: 'integer', minimum: 0 };
const size: Shape = { type: 'size', isUnlimited: true };
const time: Shape = { type: 'duration', unit: 'milliseconds', isUnlimited: true };

/** Every option of `startProcess`. */
const processTable: Table<ProcessOptions> = {
  environment: {
    shape: { type: 'map', value: text },
    summary: 'the environment, whole',
    alsoCalled: ['env'],
    default: {},
  },
  inherit: {
    shape: { type: 'list', item: { type: 'text' } },
    summary: 'names of variables of this process that the new one gets',
    default: ['PATH'],
  },
  cwd: { shape: { type: 'path' }, summary: "the working directory (this process's)" },
  uid: { shape: count, summary: 'the user that it runs as' },
  gid: { shape: count, summary: 'the group that it runs as' },
  umask: { shape: { type: 'integer', minimum: 0, maximum: 0o777 }, summary: 'the mask of new files' },
  stdin: {
    shape: { type: 'either', shapes: [{ type: 'choice', values: ['pipe', 'ignore'] }, count] },
    summary: 'bytes from stdin, nothing, or an open descriptor',
    default: 'pipe',
  },
  signal: { shape: { type: 'instance', name: 'AbortSignal' }, summary: 'ends the process when aborted' },
  timeoutMs: { shape: time, summary: 'the longest it may run', default: Number.POSITIVE_INFINITY },
  killGraceMs: { shape: time, summary: 'from SIGTERM to SIGKILL', default: 2000 },
  maxStdoutBytes: { shape: size, summary: 'the longest output', default: Number.POSITIVE_INFINITY },
  maxStderrBytes: { shape: size, summary: 'the longest standard error', default: Number.POSITIVE_INFINITY },
};

/** What `startProcess` is called with. */
export const startTable: Table<{
  readonly command: string;
  readonly args: readonly string[];
  readonly options: unknown;
}> = {
  command: { shape: text, summary: 'what is started', isRequired: true },
  args: { shape: { type: 'list', item: text }, summary: 'its arguments' },
  options: { shape: { type: 'object', members: processTable }, summary: 'how it is started' },
};
