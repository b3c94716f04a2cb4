// Which scripts wrote more than a pipe holds when they last ran: such a script would stand still until it is looked at, so
// its output is read as it comes from the start.

/** What a pipe of Linux holds. */
const PIPE_BYTES = 65_536;
/** Scripts remembered; beyond it all are forgotten, which costs each of them one wait. */
const MAX_REMEMBERED = 1000;

/** The memory of one mount. */
export class LargeOutputs {
  readonly #files = new Set<string>();

  /** Whether a script is likely to fill its pipe. */
  has(file: string): boolean {
    return this.#files.has(file);
  }

  /** Takes note of a run that was streamed. */
  note(file: string, outputBytes: number): void {
    if (outputBytes < PIPE_BYTES) this.#files.delete(file);
    else {
      if (this.#files.size >= MAX_REMEMBERED) this.#files.clear();
      this.#files.add(file);
    }
  }
}
