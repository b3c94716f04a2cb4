// Starts commands through long-lived shells. This is the theory of operation of the whole room.
//
// Why shells. `spawn` copies the page tables of the process that calls it, so a server with a large cache stands still for
// tens of milliseconds at each start. A small shell does not (decision 030). There are as many shells as commands that run
// at once; each runs one command at a time and is used again when its command has ended, its outputs are closed, and no
// signal for what is left of it is under way. A shell that dies is forgotten, what was left of its command is killed, and
// the next command gets a new one. Before its first use a shell has to show that it passes bytes and an environment exactly.
// Where none does, in worker threads, without /proc, and for what a shell cannot express, commands are started directly.
//
// How a command is started (`shell.ts`, `command-line.ts`). A shell reads its commands from a FIFO, as its script. A command
// is one line: enter the directory, set the variables, run the file with its streams redirected from and to FIFOs, and
// write `$?` with a word that is known here only to the FIFO on which all shells answer (`status-pipe.ts`). It is a simple
// command, which dash starts by vfork; streamed input and a umask need a subshell (decision 032).
//
// How its output is read (`reused-pipe.ts`, `run.ts`). Each shell keeps one FIFO for standard output and one for standard
// error from command to command, as plain descriptors outside the event loop. Most commands end within milliseconds and
// write less than a pipe holds: when the shell answers, both pipes are read. Zero bytes at the end mean that no process has
// them open for writing, and the result is a value (decision 033). A command that writes and goes on, is silent for longer
// than the caller's patience, has filled its pipe, or leaves a process behind that may still write, gets the pipes as its own
// streams (`output-pipe.ts`), and the shell gets new ones: what one command's processes write never reaches another's reader.
//
// How a command is ended (`session.ts`). A shell leads the session of all commands it has run. Those of the present run are
// told from earlier ones by when they were started; a signal that finds none is owed to a command that has yet to start.
//
// What outlives this process (`guard.ts`). When it is killed, one more shell, the guard, reads the end of its input, ends the
// commands that run, and removes the FIFOs (decision 034). A guard that dies is replaced.
//
// What may go wrong outside. FIFOs that another program removes are noticed before a run and made anew. When no descriptor
// or process is to be had, idle shells are ended, and the command fails with a code that its caller may retry.

import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { checkPlan } from '../process/program.ts';
import { FifoDirectory } from '../process/fifo-directory.ts';
import type { KeptPipe } from './reused-pipe.ts';
import type { Finished, Launched, LaunchPlan } from '../process/launch.ts';
import { BUSY_MS, isBusy, launchDirectly } from '../process/launch-directly.ts';
import { isExpressible } from './command-line.ts';
import { ShellAnswers } from './status-pipe.ts';
import { ShellGuard } from './guard.ts';
import { ShellRun } from './run.ts';
import { ShellSlot } from './shell.ts';
import { openInput } from './streamed-input.ts';
import type { Input } from './streamed-input.ts';
import { checkStrings, ProcessError, startFailure } from '../process/process-error.ts';

