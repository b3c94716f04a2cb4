// Work that waits for its turn, and the thread pool, which the storage of all devices shares: one that is slow never has all threads.

import { read } from 'node:fs';
import { promisify } from 'node:util';

/** What runs and waits for one device. */
interface Lane {
  running: number;
  readonly waiting: (() => void)[];
}

/** Lets few run at a time, in the order in which they came, and always one of each device. */
export class Queue {
  readonly #lanes = new Map<number, Lane>();
  readonly #places: number;
  #running = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** Which device it is for may become known while it waits. */
  async run<Value>(work: () => Promise<Value>, device: () => number = () => 0): Promise<Value> {
    const given = device();
    const lane = this.#lanes.get(given) ?? { running: 0, waiting: [] };
    this.#lanes.set(given, lane);
    if (lane.running > 0 && this.#running >= this.#places) {
      await new Promise<void>((resolve) => lane.waiting.push(resolve));
    } else this.#count(lane, 1);
    try {
      if (device() === given) return await work();
    } finally {
      this.#count(lane, -1);
      this.#beginNext();
    }
    return this.run(work, device);
  }

  #count(lane: Lane, runs: number): void {
    this.#running += runs;
    lane.running += runs;
  }

  /** Begins what waits for the place that has become free, of the device that had it or of any. */
  #beginNext(): void {
    for (const [device, lane] of this.#lanes) {
      if (lane.running > 0 && this.#running >= this.#places) continue;
      const next = lane.waiting.shift();
      if (next !== undefined) {
        this.#count(lane, 1);
        next();
      } else if (lane.running === 0) this.#lanes.delete(device);
    }
  }
}

/** Calls of the thread pool: as many as Node has threads, less one for a device that has none. */
export const pool: Queue = new Queue((Number(process.env['UV_THREADPOOL_SIZE']) || 4) - 1);

export const readLater: typeof read.__promisify__ = promisify(read);
