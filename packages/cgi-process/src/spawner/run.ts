// One command of a shell, from its start to its end.
//
// Most commands are over within milliseconds and write less than a pipe holds. Those are not watched at all: when the shell
// says that one has ended, both pipes are read, and there is the result. A command that writes and goes on, stays for
// longer, is given input bit by bit, or leaves somebody behind who may still write, gets streams (`Launched`).

import { closeSync } from 'node:fs';
import type { FifoDirectory } from '../process/fifo-directory.ts';
import type { KeptPipe } from './reused-pipe.ts';
import type { Finished, Launched, LaunchPlan, Status } from '../process/launch.ts';
import { isHeld } from './pipe-holders.ts';
import { toByteString } from '../byte-string.ts';
import { commandLine } from './command-line.ts';
import type { ShellSlot } from './shell.ts';
import { statusOf } from './exit-status.ts';
import { writerOf } from './streamed-input.ts';
import type { Input } from './streamed-input.ts';
import { type OutputPipe, outputsOf } from '../process/output-pipe.ts';
import { RunSignals, signalGroup } from '../process/session.ts';
import { diagnose, fileBusy, noProcess } from '../process/process-error.ts';

/** What a shell exits with when a command cannot be run. */
const START_FAILED = new Set([126, 127]);
/** How often commands that have not ended yet are looked at: no first output waits for its reader longer than thrice this. */
const LOOK_MS = 10;
/** Room for what a shell says when a signal has ended a command, or when it cannot start one, whose path it names. */
const END_BYTES = 4200;
/** A command that runs for longer than this may close its output and go on: that is looked for then, less and less often. */
const FIRST_WATCH_MS = 100;
const LAST_WATCH_MS = 1600;

/** What a run needs: a shell, its plan, and our ends of its pipes. */
export interface RunParts {
  readonly slot: ShellSlot;
  readonly fifos: FifoDirectory;
  readonly plan: LaunchPlan;
  readonly output: KeptPipe;
  readonly errors: KeptPipe;
  readonly input: Input | undefined;
  /** Takes the shell back, once. */
  readonly putBack: () => void;
}

/** A command that a shell was told to run. */
export class ShellRun {
  readonly #parts: RunParts;
  readonly #since = performance.now();
  readonly #opened: Promise<void> | undefined;
  #code: number | undefined;
  #hasEnded = false;
  #looks = 0;
  #onEnded: (() => void) | undefined;

  /** Starts it. */
  constructor(parts: RunParts) {
    this.#parts = parts;
    const { slot, plan, output, errors, input } = parts;
    const line = commandLine(
      plan,
      { input: input?.path ?? inputPath(plan.stdin), output: output.path, errors: errors.path },
      input === undefined ? undefined : slot.openedWord,
    );
    const onEnded = (code: number | undefined): void => {
      this.#code = code;
      this.#hasEnded = true;
      this.#onEnded?.();
    };
    if (input === undefined) slot.run(line, onEnded);
    else this.#opened = new Promise((resolve) => slot.run(line, onEnded, resolve));
  }

  /** The whole run, when it is over within `patienceMs`; its streams otherwise. Rejects with ProcessError. */
  async finishedOrLaunched(patienceMs: number): Promise<Finished | Launched> {
    await new Promise<void>((resolve) => {
      this.#onEnded = resolve;
      watchBriefly(this, { patienceMs, tooLong: resolve });
    });
    unwatched.delete(this);
    this.#onEnded = undefined;
    return this.#finished() ?? this.#launched();
  }