/** dash is the quickest; `sh` is it on Debian, and ash on Alpine. bash adds `_` to every environment, and does not pass. */
const SHELLS = ['/bin/dash', '/bin/sh'];
/** What the system may have again in a moment. */
const SHORTAGES = new Set<string | undefined>(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ENOSPC', 'EDQUOT']);

/** A shell was ended by somebody else before it was told of its command, which another shell may start. */
class ShellLost extends ProcessError {
  constructor(command: string) {
    super('spawn-failed', `${command}: the shell that was to start it has ended`);
  }
}

/** Whom the commands run as, and how many shells are kept. */
export interface SpawnerOptions {
  /** Shells beyond this number end when their command has. @default Infinity */
  readonly max?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** Where a working shell was found, and what all shells share. */
interface Equipment {
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
  #equipment: Promise<Equipment | undefined> | undefined;
  /** What `#equipment` came to. */
  #ready: Equipment | undefined;
  /**
   * Whether shells may open files of this process: not those of another user, and none where this process has changed its user, or has a
   * capability of the file that it was started from (setcap).
   */
  #opensFiles = false;
  #isClosed = false;

  constructor(options: SpawnerOptions = {}) {
    this.#options = options;
  }

  /**
   * Starts a command through a shell, or directly where that does not apply. One that has ended within `patienceMs` is its
   * result; 0 asks for streams at once. Rejects with ProcessError.
   */
  readonly run = async (plan: LaunchPlan, patienceMs: number): Promise<Finished | Launched> => {
    try {
      return await this.#runOnce(plan, patienceMs);
    } catch (error) {
      if (!isBusy(error) && !(error instanceof ShellLost)) throw error;
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
    const disposeAfter = async (equipment: Equipment | undefined): Promise<void> => {
      equipment?.fifos.remove();
      await Promise.all(gone);
      dispose(equipment);
    };
    this.#equipment?.then(disposeAfter, () => {});
  }

  /** A run; a promise where a shell or a pipe has to be made first. */
  #begin(plan: LaunchPlan): ShellRun | Promise<ShellRun | Launched> {
    if (this.#isClosed || this.#isBeyondReach(plan) || !isExpressible(plan)) return launchDirectly(plan);
    checkStrings([plan.command, ...plan.args, plan.cwd ?? ''], plan.environment);
    checkPlan(plan);
    const slot = this.#ready === undefined ? undefined : this.#idle.pop();
    if (slot === undefined || this.#ready === undefined) return this.#beginLater(plan);
    return this.#beginIn(slot, this.#ready, plan);
  }

  /** Whether a shell could not open the input, as far as is known. */
  #isBeyondReach({ stdin }: LaunchPlan): boolean {
    if (typeof stdin !== 'number') return false;
    return this.#ready === undefined ? this.#options.uid !== undefined : !this.#opensFiles;
  }

  async #beginLater(plan: LaunchPlan): Promise<ShellRun | Launched> {
    this.#equipment ??= this.#prepare();
    this.#ready = await this.#equipment;
    if (this.#ready === undefined || this.#isBeyondReach(plan)) return launchDirectly(plan);
    return this.#beginIn(this.#idle.pop() ?? (await this.#newSlot(this.#ready)), this.#ready, plan);
  }

  /** Opens our ends of the pipes, all or none, and starts the command. */
  #beginIn(slot: ShellSlot, { fifos }: Equipment, plan: LaunchPlan): ShellRun | Promise<ShellRun> {
    const putBack = (): void => this.#putBack(slot);
    const outputs = slot.outputs(fifos);
    const begin = ([output, errors]: readonly KeptPipe[], input: Input | undefined): ShellRun =>
      new ShellRun({ slot, fifos, plan, output: output as KeptPipe, errors: errors as KeptPipe, input, putBack });
    if (plan.stdin !== 'pipe' && !(outputs instanceof Promise)) return begin(outputs, undefined);
    const opened = async (): Promise<ShellRun> => {
      try {
        const pipes = await outputs;
        const path = plan.stdin === 'pipe' ? await fifos.take() : undefined;
        if (!slot.isGone) return begin(pipes, path === undefined ? undefined : openInput(fifos, path));
        if (path !== undefined) fifos.giveBack(path);
        throw new ShellLost(plan.command);
      } catch (error) {
        putBack();
        throw error;
      }
    };
    return opened();
  }

  /** Looks for a shell that does what we need; undefined when there is none. */
  async #prepare(): Promise<Equipment | undefined> {
    // Not in a worker thread: see `launchDirectly`.
    if (process.platform !== 'linux' || !isMainThread) return undefined;
    for (const shell of SHELLS) {
      const equipment = await this.#equipmentWith(shell);
      if (equipment !== undefined) return equipment;
    }
    return undefined;
  }

  async #equipmentWith(shell: string): Promise<Equipment | undefined> {
    let equipment: Equipment | undefined;
    try {
      equipment = await this.#makeEquipment(shell);
      if (await this.#isFit(await this.#newSlot(equipment), equipment)) return equipment;
    } catch (error) {
      if (equipment !== undefined) dispose(equipment);
      const { code } = error as NodeJS.ErrnoException;
      // No such shell, no `mkfifo`, or no right to become that user, which the direct way will say better.
      if (code !== undefined && !SHORTAGES.has(code) && !(error instanceof ShellLost)) return undefined;
      // The next command may find what was wanting.
      this.#equipment = undefined;
      throw error;
    }
    dispose(equipment);
    return undefined;
  }

  async #makeEquipment(shell: string): Promise<Equipment> {
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

  /** Whether a first shell does what we need, and whether it opens files of ours. It is idle then, or closed. */
  async #isFit(slot: ShellSlot, equipment: Equipment): Promise<boolean> {
    const file = this.#options.uid === undefined ? openSync('/dev/null', 'r') : undefined;
    try {
      this.#opensFiles = file !== undefined && (await this.#isExact(slot, equipment, file));
    } finally {
      if (file !== undefined) closeSync(file);
    }
    if (this.#opensFiles || (await this.#isExact(this.#idle.pop() ?? slot, equipment, 'ignore'))) return true;
    this.#closeIdle();
    return false;
  }

  /** Whether a command gets the environment we give, byte by byte, and nothing else. */
  async #isExact(slot: ShellSlot, equipment: Equipment, stdin: 'ignore' | number): Promise<boolean> {
    const value = `' "$HOME" \\ \`id\` \n${String.fromCharCode(...Array.from({ length: 128 }, (_, index) => 128 + index))}`;
    const none = { uid: undefined, gid: undefined, umask: undefined };
    const plan = { ...none, command: '/usr/bin/env', args: [], environment: { PROBE: value }, cwd: '/' };
    const run = await this.#beginIn(slot, equipment, { ...plan, stdin });
    const probe = await run.launched();
    probe.stderr.resume();
    let output = '';
    for await (const bytes of probe.stdout) output += (bytes as Buffer).toString('latin1');
    const { code } = await probe.ended;
    probe.release?.();
    return code === 0 && output === `PROBE=${value}\n`;
  }

  async #newSlot({ shell, fifos, answers, guard }: Equipment): Promise<ShellSlot> {
    const { uid, gid } = this.#options;
    const slot = await ShellSlot.start(fifos, { shell, answers, uid, gid });
    guard.add(slot.pid);
    this.#slots.add(slot);
    void this.#forgetWhenGone(slot, guard);
    return slot;
  }

  #putBack(slot: ShellSlot): void {
    if (slot.isGone) slot.dropOutputs();
    if (!this.#slots.has(slot)) return;
    if (this.#isClosed || this.#slots.size > (this.#options.max ?? Number.POSITIVE_INFINITY)) {
      this.#slots.delete(slot);
      slot.close();
    } else this.#idle.push(slot);
  }

  #failure(error: unknown, { command, cwd }: LaunchPlan): ProcessError {
    if (error instanceof ProcessError) return error;
    if (SHORTAGES.has((error as NodeJS.ErrnoException).code)) this.#closeIdle();
    return startFailure(error as NodeJS.ErrnoException, command, cwd);
  }

  /** Lets the idle shells end, whose descriptors and memory are needed elsewhere. */
  #closeIdle(): void {
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

function dispose(equipment: Equipment | undefined): void {
  equipment?.guard.dismiss();
  equipment?.answers.close();
  equipment?.fifos.remove();
}
