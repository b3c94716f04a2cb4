// The seam between a process as its user sees it and the two ways of starting one: by this process, or through a shell.

import type { Readable, Writable } from 'node:stream';

/** Everything that is needed to start a command. The values of `environment` are byte strings; names are ASCII. */
export interface LaunchPlan {
  readonly command: string;
  readonly args: readonly string[];
  /** A file that the command is to execute, where it is not the command itself: it must be a program as well. */
  readonly program?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly umask: number | undefined;
  readonly stdin: 'pipe' | 'ignore' | number;
}

/** How a child ended, as the system reports it. Both are null when that was lost. */
export interface Status {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A started child. */
export interface Launched {
  readonly pid: number | undefined;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the child was reaped; rejects with ProcessError when it turns out that it could not be started. */
  readonly ended: Promise<Status>;
  /** Sends a signal to the child and everything it started; 0 only looks. Resolves to whether anything was left. */
  signalAll(signal: NodeJS.Signals | 0): Promise<boolean>;
  /** Moves what is left in the output pipes to memory and closes those that no process can write to any more. */
  settleOutputs(): void;
  /** Closes both outputs as streams, and drops what processes that outlive the child write. */
  ignoreOutputs(): void;
  /** How many bytes it has written to standard output so far, where that is counted. */
  outputBytes?(): number;
  /** Called when the child has ended, its output is closed and no signal will be sent any more. */
  release?(): void;
}

/** A child that ended before it had to be watched, and left no process that could write to its outputs. */
export interface Finished {
  readonly status: Status;
  readonly output: Buffer;
  readonly errors: Buffer;
}
