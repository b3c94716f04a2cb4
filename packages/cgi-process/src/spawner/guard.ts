// A small shell that outlives this process for a moment, and ends what it would leave behind.
//
// A shell that waits for a command learns only after it that there will be no more commands: when this process is killed, a
// command that is silent would go on for as long as it likes, and the FIFOs would stay. The guard knows the shells, reads
// the end of its input when this process is gone, whatever the cause, ends the commands that run then, and removes the
// directory. What earlier commands left running in shells that are idle then goes on.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { openForWriting } from '../process/fifo-directory.ts';
import type { FifoDirectory } from '../process/fifo-directory.ts';

/** From SIGTERM to SIGKILL. */
const GRACE_SECONDS = 1;

const PROGRAM = `
directory=$1
shift
shells=" $*"
while read -r sign pid; do
  [ "$sign" = / ] && directory=$pid && continue
  others=
  for shell in $shells; do [ "$shell" = "$pid" ] || others="$others $shell"; done
  shells=$others
  [ "$sign" = + ] && shells="$shells $pid"
done
busy=
for shell in $shells; do
  command=
  read -r command <"/proc/$shell/task/$shell/children"
  [ -n "$command" ] && busy="$busy $shell"
done
for shell in $busy; do kill -TERM "-$shell"; done
[ -n "$busy" ] && sleep ${GRACE_SECONDS}
for shell in $busy; do kill -KILL "-$shell"; done
rm -rf -- "$directory"
`;

/** A guard that lives for less than this is not replaced at once: something keeps guards from living. */
const SHORT_LIFE_MS = 1000;

/** The guard of one directory of FIFOs and of the shells that use them. One that dies is replaced. */
export class ShellGuard {
  readonly #shell: string;
  readonly #fifos: FifoDirectory;
  readonly #pids = new Set<number>();
  #child: ChildProcess | undefined;
  /** Our end of its input. Not a pipe of Node's, which stays open where no descriptor is left to start the guard. */
  #input: number | undefined;
  #isDismissed = false;

  /** Starts it. Where that fails there is none for now, and nothing else is different. */
  constructor(shell: string, fifos: FifoDirectory) {
    this.#shell = shell;
    this.#fifos = fifos;
    fifos.whenMoved = () => this.#say('/', fifos.path);
    void this.#start();
  }

  /** There is a shell, the leader of a process group. */
  add(pid: number): void {
    this.#pids.add(pid);
    this.#say('+', pid);
  }

  /** The shell has gone. */
  remove(pid: number): void {
    this.#pids.delete(pid);
    this.#say('-', pid);
  }

  /** Ends the guard: everything else has ended in good order. */
  dismiss(): void {
    this.#isDismissed = true;
    this.#child?.kill('SIGKILL');
    this.#closeInput();
  }

  #say(sign: '+' | '-' | '/', word: number | string): void {
    if (this.#input === undefined) return;
    try {
      writeSync(this.#input, `${sign} ${word}\n`);
    } catch (error) {
      // EPIPE: it has ended, and the next one is told as it starts. EAGAIN: somebody holds it.
      if (!['EPIPE', 'EAGAIN'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  async #start(): Promise<void> {
    const since = performance.now();
    const again = (): void => this.#startAgain(performance.now() - since);
    try {
      const path = this.#fifos.takeNow() ?? (await this.#fifos.take());
      if (this.#isDismissed) return;
      const child = this.#started(path);
      this.#child = child;
      child.once('error', again);
      child.once('exit', again);
      child.unref();
    } catch {
      // Some shortages are thrown, others are events.
      again();
    }
  }

  #started(path: string): ChildProcess {
    // Not told afterwards: this process may be killed before it gets to that.
    const shells = Array.from(this.#pids, String);
    try {
      const { readEnd, writeEnd } = openForWriting(path);
      this.#input = writeEnd;
      try {
        return spawn(this.#shell, ['-c', PROGRAM, this.#shell, this.#fifos.path, ...shells], {
          env: {},
          cwd: '/',
          detached: true,
          stdio: [readEnd, 'ignore', 'ignore'],
        });
      } finally {
        closeSync(readEnd);
      }
    } finally {
      this.#fifos.discard(path);
    }
  }

  #startAgain(livedMs: number): void {
    this.#child = undefined;
    this.#closeInput();
    const start = (): void => {
      if (!this.#isDismissed) void this.#start();
    };
    if (livedMs < SHORT_LIFE_MS) setTimeout(start, SHORT_LIFE_MS).unref();
    else start();
  }

  #closeInput(): void {
    if (this.#input !== undefined) closeSync(this.#input);
    this.#input = undefined;
  }
}
