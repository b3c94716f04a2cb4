// A long-lived shell that runs one command at a time and says how it ended.
//
// It reads its commands from a FIFO (as its script, so that it may read ahead) and answers on its standard output, which no
// command ever sees: inside a command both outputs are other files. Each answer begins with a word that nobody outside
// knows. The shell has a session of its own, so a command that signals its own group reaches its own and this shell, which
// lets that pass. When this process dies, the FIFO ends and so does the shell.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { FifoDirectory } from '../process/fifo-directory.ts';
import { originalFileLimit } from './descriptor-limit.ts';
import { KeptPipe } from './reused-pipe.ts';
import { signalGroup } from '../process/session.ts';
import type { ShellAnswers } from './status-pipe.ts';

export interface ShellOptions {
  readonly shell: string;
  readonly answers: ShellAnswers;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** Told how a command ended: `$?`, or undefined when the shell is gone and nobody knows. */
export type OnEnded = (code: number | undefined) => void;

/** Looked for once: the processes that started this one may be gone later. */
let fileLimit: { readonly soft: number | undefined } | undefined;

/** One shell. */
export class ShellSlot {
  readonly pid: number;
  /** Resolves when the shell is gone, whatever the cause. */
  readonly gone: Promise<void>;
  /** What a command says when its input is open. */
  readonly openedWord: string;
  readonly #child: ChildProcess;
  readonly #commands: CommandPipe;
  readonly #answers: ShellAnswers;
  readonly #word = randomBytes(12).toString('hex');
  #outputs: readonly KeptPipe[] = [];
  #onEnded: OnEnded | undefined;
  #onOpened: (() => void) | undefined;
  #isGone = false;
  #exitCode: number | null = null;

  /** Starts a shell. Rejects with the system's error when it cannot be started. */
  static async start(fifos: FifoDirectory, options: ShellOptions): Promise<ShellSlot> {
    const path = await fifos.take();
    const commands = new CommandPipe(path);
    try {
      const child = started(path, options.answers.writeEnd, options);
      await Promise.race([
        once(child, 'spawn'),
        once(child, 'error').then(([error]) => Promise.reject(error as Error)),
      ]);
      const slot = new ShellSlot(child, commands, options.answers);
      // The first command shows that the FIFO was opened, so its name is free to go.
      await new Promise<unknown>((resolve) =>
        slot.run(`unset PWD OLDPWD SHLVL PATH;trap : HUP INT QUIT TERM${limitFiles()}`, resolve),
      );
      return slot;
    } catch (error) {
      commands.close();
      throw error;
    } finally {
      fifos.discard(path);
    }
  }

  private constructor(child: ChildProcess, commands: CommandPipe, answers: ShellAnswers) {
    this.#child = child;
    this.#commands = commands;
    this.#answers = answers;
    this.pid = child.pid as number;
    this.openedWord = `${this.#word} opened`;
    answers.listen(this.#word, (text) => this.#hear(text));
    child.unref();
    this.gone = new Promise((resolve) =>
      child.once('exit', (code) => {
        this.#exitCode = code;
        resolve();
      }),
    );
    void this.gone.then(() => this.#lose());
  }

  /** The pipes for standard output and standard error of the next command; a promise where one has to be made. */
  outputs(fifos: FifoDirectory): readonly KeptPipe[] | Promise<readonly KeptPipe[]> {
    const [output, errors] = this.#outputs;
    return output?.isUsable() === true && errors?.isUsable() === true ? this.#outputs : this.#renewed(fifos);
  }

  async #renewed(fifos: FifoDirectory): Promise<readonly KeptPipe[]> {
    const kept: KeptPipe[] = [];
    for (const index of [0, 1]) {
      const before = this.#outputs[index];
      if (before?.isUsable() === false) before.dispose();
      kept.push(before === undefined || before.isUsedUp ? await openedPipe(fifos) : before);
      this.#outputs = [...kept, ...this.#outputs.slice(index + 1)];
    }
    // The first may have been removed while the second was made.
    return kept.every((pipe) => pipe.isUsable()) ? kept : this.#renewed(fifos);
  }

  /** Runs a line, and says when it has ended, and before that when it has said `openedWord`. */
  run(line: string, onEnded: OnEnded, onOpened?: () => void): void {
    if (this.#isGone) {
      onEnded(undefined);
      return;
    }
    this.#onEnded = onEnded;
    this.#onOpened = onOpened;
    this.#answers.awaited();
    this.#commands.write(`${line};echo ${this.#word} $?\n`);
  }

  /** Lets the shell end. */
  close(): void {
    this.#commands.close();
  }

  /** Ends the shell and whatever is in its group, at once. */
  kill(): void {
    // Until it was reaped the number of its group is its own.
    if (this.#isGone || !signalGroup(this.pid, 'SIGKILL')) this.#child.kill('SIGKILL');
  }

  #hear(text: string): void {
    if (text === 'opened') {
      this.#onOpened?.();
      this.#onOpened = undefined;
    } else this.#settle(Number(text));
  }

  #settle(code: number | undefined): void {
    const settle = this.#onEnded;
    if (settle === undefined) return;
    this.#onEnded = undefined;
    this.#onOpened?.();
    this.#onOpened = undefined;
    this.#answers.settled();
    settle(code);
  }

