// Whom a signal for one command reaches, when its shell is the leader of a session that other commands have had before.

import { beginAfter, childOf, membersSince, signalOne, type Begin } from '../process/session.ts';
import type { ShellSlot } from './shell.ts';

/** The processes of one run, out of all that a shell has started. */
export class Reach {
  readonly #slot: ShellSlot;
  readonly #since: number;
  /** The command itself, once it has been seen. */
  #begin: Begin | undefined;
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
    const members = await this.#members();
    for (const pid of members) signalOne(pid, this.#owed ?? 0);
    if (members.length > 0) this.#owed = undefined;
    else if (signal === 'SIGKILL' && !this.#hasEnded) this.#slot.kill();
    return members.length > 0 || !this.#hasEnded;
  }

  /**
   * Before the command is seen, the shell has not started it, and whatever lives in the session is of earlier commands. One
   * that ended unseen may have left others: those that are later than its start for certain are its own.
   */
  async #members(): Promise<readonly number[]> {
    this.#begin ??= await childOf(this.#slot.pid);
    if (this.#begin !== undefined) return membersSince(this.#slot.pid, this.#begin);
    return this.#hasEnded ? membersSince(this.#slot.pid, beginAfter(this.#since)) : [];
  }

  /** The shell is about to run something else. */
  release(): void {
    this.#isReleased = true;
  }
}
