// A long-lived shell that runs one command at a time and says how it ended.
//
// It reads its commands from a FIFO (as its script, so that it may read ahead) and answers on its standard output, which
// no command ever sees: inside a command all three streams are other files. Each answer begins with a word that nobody
// outside knows. The shell has a session of its own, so a command that signals its own group reaches its own and this
// shell, which lets that pass. When this process dies, the FIFO ends and so does the shell.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { FifoDirectory } from './fifo-directory.ts';
import { KeptPipe } from './kept-pipe.ts';

export interface ShellOptions {
  readonly shell: string;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** One shell. */
export class ShellSlot {
  readonly pid: number;
  /** Resolves when the shell is gone, whatever the cause. */
  readonly gone: Promise<void>;
  /** Said by a command when its input is open. */
  readonly openedWord: string;
  readonly #child: ChildProcess;
  readonly #commands: Socket;
  readonly #answers: Readable & { ref(): void; unref(): void };
  readonly #word = randomBytes(12).toString('hex');
  #outputs: readonly KeptPipe[] = [];
  #text = '';
  #onStatus: ((code: number | undefined) => void) | undefined;
  #onOpened: (() => void) | undefined;
  #isGone = false;

  /** Starts a shell. Rejects with the system's error when it cannot be started. */
  static async start(fifos: FifoDirectory, options: ShellOptions): Promise<ShellSlot> {
    const path = await fifos.take();
    const { uid, gid } = options;
    // Open for both, so that neither of the two has to wait for the other.
    const commands = new Socket({
      // oxlint-disable-next-line no-bitwise
      fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
      readable: false,
      writable: true,
    });
    const child = spawn(options.shell, [path], {
      env: {},
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    });
    try {
      await Promise.race([
        once(child, 'spawn'),
        once(child, 'error').then(([error]) => Promise.reject(error as Error)),
      ]);
      const slot = new ShellSlot(child, commands);
      // The first command shows that the FIFO was opened, so its name is free to go.
      await slot.run(`exec 2>&1;unset PWD OLDPWD;trap : HUP INT QUIT TERM`).ended;
      return slot;
    } catch (error) {
      commands.destroy();
      throw error;
    } finally {
      fifos.discard(path);
    }
  }

  private constructor(child: ChildProcess, commands: Socket) {
    this.#child = child;
    this.#commands = commands;
    this.pid = child.pid as number;
    this.openedWord = `${this.#word} opened`;
    this.#answers = child.stdout as Readable & { ref(): void; unref(): void };
    this.#answers.setEncoding('latin1');
    this.#answers.on('data', (text: string) => this.#read(text));
    // An idle shell is no reason for this process to stay.
    this.#answers.unref();
    child.unref();
    commands.unref();
    commands.on('error', () => this.#lose());
    this.gone = new Promise((resolve) => child.once('exit', () => resolve()));
    void this.gone.then(() => this.#lose());
  }

  /** The pipes for standard output and standard error of the next command. */
  async outputs(fifos: FifoDirectory): Promise<readonly [KeptPipe, KeptPipe]> {
    const kept: KeptPipe[] = [];
    for (const index of [0, 1]) {
      const before = this.#outputs[index];
      kept.push(before === undefined || before.isUsedUp ? await openedPipe(fifos) : before);
      this.#outputs = [...kept, ...this.#outputs.slice(index + 1)];
    }
    return kept as [KeptPipe, KeptPipe];
  }

  /** Runs a line. `opened` resolves when the line has said `openedWord`, `ended` to `$?`; to undefined when the shell is gone. */
  run(line: string): { readonly opened: Promise<void>; readonly ended: Promise<number | undefined> } {
    if (this.#isGone) return { opened: Promise.resolve(), ended: Promise.resolve(undefined) };
    this.#answers.ref();
    this.#text = '';
    const opened = new Promise<void>((resolve) => (this.#onOpened = resolve));
    const ended = new Promise<number | undefined>((resolve) => (this.#onStatus = resolve));
    this.#commands.write(`${line};echo ${this.#word} $?\n`, 'latin1');
    return { opened, ended };
  }

  /** Lets the shell end. */
  close(): void {
    this.#commands.destroy();
  }

  /** Ends the shell and whatever is in its group, at once. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Closes the pipes that no command writes to any more. */
  disposeOutputs(): void {
    for (const pipe of this.#outputs) pipe.disposeIdle();
  }

  #read(text: string): void {
    this.#text += text;
    if (this.#onOpened !== undefined && this.#text.includes(`${this.openedWord}\n`)) {
      this.#text = this.#text.replace(`${this.openedWord}\n`, '');
      this.#onOpened();
      this.#onOpened = undefined;
    }
    const start = this.#text.lastIndexOf(`${this.#word} `);
    if (start === -1 || !this.#text.endsWith('\n')) return;
    this.#settle(Number(this.#text.slice(start + this.#word.length + 1)));
  }

  #settle(code: number | undefined): void {
    const settle = this.#onStatus;
    this.#onStatus = undefined;
    this.#onOpened?.();
    this.#onOpened = undefined;
    if (!this.#isGone) this.#answers.unref();
    settle?.(code);
  }

  #lose(): void {
    this.#isGone = true;
    this.#commands.destroy();
    this.#settle(undefined);
    this.disposeOutputs();
  }
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
