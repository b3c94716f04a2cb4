// The addresses of one application, asked in turn, and the connections to them that are kept. One that hangs or is away is asked after
// the others: each request that waits for it holds a place that the others would use.
//
// A kept connection holds a child of php-fpm, so few are kept, and not for long. An application that is restarted has no socket
// for a moment: a request waits for it within the limit of a connection. One that has been away for longer is asked once for
// each request, so that nobody waits for what is down.

import { setTimeout as delay } from 'node:timers/promises';
import { CgiError } from '../cgi-error.ts';
import { afterSharedMs } from '../shared-timers.ts';
import type { Address } from './address.ts';
import { Capacity } from './capacity.ts';
import { Connection, openConnection } from './connection.ts';
import { noCounts } from './state.ts';
import type { BackendCounts, BackendState } from './state.ts';

/** First wait for an application that is not there; it doubles up to the second. */
const FIRST_WAIT_MS = 10;
const LAST_WAIT_MS = 100;
/**
 * What a restart looks like: no socket, nobody listening, a queue that is full, a socket that php-fpm has bound and not yet given to its
 * owner; and where the application is in a container, no such name.
 */
const PASSING = new Set<string | undefined>([
  'ECONNREFUSED',
  'ENOENT',
  'EAGAIN',
  'ECONNRESET',
  'EACCES',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** For so long an address that could not be reached, or gave no answer, comes after the others. */
const AVOID_MS = 10_000;
/** With so many more connections than another one an address loses its turn: it seems to hang. */
const MAX_AHEAD = 4;

/** What this process, or its machine, lacks for a connection: it says nothing of the application, and passes. */
const SHORTAGES = new Set<string | undefined>(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS']);

/** What bounds connections. */
export interface BackendOptions {
  readonly addresses: readonly { readonly text: string; readonly address: Address }[];
  readonly connectTimeoutMs: number;
  /** Connections that are kept while nothing goes over them. */
  readonly maxIdle: number;
  /** How long each is kept, and how old it may be. */
  readonly idleMs: number;
  /** Whether it is learned how many connections are served at once. Of one address alone. */
  readonly learns?: boolean | undefined;
}

interface Idle {
  readonly connection: Connection;
  /** Of the monotonic clock, in milliseconds. */
  readonly until: number;
}

export class Backends {
  readonly #options: BackendOptions;
  /** Those used last come last. */
  readonly #idle: Idle[] = [];
  #isWatching = false;
  readonly #counts: readonly BackendCounts[];
  /** Of each address. */
  readonly #capacities: readonly Capacity[];
  /** Connections that are opened once the application is prepared. */
  #coming = 0;
  #turn = 0;
  /** Of each address: until when it is avoided. */
  readonly #avoided: number[];
  #downSince: number | undefined;
  #isClosed = false;

  constructor(options: BackendOptions) {
    this.#options = options;
    this.#counts = options.addresses.map(noCounts);
    this.#avoided = options.addresses.map(() => 0);
    const learns = options.learns === true && options.addresses.length === 1;
    this.#capacities = options.addresses.map(() => new Capacity(learns));
  }

  /** What each address was asked. */
  get states(): readonly BackendState[] {
    return this.#options.addresses.map(({ text }, index) => ({
      address: text,
      ...(this.#counts[index] as BackendCounts),
    }));
  }

  /** Whether a new connection would wait at each address. */
  get isFull(): boolean {
    return this.#capacities.every((capacity) => capacity.isFull(this.#coming));
  }

  /** Whether connections seem to wait while others are kept. */
  get holdsWaiting(): boolean {
    return this.#idle.length > 0 && this.#capacities.some((capacity) => capacity.hasWaiting);
  }

  /** Is told when there may be room for one more connection. */
  set onRoom(told: () => void) {
    for (const capacity of this.#capacities) capacity.onRoom = told;
  }

  /** Whether one is to be closed for another that has waited since before `patient`. */
  wantsOne(now: number, patient: number): boolean {
    return this.#capacities.some((capacity) => capacity.wantsOne(now, patient));
  }

  /** A kept connection, the one that was used last. */
  kept(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop()?.connection;
      if (connection === undefined) return undefined;
      if (!connection.isOpen) continue;
      connection.rest(false);
      return connection;
    }
  }

  /** A new connection, once `prepared` has resolved. Rejects as that does, or with CgiError (`backend-gone`, `timed-out`, `closing`). */
  async open(prepared?: Promise<void>): Promise<Connection> {
    if (prepared !== undefined) {
      this.#coming++;
      try {
        await prepared;
      } finally {
        // It is counted as one that is open before anybody else runs.
        this.#coming--;
      }
    }
    const { connectTimeoutMs, addresses } = this.#options;
    const since = performance.now();
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LAST_WAIT_MS)) {
      if (this.#isClosed) throw new CgiError('closing', 'the server stops');
      const opened = await this.#tryAll();
      if (opened instanceof Connection) {
        if (this.#isClosed) {
          // Who stopped what was under way did not know of this one.
          opened.socket.destroy();
          continue;
        }
        this.#downSince = undefined;
        return opened;
      }
      const now = performance.now();
      const isShort = SHORTAGES.has(opened.code);
      // From the start of the wait that found it away, so that nobody waits after that one has ended.
      if (isShort) this.#closeIdle();
      else this.#downSince ??= since;
      const isLate = now - Math.min(since, this.#downSince ?? since) >= connectTimeoutMs;
      if (isLate || !(isShort || PASSING.has(opened.code))) {
        for (const counts of this.#counts) counts.failures++;
        const where = addresses.map(({ text }) => text).join(', ');
        // Nobody is there, or nobody takes what is there: 502 and 504.
        const code = isShort ? 'busy' : opened.code === 'ETIMEDOUT' ? 'timed-out' : 'backend-gone';
        throw new CgiError(code, `${where}: the application cannot be reached: ${opened.message}`, { cause: opened });
      }
      await delay(wait);
    }
  }

  /**
   * Whether a connection has been open for so long that it is not kept, however busy it is: its child is to serve those who wait for
   * it elsewhere, in another mount or process, of whom nobody here knows.
   */
  isOld({ openedAt }: Connection, now: number): boolean {
    return now - openedAt >= this.#options.idleMs;
  }

  /** A new connection gave no answer: for a while others are asked first. */
  unanswered({ counts }: Connection): void {
    this.#avoid(this.#counts.indexOf(counts));
  }

  /** Keeps a connection for the next request. */
  keep(connection: Connection, now: number = performance.now()): void {
    this.#forgetClosed();
    if (this.#isClosed || !connection.isOpen || this.#idle.length >= this.#options.maxIdle) {
      connection.socket.destroy();
      return;
    }
    connection.rest(true);
    this.#idle.push({ connection, until: now + this.#options.idleMs });
    if (!this.#isWatching) this.#watch(this.#options.idleMs);
  }

  #forgetClosed(): void {
    for (const { connection } of this.#idle) {
      if (connection.isOpen) continue;
      return void this.#idle.splice(0, Infinity, ...this.#idle.filter((one) => one.connection.isOpen));
    }
  }

  /** Closes those that were idle for too long, when the first of them may have been: they lie in the order of their time. */
  #watch(ms: number): void {
    this.#isWatching = true;
    afterSharedMs(ms, () => {
      const now = performance.now();
      while (this.#idle[0] !== undefined && this.#idle[0].until <= now) this.#idle.shift()?.connection.socket.destroy();
      const [first] = this.#idle;
      this.#isWatching = first !== undefined;
      if (first !== undefined) this.#watch(first.until - now);
    });
  }

  /** Opens no more, and closes what is kept. */
  close(): void {
    this.#isClosed = true;
    this.#closeIdle();
  }

  #closeIdle(): void {
    for (const { connection } of this.#idle.splice(0)) connection.socket.destroy();
  }

  async #tryAll(): Promise<Connection | NodeJS.ErrnoException> {
    const { addresses, connectTimeoutMs } = this.#options;
    let failure: NodeJS.ErrnoException = new Error('no address');
    for (const index of this.#order()) {
      this.#turn = index + 1;
      const { address } = addresses[index] as (typeof addresses)[number];
      try {
        return await openConnection(address, connectTimeoutMs, this.#counts[index], this.#capacities[index]);
      } catch (error) {
        failure = error as NodeJS.ErrnoException;
        this.#avoid(index);
      }
    }
    return failure;
  }

  /** The addresses in turn, those last that seem to hang or to be away. */
  #order(): readonly number[] {
    const { length } = this.#capacities;
    if (length === 1) return [0];
    const now = performance.now();
    const least = Math.min(...this.#capacities.map(({ open }) => open));
    const rank = (index: number): number => {
      if ((this.#avoided[index] ?? 0) > now) return Number.MAX_SAFE_INTEGER;
      return Math.max(0, (this.#capacities[index]?.open ?? 0) - least - MAX_AHEAD);
    };
    const inTurn = Array.from({ length }, (_, step) => (this.#turn + step) % length);
    return inTurn.toSorted((one, other) => rank(one) - rank(other));
  }

  #avoid(index: number): void {
    this.#avoided[index] = performance.now() + AVOID_MS;
  }
}
