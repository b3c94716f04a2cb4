// What one write has taken of the quota, and gives back.

import { refusal } from '../refusals.ts';
import { chargeOf, type Quota } from './quota.ts';
import type { WorkFile } from './work-folder.ts';
import { WriteRefused } from './write-refusal.ts';

/** Taken in advance for content whose length was not announced, so that not each chunk asks the quota. */
const STEP_BYTES = 4 * 1024 * 1024;

/** What one write has taken of the quota. */
export class QuotaShare {
  readonly #quota: Quota;
  readonly #file: WorkFile;
  #bytes = 0;
  #isKept = false;

  constructor(quota: Quota, file: WorkFile) {
    this.#quota = quota;
    this.#file = file;
  }

  covers(length: number): boolean {
    return !this.#quota.isLimited || length <= this.#bytes;
  }

  /** Takes what is missing for `length`. Throws a refusal with 507. */
  async need(length: number): Promise<void> {
    if (!(await this.#take(length))) throw new WriteRefused(refusal(507));
  }

  /** Takes what is missing for `length` of content that may go on, with some in advance if there is room. */
  async grow(length: number): Promise<void> {
    if (!(await this.#take(length + STEP_BYTES))) await this.need(length);
  }

  async #take(length: number): Promise<boolean> {
    if (!this.#quota.isLimited) return true;
    const missing = chargeOf(length) - this.#bytes;
    // A measurement counts files by their length, so the length comes first.
    await this.#file.handle.truncate(chargeOf(length));
    const fits = await this.#quota.take(missing);
    if (fits) this.#bytes += missing;
    return fits;
  }

  /** Gives back what was not needed, and cuts the file to its length. */
  async settle(length: number): Promise<void> {
    if (!this.#quota.isLimited) return;
    await this.#file.handle.truncate(length);
    const spare = this.#bytes - chargeOf(length);
    this.#bytes -= spare;
    await this.#quota.give(spare);
  }

  /** The file has taken its place, and keeps what it has. */
  keep(): void {
    this.#isKept = true;
  }

  async end(): Promise<void> {
    if (!this.#isKept) await this.#quota.give(this.#bytes);
  }
}
