// A task that runs once at a time: requests that come while it runs share one more run after it.

/** Runs a task, never twice at once, and as seldom as every request allows. */
export class Coalesced {
  readonly #task: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(task: () => Promise<void>) {
    this.#task = task;
  }

  /** Resolves, or rejects, with a run that began after this call. */
  run(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#task().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    // What the caller has changed may have come too late for the run under way.
    this.#next ??= this.#running
      .catch(() => {}) // its own callers have the error
      .then(() => {
        this.#next = undefined;
        return this.run();
      });
    return this.#next;
  }
}