  /** Whether it is time for streams: it has written and gone on for a while, or is silent for too long. */
  isLong(patienceMs: number): boolean {
    const { output } = this.#parts;
    if (this.#looks++ === 0) return false;
    const hadWritten = output.bytes.length > 0;
    output.read();
    return hadWritten || output.isFull || performance.now() - this.#since >= patienceMs;
  }

  /** The run as streams. Rejects with the system's error when there are no descriptors for them, and has ended the run then. */
  async launched(): Promise<Launched> {
    const { input, fifos } = this.#parts;
    const launched = this.#launched();
    if (input === undefined) return launched;
    await this.#opened;
    try {
      return { ...launched, stdin: writerOf(input, fifos, launched.ended) };
    } catch (error) {
      this.#parts.slot.kill();
      launched.stdout.destroy();
      launched.stderr.destroy();
      launched.ended.catch(() => {});
      throw error;
    }
  }

  /** Undefined when it has not ended, when nobody knows how, or when somebody may still write. */
  #finished(): Finished | undefined {
    const { output, errors, putBack } = this.#parts;
    if (this.#code === undefined || !output.read() || !errors.read()) return undefined;
    const [written, complaints] = [output.bytes, errors.bytes];
    output.reset();
    errors.reset();
    putBack();
    const status = this.#statusOf(complaints.toString('latin1', Math.max(0, complaints.length - END_BYTES)));
    return { status, output: written, errors: complaints };
  }

  #launched(): Launched {
    const { slot, putBack } = this.#parts;
    const [stdout, stderr] = this.#streams();
    const ended = this.#ended(stdout, stderr);
    const signals = new RunSignals(slot, this.#since, ended);
    return {
      pid: undefined,
      stdin: undefined,
      ...outputsOf(stdout, stderr),
      ended,
      signalAll: async (signal) => signals.signalAll(signal),
      outputBytes: () => stdout.count,
      release: () => {
        signals.release();
        putBack();
      },
    };
  }

  #streams(): readonly [OutputPipe, OutputPipe] {
    const { slot, output, errors, input } = this.#parts;
    let stdout: OutputPipe | undefined;
    try {
      stdout = output.stream(this.#hasEnded);
      return [stdout, errors.stream(this.#hasEnded)];
    } catch (error) {
      stdout?.stream.destroy();
      output.dispose();
      errors.dispose();
      if (input !== undefined) closeSync(input.both);
      slot.kill();
      throw error;
    }
  }

  async #ended(stdout: OutputPipe, stderr: OutputPipe): Promise<Status> {
    const { slot, plan, input } = this.#parts;
    if (!this.#hasEnded) {
      const unwatch = watchEnd(slot.pid, stdout, input !== undefined || plan.umask !== undefined);
      await new Promise<void>((resolve) => (this.#onEnded = resolve));
      unwatch();
    }
    stdout.finish();
    stderr.finish();
    return this.#statusOf(stderr.end);
  }

  #statusOf(errorsEnd: string): Status {
    const { slot, plan } = this.#parts;
    if (this.#code === undefined) {
      // The shell is gone, and with it the one who would have told how the command ends.
      signalGroup(slot.pid, 'SIGKILL');
      if (slot.hasGivenUp) throw noProcess(plan.command);
      return { code: null, signal: null };
    }
    if (START_FAILED.has(this.#code)) {
      const failure = diagnose(plan.command, plan.cwd);
      if (failure !== undefined) throw failure;
      if (isBusyMessage(errorsEnd, plan.command)) throw fileBusy(plan.command);
    }
    return statusOf(this.#code, errorsEnd);
  }
}

/** Whether a shell's last words are that a process has the file of a command open for writing. Its status says only 126. */
export function isBusyMessage(errorsEnd: string, command: string): boolean {
  return errorsEnd.endsWith(`${toByteString(command)}: Text file busy\n`);
}

interface Patience {
  readonly patienceMs: number;
  readonly tooLong: () => void;
}

/** The runs that may end soon. One timer serves them all. */
const unwatched = new Map<ShellRun, Patience>();
let timer: NodeJS.Timeout | undefined;

function watchBriefly(run: ShellRun, patience: Patience): void {
  unwatched.set(run, patience);
  timer ??= setTimeout(lookAtAll, LOOK_MS);
}

function lookAtAll(): void {
  for (const [run, { patienceMs, tooLong }] of unwatched) if (run.isLong(patienceMs)) tooLong();
  timer = unwatched.size > 0 ? setTimeout(lookAtAll, LOOK_MS) : undefined;
}

/** Undefined for the empty input that the shell itself has. */
function inputPath(stdin: LaunchPlan['stdin']): string | undefined {
  return stdin === 'ignore' ? undefined : `/proc/${process.pid}/fd/${stdin}`;
}

/**
 * Looks now and then whether a command has closed its output and goes on. The result ends that. A subshell opens the output
 * some time after it was started; with nothing written yet, not having it open means nothing then.
 */
function watchEnd(shell: number, output: OutputPipe, inSubshell: boolean): () => void {
  let timer: NodeJS.Timeout;
  const watchLater = (waitMs: number): void => {
    timer = setTimeout(() => {
      if ((inSubshell && output.end === '') || isHeld(shell, output.path))
        watchLater(Math.min(waitMs * 2, LAST_WATCH_MS));
      else output.endEarly();
    }, waitMs);
  };
  watchLater(FIRST_WATCH_MS);
  return () => clearTimeout(timer);
}
