// Starts commands through long-lived shells, so that what a start costs does not grow with this process.
//
// `spawn` copies the page tables of the process that calls it: a server with a large cache would stand still for tens of
// milliseconds at each start. A small shell does not. There are as many shells as commands run at once; each is used again
// when its command has ended, its output is closed, and nothing of it remains to be killed. A shell that dies is forgotten,
// what was left of its command is killed, and the next command gets a new one.
//
// Before the first use a shell must show that it passes bytes and an environment exactly. Where none does, or where there
// is no /proc to find processes by, and for what a shell cannot express, commands are started directly.

import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { checkPlan } from '../process/program.ts';
import { FifoDirectory } from '../process/fifo-directory.ts';
import type { KeptPipe } from './reused-pipe.ts';
import type { Finished, Launched, LaunchPlan } from '../process/launch.ts';
import { BUSY_MS, isBusy, launchDirectly } from '../process/launch-directly.ts';
import { isExpressible } from './command-line.ts';
import { ProcessError } from '../process/process-error.ts';
import { ShellAnswers } from './status-pipe.ts';
import { ShellGuard } from './guard.ts';
import { ShellRun } from './run.ts';
import { ShellSlot } from './shell.ts';
import { openInput } from './streamed-input.ts';
import type { Input } from './streamed-input.ts';
import { checkStrings, startFailure } from '../process/start-failure.ts';

