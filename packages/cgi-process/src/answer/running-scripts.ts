// The scripts of a mount that run, so that they can be waited for and ended.

import type { LaunchedProcess } from '../process/unix-process.ts';
import { afterMs } from '../timer.ts';

/** How many run, and those among them that take long enough to be ended. */
export class RunningScripts {
  readonly #processes = new Set<LaunchedProcess>();
  #count = 0;
  /** Those among them that cannot be ended: a script may have become another user. */
  #lost = 0;
  #isEnding = false;
  /** One for each call of `close` that waits. */
  #whenIdle: (() => void)[] = [];

  /** A run begins. The result says that nothing of it is left; it may be called again, and does nothing then. */
  begin(): () => void {
    this.#count++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#count--;
      this.#tell();
    };
  }

  /** Such a run has become a process that can be ended, and is, when it is time. */
  watch(process: LaunchedProcess): void {
    this.#processes.add(process);
    if (this.#isEnding) void this.#end(process);
  }

  /** Nothing is left of it. */
  forget(process: LaunchedProcess): void {
    if (!this.#processes.delete(process)) this.#lost--;
  }

  async #end(process: LaunchedProcess): Promise<void> {
    await process.stop();
    if (!this.#processes.delete(process)) return;
    this.#lost++;
    this.#tell();
  }

  #tell(): void {
    if (this.#count === this.#lost) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Lets all end for `graceMs`, then ends them. Resolves when nothing runs that can be ended. May be called again: the first grace to end counts. */
  async close(graceMs: number): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      if (this.#count === this.#lost) resolve();
      else this.#whenIdle.push(resolve);
    });
    const stop = afterMs(graceMs, () => {
      this.#isEnding = true;
      for (const process of this.#processes) void this.#end(process);
    });
    await idle;
    stop();
  }
}
