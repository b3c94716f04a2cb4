// How much may be read of what nobody wants. A process that is left behind may write a line now and then, to whoever was its client; one
// that writes for ever as fast as it is read would cost two processors.

const PERIOD_MS = 60_000;
const MAX_BYTES = 16 * 1024 * 1024;

export class Flood {
  #bytes = 0;
  #since = 0;

  /** Whether so many more bytes are too many for the minute. */
  has(count: number): boolean {
    const now = performance.now();
    if (now - this.#since > PERIOD_MS) [this.#bytes, this.#since] = [0, now];
    this.#bytes += count;
    return this.#bytes > MAX_BYTES;
  }
}