/** dash is the quickest; `sh` is it on Debian, and ash on Alpine. */
const SHELLS = ['/bin/dash', '/bin/sh'];
/** What the system may have again in a moment. */
const passing = new Set<string | undefined>(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ENOSPC', 'EDQUOT']);
/** Whom the commands run as, and how many shells are kept. */
export interface SpawnerOptions {
  /** Shells beyond this number end when their command has. @default Infinity */
  readonly max?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** Where a working shell was found, and what all shells share. */
interface Workshop {
  readonly shell: string;
  readonly fifos: FifoDirectory;
  readonly answers: ShellAnswers;
  readonly guard: ShellGuard;
}

/** A set of shells that start commands. */
export class ShellSpawner {
  readonly #options: SpawnerOptions;
  readonly #idle: ShellSlot[] = [];
  readonly #slots = new Set<ShellSlot>();
  #workshop: Promise<Workshop | undefined> | undefined;
  /** What `#workshop` came to. */
  #ready: Workshop | undefined;
  #isClosed = false;

  constructor(options: SpawnerOptions = {}) {
    this.#options = options;
  }

  /** Starts a command through a shell, or directly where that does not apply. */
  readonly launch = async (plan: LaunchPlan): Promise<Launched> => {
    try {
      const run = await this.#begin(plan);
      return run instanceof ShellRun ? await run.launched() : run;
    } catch (error) {
      throw this.#failure(error, plan);
    }
  };

  /** The same, with a wait of so many milliseconds, or 0: a command that is over by then is its result. */
  readonly run = async (plan: LaunchPlan, patienceMs: number): Promise<Finished | Launched> => {
    try {
      return await this.#runOnce(plan, patienceMs);
    } catch (error) {
      if (!isBusy(error)) throw error;
      await delay(BUSY_MS);
      return this.#runOnce(plan, patienceMs);
    }
  };

  async #runOnce(plan: LaunchPlan, patienceMs: number): Promise<Finished | Launched> {
    try {
      const begun = this.#begin(plan);
      const run = begun instanceof Promise ? await begun : begun;
      if (!(run instanceof ShellRun)) return run;
      const isWatched = plan.stdin === 'pipe' || patienceMs === 0;
      return await (isWatched ? run.launched() : run.finishedOrLaunched(patienceMs));
    } catch (error) {
      throw this.#failure(error, plan);
    }
  }

  /** Ends all shells. */
  close(): void {
    this.#isClosed = true;
    const gone = [...this.#slots].map(async (slot) => {
      slot.close();
      return slot.gone;
    });
    const disposeAfter = async (workshop: Workshop | undefined): Promise<void> => {
      workshop?.fifos.remove();
      await Promise.all(gone);
      dispose(workshop);
    };
    this.#workshop?.then(disposeAfter, () => {});
  }

  /** A run; a promise where a shell or a pipe has to be made first. */
  #begin(plan: LaunchPlan): ShellRun | Promise<ShellRun | Launched> {
    // A shell that runs as somebody else could not open a file of ours.
    const isReadable = typeof plan.stdin !== 'number' || this.#options.uid === undefined;
    if (this.#isClosed || !isReadable || !isExpressible(plan)) return launchDirectly(plan);
    checkStrings([plan.command, ...plan.args, plan.cwd ?? ''], plan.environment);
    checkPlan(plan);
    const slot = this.#ready === undefined ? undefined : this.#idle.pop();
    if (slot === undefined || this.#ready === undefined) return this.#beginLater(plan);
    return this.#beginIn(slot, this.#ready, plan);
  }

  async #beginLater(plan: LaunchPlan): Promise<ShellRun | Launched> {
    this.#workshop ??= this.#prepare();
    this.#ready = await this.#workshop;
    if (this.#ready === undefined) return launchDirectly(plan);
    return this.#beginIn(this.#idle.pop() ?? (await this.#newSlot(this.#ready)), this.#ready, plan);
  }

  /** Opens our ends of the pipes, all or none, and starts the command. */
  #beginIn(slot: ShellSlot, { fifos }: Workshop, plan: LaunchPlan): ShellRun | Promise<ShellRun> {
    const putBack = (): void => this.#putBack(slot);
    const outputs = slot.outputs(fifos);
    const begin = ([output, errors]: readonly KeptPipe[], input: Input | undefined): ShellRun =>
      new ShellRun({ slot, fifos, plan, output: output as KeptPipe, errors: errors as KeptPipe, input, putBack });
    if (plan.stdin !== 'pipe' && !(outputs instanceof Promise)) return begin(outputs, undefined);
    const opened = async (): Promise<ShellRun> => {
      try {
        return begin(await outputs, plan.stdin === 'pipe' ? openInput(fifos, await fifos.take()) : undefined);
      } catch (error) {
        putBack();
        throw error;
      }
    };
    return opened();
  }

  /** Looks for a shell that does what we need; undefined when there is none. */
  async #prepare(): Promise<Workshop | undefined> {
    // Not in a worker thread: see `launchDirectly`.
    if (process.platform !== 'linux' || !isMainThread) return undefined;
    for (const shell of SHELLS) {
      const workshop = await this.#workshopWith(shell);
      if (workshop !== undefined) return workshop;
    }
    return undefined;
  }

  async #workshopWith(shell: string): Promise<Workshop | undefined> {
    let workshop: Workshop | undefined;
    try {
      workshop = await this.#furnished(shell);
      if (await this.#isExact(await this.#newSlot(workshop), workshop)) return workshop;
    } catch (error) {
      if (workshop !== undefined) dispose(workshop);
      const { code } = error as NodeJS.ErrnoException;
      // No such shell, no `mkfifo`, or no right to become that user, which the direct way will say better.
      if (code !== undefined && !passing.has(code)) return undefined;
      // The next command may find what was wanting.
      this.#workshop = undefined;
      throw error;
    }
    dispose(workshop);
    return undefined;
  }

  async #furnished(shell: string): Promise<Workshop> {
    const { uid, gid } = this.#options;
    const fifos = new FifoDirectory(uid === undefined ? undefined : { uid, gid: gid ?? uid });
    try {
      const answers = new ShellAnswers(await fifos.take());
      return { shell, fifos, answers, guard: new ShellGuard(shell, fifos) };
    } catch (error) {
      fifos.remove();
      throw error;
    }
  }

  /** Whether a command gets the environment we give, byte by byte, and nothing else. */
  async #isExact(slot: ShellSlot, workshop: Workshop): Promise<boolean> {
    const value = `' "$HOME" \\ \`id\` \n${String.fromCharCode(...Array.from({ length: 128 }, (_, index) => 128 + index))}`;
    const none = { uid: undefined, gid: undefined, umask: undefined };
    const plan = { ...none, command: '/usr/bin/env', args: [], environment: { PROBE: value }, cwd: '/' };
    const run = await this.#beginIn(slot, workshop, { ...plan, stdin: 'ignore' });
    const probe = await run.launched();
    probe.stderr.resume();
    let output = '';
    for await (const bytes of probe.stdout) output += (bytes as Buffer).toString('latin1');
    const { code } = await probe.ended;
    const isExact = code === 0 && output === `PROBE=${value}\n`;
    if (isExact) probe.release?.();
    else slot.close();
    return isExact;
  }

  async #newSlot({ shell, fifos, answers, guard }: Workshop): Promise<ShellSlot> {
    const { uid, gid } = this.#options;
    const slot = await ShellSlot.start(fifos, { shell, answers, uid, gid });
    guard.add(slot.pid);
    this.#slots.add(slot);
    void this.#forgetWhenGone(slot, guard);
    return slot;
  }

  #putBack(slot: ShellSlot): void {
    if (!this.#slots.has(slot)) return;
    if (this.#isClosed || this.#slots.size > (this.#options.max ?? Number.POSITIVE_INFINITY)) {
      this.#slots.delete(slot);
      slot.close();
    } else this.#idle.push(slot);
  }

  #failure(error: unknown, { command, cwd }: LaunchPlan): ProcessError {
    if (error instanceof ProcessError) return error;
    if (passing.has((error as NodeJS.ErrnoException).code)) this.#shed();
    return startFailure(error as NodeJS.ErrnoException, command, cwd);
  }

  /** Lets the idle shells end, whose descriptors and memory somebody else needs. */
  #shed(): void {
    for (const slot of this.#idle.splice(0)) {
      this.#slots.delete(slot);
      slot.close();
    }
  }

  async #forgetWhenGone(slot: ShellSlot, guard: ShellGuard): Promise<void> {
    await slot.gone;
    guard.remove(slot.pid);
    this.#slots.delete(slot);
    const index = this.#idle.indexOf(slot);
    if (index !== -1) this.#idle.splice(index, 1);
  }
}

function dispose(workshop: Workshop | undefined): void {
  workshop?.guard.dismiss();
  workshop?.answers.close();
  workshop?.fifos.remove();
}