  #lose(): void {
    this.#isGone = true;
    this.#commands.close();
    this.#answers.forget(this.#word);
    // Whoever waits for a command has its pipes.
    if (this.#onEnded === undefined) this.dropOutputs();
    this.#settle(undefined);
  }

  /** Whether the shell has ended. Its pipes are closed then, but for those of a command that it was told of. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether it has ended by itself in the middle of a command, as it does where it cannot fork. */
  get hasGivenUp(): boolean {
    return this.#exitCode !== null && this.#exitCode !== 0;
  }

  /** Closes its pipes. Those that have become streams close themselves. */
  dropOutputs(): void {
    for (const pipe of this.#outputs) pipe.dispose();
  }
}

/** Our end of the FIFO that a shell reads its commands from. */
class CommandPipe {
  #descriptor: number | undefined;
  /** Made for the first line that is longer than the pipe. */
  #socket: Socket | undefined;

  constructor(path: string) {
    // Open for both, so that neither of the two has to wait for the other.
    this.#descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  write(line: string): void {
    const bytes = Buffer.from(line, 'latin1');
    if (this.#socket !== undefined) this.#socket.write(bytes);
    else if (this.#descriptor !== undefined) {
      const written = writtenNow(this.#descriptor, bytes);
      if (written < bytes.length) this.#stream(this.#descriptor).write(bytes.subarray(written));
    }
  }

  close(): void {
    if (this.#socket !== undefined) this.#socket.destroy();
    else if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #stream(descriptor: number): Socket {
    this.#socket = new Socket({ fd: descriptor, readable: false, writable: true }).unref();
    // The shell has gone: that is told elsewhere.
    this.#socket.on('error', () => {});
    return this.#socket;
  }
}

/** A shell that is idle has read everything, so only a long line is taken in part. */
function writtenNow(descriptor: number, bytes: Uint8Array): number {
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

function started(path: string, answers: number, { shell, uid, gid }: ShellOptions): ChildProcess {
  return spawn(shell, [path], {
    env: {},
    cwd: '/',
    detached: true,
    stdio: ['ignore', answers, 'ignore'],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
}

async function openedPipe(fifos: FifoDirectory): Promise<KeptPipe> {
  const path = fifos.takeNow() ?? (await fifos.take());
  try {
    return new KeptPipe(fifos, path);
  } catch (error) {
    fifos.discard(path);
    throw error;
  }
}

/** What gives commands the limit on open files that this process was started with. */
function limitFiles(): string {
  fileLimit ??= { soft: originalFileLimit() };
  return fileLimit.soft === undefined ? '' : `;ulimit -S -n ${fileLimit.soft}`;
}
