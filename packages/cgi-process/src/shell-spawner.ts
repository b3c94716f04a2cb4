// Starts commands through long-lived shells, so that what a start costs does not grow with this process.
//
// `spawn` copies the page tables of the process that calls it: a server with a large cache would stand still for tens of
// milliseconds at each start. A small shell does not. There are as many shells as commands run at once; each is used again
// when its command has ended, its output is closed, and nothing of it remains to be killed. A shell that dies is forgotten,
// what was left of its command is killed, and the next command gets a new one.
//
// Before the first use a shell must show that it passes bytes and an environment exactly. Where none does, or where there
// is no /proc to find processes by, and for what a shell cannot express, commands are started directly.

import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { FifoDirectory } from './fifo-directory.ts';
import type { KeptPipe } from './kept-pipe.ts';
import type { Launched, LaunchPlan, Status } from './launch.ts';
import { launchDirectly, signalGroup } from './launch-directly.ts';
import { isHeld } from './pipe-holders.ts';
import { Reach } from './reach.ts';
import { commandLine, isExpressible } from './shell-command.ts';
import { ProcessError } from './process-error.ts';
import { ShellSlot } from './shell-slot.ts';
import { statusOf } from './shell-status.ts';
import { openInput, writerOf } from './streamed-input.ts';
import type { Input } from './streamed-input.ts';
import { checkStrings, diagnose, startFailure } from './start-failure.ts';

/** dash is the quickest; `sh` is it on Debian, and ash on Alpine. */
const SHELLS = ['/bin/dash', '/bin/sh'];
/** What a shell exits with when a command cannot be run. */
const startFailed = new Set([126, 127]);

