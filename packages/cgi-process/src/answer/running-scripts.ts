// The scripts of a mount that run, so that they can be waited for and ended.

import type { LaunchedProcess } from '../process/unix-process.ts';
import { afterMs } from '../timer.ts';

/** How many run, and those among them that take long enough to be ended. */
export class RunningScripts {
  readonly #processes = new Set<LaunchedProcess>();
  #count = 0;
  #isEnding = false;
  #whenIdle: (() => void) | undefined;

  /** A run begins. The result says, once, that nothing of it is left. */
  begin(): () => void {
    this.#count++;
    return () => {
      this.#count--;
      if (this.#count === 0) this.#whenIdle?.();
    };
  }

  /** Such a run has become a process that can be ended, and is, when it is time. */
  watch(process: LaunchedProcess): void {
    this.#processes.add(process);
    if (this.#isEnding) process.stop();
  }

  forget(process: LaunchedProcess): void {
    this.#processes.delete(process);
  }

  /** Lets all end for `graceMs`, then ends them. Resolves when nothing runs. */
  async close(graceMs: number): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      if (this.#count === 0) resolve();
    });
    const stop = afterMs(graceMs, () => {
      this.#isEnding = true;
      for (const process of this.#processes) process.stop();
    });
    await idle;
    stop();
  }
}
