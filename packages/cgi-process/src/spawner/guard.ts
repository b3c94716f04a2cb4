// A small shell that outlives this process for a moment, and ends what it would leave behind.
//
// A shell that waits for a command learns only after it that there will be no more commands: when this process is killed, a
// command that is silent would go on for as long as it likes, and the FIFOs would stay. The guard knows the shells, reads
// the end of its input when this process is gone, whatever the cause, ends the commands that run then, and removes the
// directory. What earlier commands left running in shells that are idle then is let be.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

/** From SIGTERM to SIGKILL. */
const GRACE_SECONDS = 1;

const PROGRAM = `
shells=
while read -r sign pid; do
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
rm -rf -- "$1"
`;

/** The guard of one directory and the shells whose FIFOs are in it. */
export class ShellGuard {
  readonly #child: ChildProcess | undefined;

  /** Starts it. Where that fails there is none, and nothing else is different. */
  constructor(shell: string, directory: string) {
    try {
      this.#child = spawn(shell, ['-c', PROGRAM, shell, directory], {
        env: {},
        cwd: '/',
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
    } catch {
      // Some shortages are thrown, others are events.
      return;
    }
    this.#child.on('error', () => {});
    this.#child.stdin?.on('error', () => {});
    this.#child.unref();
    (this.#child.stdin as Socket | null)?.unref();
  }

  /** There is a shell, the leader of a process group. */
  add(pid: number): void {
    this.#child?.stdin?.write(`+ ${pid}\n`);
  }

  /** The shell has gone. */
  remove(pid: number): void {
    this.#child?.stdin?.write(`- ${pid}\n`);
  }

  /** Ends the guard: everything else has ended in good order. */
  dismiss(): void {
    this.#child?.kill('SIGKILL');
  }
}