/** What the system may have again in a moment. */
const passing = new Set<string | undefined>(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ENOSPC', 'EDQUOT']);
/** A command that runs for longer than this may close its output and go on: that is looked for then, less and less often. */
const FIRST_WATCH_MS = 100;
const LAST_WATCH_MS = 1600;

/** Whom the commands run as, and how many shells are kept. */
export interface SpawnerOptions {
  /** Shells beyond this number end when their command has. @default Infinity */
  readonly max?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** Where a working shell was found, and its pipes. */
interface Workshop {
  readonly shell: string;
  readonly fifos: FifoDirectory;
}

/** A set of shells that start commands. */
export class ShellSpawner {
  readonly #options: SpawnerOptions;
  readonly #idle: ShellSlot[] = [];
  readonly #slots = new Set<ShellSlot>();
  #workshop: Promise<Workshop | undefined> | undefined;
  #isClosed = false;

  constructor(options: SpawnerOptions = {}) {
    this.#options = options;
  }

  /** Starts a command through a shell, or directly where that does not apply. */
  readonly launch = async (plan: LaunchPlan): Promise<Launched> => {
    // A shell that runs as somebody else could not open a file of ours.
    const isReadable = typeof plan.stdin !== 'number' || this.#options.uid === undefined;
    if (this.#isClosed || !isReadable || !isExpressible(plan)) return launchDirectly(plan);
    checkStrings([plan.command, ...plan.args, plan.cwd ?? ''], plan.environment);
    try {
      this.#workshop ??= this.#prepare();
      const workshop = await this.#workshop;
      if (workshop === undefined) return await launchDirectly(plan);
      return await this.#launchThrough(await this.#takeSlot(workshop), workshop.fifos, plan);
    } catch (error) {
      if (error instanceof ProcessError) throw error;
      if (passing.has((error as NodeJS.ErrnoException).code)) this.#shed();
      throw startFailure(error as NodeJS.ErrnoException, plan.command, plan.cwd);
    }
  };

  /** Ends all shells. */
  close(): void {
    this.#isClosed = true;
    for (const slot of this.#slots) slot.close();
    this.#workshop?.then(
      (workshop) => workshop?.fifos.remove(),
      () => {},
    );
  }

  /** Looks for a shell that does what we need; undefined when there is none. */
  async #prepare(): Promise<Workshop | undefined> {
    if (process.platform !== 'linux') return undefined;
    const { uid, gid } = this.#options;
    let fifos: FifoDirectory | undefined;
    try {
      fifos = new FifoDirectory(uid === undefined ? undefined : { uid, gid: gid ?? uid });
      for (const shell of SHELLS) if (await this.#isUsable({ shell, fifos })) return { shell, fifos };
      fifos.remove();
      return undefined;
    } catch (error) {
      fifos?.remove();
      if (!passing.has((error as NodeJS.ErrnoException).code)) return undefined;
      // The next command may find what was wanting.
      this.#workshop = undefined;
      throw error;
    }
  }

  async #isUsable(workshop: Workshop): Promise<boolean> {
    try {
      return await this.#isExact(await this.#takeSlot(workshop), workshop.fifos);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || passing.has(code)) throw error;
      // No such shell, no `mkfifo`, or no right to become that user, which the direct way will say better.
      return false;
    }
  }

  /** Whether a command gets the environment we give, byte by byte, and nothing else. */
  async #isExact(slot: ShellSlot, fifos: FifoDirectory): Promise<boolean> {
    const value = `' "$HOME" \\ \`id\` \n${String.fromCharCode(...Array.from({ length: 128 }, (_, index) => 128 + index))}`;
    const plan = {
      command: '/usr/bin/env',
      args: [],
      environment: { PROBE: value },
      cwd: '/',
      stdin: 'ignore',
    } as const;
    const probe = await this.#launchThrough(slot, fifos, { ...plan, uid: undefined, gid: undefined, umask: undefined });
    probe.stderr.resume();
    let output = '';
    for await (const bytes of probe.stdout) output += (bytes as Buffer).toString('latin1');
    const { code } = await probe.ended;
    const isExact = code === 0 && output === `PROBE=${value}\n`;
    if (isExact) probe.release?.();
    else slot.close();
    return isExact;
  }

  async #takeSlot({ shell, fifos }: Workshop): Promise<ShellSlot> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const slot = await ShellSlot.start(fifos, { shell, uid: this.#options.uid, gid: this.#options.gid });
    this.#slots.add(slot);
    void slot.gone.then(() => this.#forget(slot));
    return slot;
  }

  #putBack(slot: ShellSlot): void {
    if (!this.#slots.has(slot)) return;
    if (this.#isClosed || this.#slots.size > (this.#options.max ?? Number.POSITIVE_INFINITY)) {
      this.#slots.delete(slot);
      slot.close();
    } else this.#idle.push(slot);
  }

  /** Lets the idle shells end, whose descriptors and memory somebody else needs. */
  #shed(): void {
    for (const slot of this.#idle.splice(0)) {
      this.#slots.delete(slot);
      slot.close();
    }
  }

  #forget(slot: ShellSlot): void {
    this.#slots.delete(slot);
    const index = this.#idle.indexOf(slot);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  async #launchThrough(slot: ShellSlot, fifos: FifoDirectory, plan: LaunchPlan): Promise<Launched> {
    const since = performance.now();
    const { input, output, errors } = await this.#openEnds(slot, fifos, plan);
    const stdout = output.begin();
    const stderr = errors.begin();
    const line = commandLine(
      { ...plan, cwd: resolve(plan.cwd ?? '.') },
      { input: input?.path ?? inputPath(plan.stdin), output: output.path, errors: errors.path },
      input === undefined ? undefined : slot.openedWord,
    );
    const { opened, ended: reported } = slot.run(line);
    const unwatch = watchEnd(slot.pid, output, input !== undefined || plan.umask !== undefined);
    const ended = reported.then((code) => {
      unwatch();
      output.finish();
      errors.finish();
      return this.#statusOf(code, errors.end, { slot, plan });
    });
    let stdin: Writable | undefined;
    if (input !== undefined) {
      await opened;
      stdin = writerOf(input, fifos, ended);
    }
    const reach = new Reach(slot, since, ended);
    return {
      pid: undefined,
      stdin,
      stdout,
      stderr,
      ended,
      signalAll: async (signal) => reach.signalAll(signal),
      release: () => {
        reach.release();
        this.#putBack(slot);
      },
    };
  }

  /** Opens our ends of the pipes, all or none. */
  async #openEnds(slot: ShellSlot, fifos: FifoDirectory, { stdin }: LaunchPlan): Promise<Ends> {
    try {
      const [output, errors] = await slot.outputs(fifos);
      if (stdin !== 'pipe') return { output, errors, input: undefined };
      return { output, errors, input: openInput(fifos, await fifos.take()) };
    } catch (error) {
      this.#putBack(slot);
      throw error;
    }
  }

  #statusOf(
    code: number | undefined,
    errorsEnd: string,
    { slot, plan }: { slot: ShellSlot; plan: LaunchPlan },
  ): Status {
    if (code === undefined) {
      // The shell is gone, and with it the one who would have told how the command ends.
      signalGroup(slot.pid, 'SIGKILL');
      slot.disposeOutputs();
      return { code: null, signal: null };
    }
    const failure = startFailed.has(code) ? diagnose(plan.command, plan.cwd) : undefined;
    if (failure !== undefined) throw failure;
    return statusOf(code, errorsEnd);
  }
}

/** Our ends of the pipes of one run. */
interface Ends {
  readonly output: KeptPipe;
  readonly errors: KeptPipe;
  readonly input: Input | undefined;
}

function inputPath(stdin: LaunchPlan['stdin']): string {
  return stdin === 'ignore' ? '/dev/null' : `/proc/${process.pid}/fd/${stdin}`;
}

/**
 * Looks now and then whether a command has closed its output and goes on. The result ends that. A subshell opens the output
 * some time after it was started; with nothing written yet, not having it open means nothing then.
 */
function watchEnd(shell: number, output: KeptPipe, inSubshell: boolean): () => void {
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
