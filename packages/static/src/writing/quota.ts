// How many bytes the files below a root hold together, measured now and then and kept up to date by our own writes.

import { opendir, lstat } from 'node:fs/promises';
import { join } from 'node:path';

/** Others may write below the root too; their changes are noticed this late. */
const REMEASURE_MS = 5 * 60 * 1000;

/** Counts towards a quota; writes in progress count as they grow. */
export class Quota {
  readonly #root: string;
  readonly #maxBytes: number;
  #usedBytes = 0;
  #measuredAtMs = Number.NEGATIVE_INFINITY;
  #measuring: Promise<void> | undefined;

  constructor(root: string, maxBytes: number) {
    this.#root = root;
    this.#maxBytes = maxBytes;
  }

  /** Makes sure that the count is recent. */
  async measure(): Promise<void> {
    if (this.#maxBytes === Number.POSITIVE_INFINITY || Date.now() - this.#measuredAtMs < REMEASURE_MS) return;
    this.#measuring ??= this.#remeasure().finally(() => {
      this.#measuring = undefined;
    });
    await this.#measuring;
  }

  /** Takes `bytes`, or nothing and false when they do not fit. */
  take(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.#maxBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
  }

  async #remeasure(): Promise<void> {
    this.#usedBytes = await bytesBelow(this.#root);
    this.#measuredAtMs = Date.now();
  }
}

async function bytesBelow(root: string): Promise<number> {
  let bytes = 0;
  const directories = [root];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    try {
      for await (const entry of await opendir(directory)) {
        if (entry.isDirectory()) directories.push(join(directory, entry.name));
        else if (entry.isFile()) bytes += (await lstat(join(directory, entry.name))).size;
      }
    } catch (error) {
      // What vanishes or is closed to us while we count does not count.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }
  return bytes;
}
