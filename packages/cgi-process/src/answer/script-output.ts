// The content of a script's answer, read bit by bit and held to the length that was announced.

/** The run that the content comes from. */
export interface ContentSource {
  /** What comes next; undefined at the end. Rejects with CgiError when there is no proper end. */
  more(isComplete: boolean): Promise<Uint8Array | undefined>;
  /** Ends the script: what it writes is for nobody. */
  end(): void;
  /** The reader has left before the end. */
  leave(): void;
  /** The error of content that is too short. */
  cut(got: number, announced: number): unknown;
}

/** An iterator of its own, because a generator that was never started would not notice that it is left. */
export class ScriptContent implements AsyncIterableIterator<Uint8Array> {
  readonly #run: ContentSource;
  readonly #length: number | undefined;
  #first: Uint8Array | undefined;
  #got = 0;
  #done = false;

  constructor(run: ContentSource, first: Uint8Array, length: number | undefined) {
    this.#run = run;
    this.#first = first.length === 0 ? undefined : first;
    this.#length = length;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#done) return { done: true, value: undefined };
    try {
      let bytes: Uint8Array | undefined;
      // A chunk without bytes says nothing.
      do bytes = this.#takeFirst() ?? (await this.#run.more(this.#got === this.#length));
      while (bytes?.length === 0);
      if (bytes === undefined) return this.#finish();
      const value = this.#fitted(bytes);
      return value.length === 0 ? { done: true, value: undefined } : { done: false, value };
    } catch (error) {
      this.#done = true;
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#done) this.#run.leave();
    this.#done = true;
    return { done: true, value: undefined };
  }

  #takeFirst(): Uint8Array | undefined {
    const first = this.#first;
    this.#first = undefined;
    return first;
  }

  #finish(): IteratorResult<Uint8Array> {
    if (this.#length !== undefined && this.#got < this.#length) throw this.#run.cut(this.#got, this.#length);
    this.#done = true;
    return { done: true, value: undefined };
  }

  /** Bytes beyond the announced length would be read as the next response: they are cut and their writer is ended. */
  #fitted(bytes: Uint8Array): Uint8Array {
    const left = (this.#length ?? Number.POSITIVE_INFINITY) - this.#got;
    this.#got += Math.min(bytes.length, left);
    if (bytes.length > left) this.#run.end();
    this.#done = bytes.length > left;
    return bytes.length > left ? bytes.subarray(0, left) : bytes;
  }
}
