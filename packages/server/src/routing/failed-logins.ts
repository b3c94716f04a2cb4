// Whoever fails to log in has to wait for the answer: the more often of late, the longer. A user who mistypes does not notice;
// who guesses gets one answer a second for each address, however many connections he has.

import { networkOf } from './password-checks.ts';

/** Failures that cost nothing, all at once. */
const FREE = 10;

/** What a failure beyond these adds to the wait for the next, and the time in which one failure is forgotten. */
const STEP_MS = 1000;

/** Answers of one network that may wait; the next guess is not looked at. */
const WAITING = 10;

/** Networks remembered, a hundred bytes each; those that failed longest ago go first. */
const REMEMBERED = 10_000;

export class FailedLogins {
  /** By network: when all of its failures will be forgotten. */
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether so many answers wait for this client's network that it is not listened to now. */
  isTooMany(address: string): boolean {
    return this.#owedMs(networkOf(address)) >= (FREE + WAITING) * STEP_MS;
  }

  /** Notes a failure; how long its answer has to wait, in milliseconds. Clients without an address cannot be told apart. */
  failed(address: string): number {
    if (address === '') return 0;
    const network = networkOf(address);
    const owedMs = this.#owedMs(network) + STEP_MS;
    this.#until.delete(network);
    this.#until.set(network, this.#now() + owedMs);
    const [oldest] = this.#until.keys();
    if (this.#until.size > REMEMBERED && oldest !== undefined) this.#until.delete(oldest);
    return Math.max(0, owedMs - FREE * STEP_MS);
  }

  #owedMs(network: string): number {
    return Math.max(0, (this.#until.get(network) ?? 0) - this.#now());
  }
}
