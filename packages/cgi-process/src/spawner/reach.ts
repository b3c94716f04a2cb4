// Whom a signal for one command reaches, when its shell is the leader of a session that other commands have had before.

import { membersOf } from './session-members.ts';
import type { ShellSlot } from './shell.ts';

/** The processes of one run, out of all that a shell has started. */
export class Reach {
  readonly #slot: ShellSlot;
  readonly #since: number;
  #hasEnded = false;
  #isReleased = false;
  /** A signal that found nobody: a shell that waits for the processor has yet to start its command. */
  #owed: NodeJS.Signals | undefined;

  constructor(slot: ShellSlot, since: number, ended: Promise<unknown>) {
    this.#slot = slot;
    this.#since = since;
    const end = (): void => {
      this.#hasEnded = true;
    };
    ended.then(end, end);
  }

  async signalAll(signal: NodeJS.Signals | 0): Promise<boolean> {
    if (this.#isReleased) return false;
    if (signal !== 0) this.#owed = signal;
    const members = await membersOf(this.#slot.pid, this.#since);
    for (const pid of members) signalOne(pid, this.#owed ?? 0);
    if (members.length > 0) this.#owed = undefined;
    else if (signal === 'SIGKILL' && !this.#hasEnded) this.#slot.kill();
    return members.length > 0 || !this.#hasEnded;
  }

  /** The shell is about to run something else. */
  release(): void {
    this.#isReleased = true;
  }
}

function signalOne(pid: number, signal: NodeJS.Signals | 0): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // ESRCH: it has ended meanwhile. EPERM: it runs as somebody else by now and is out of our hands.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
