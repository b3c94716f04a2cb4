// What the log says of workers that do not start.

import type { PythonError } from '../python-error.ts';
import type { Worker } from './worker.ts';

/** Where a pool's lines go. */
export type PoolLog = (worker: Worker, line: string, request: string | undefined) => void;

/** Tells each reason once in full, however many workers and attempts meet it. */
export class StartLog {
  readonly #log: PoolLog;
  /** The failure that the log has in full. */
  #told: string | undefined;

  constructor(log: PoolLog) {
    this.#log = log;
  }

  /** A worker did not start. */
  tell(worker: Worker, { message }: PythonError): void {
    const reason = worker.traceback ?? message;
    if (reason === this.#told) return this.#log(worker, `not started, for the same reason: ${message}`, undefined);
    this.#told = reason;
    if (worker.traceback === undefined) return this.#log(worker, `not started: ${message}`, undefined);
    for (const line of worker.traceback.trimEnd().split('\n')) this.#log(worker, line, undefined);
  }

  /** A worker has started: the next failure is told in full. */
  started(): void {
    this.#told = undefined;
  }
}
