// What the requests of one gateway share: settings, connections, and how long answers take.

import { KnownHeads } from '../answer/script-header.ts';
import { ScriptStderr } from '../answer/stderr.ts';
import { CgiError } from '../cgi-error.ts';
import type { CgiResponse } from '../message.ts';
import { completed } from '../options.ts';
import { refusal } from '../request/refuse.ts';
import type { ReadAheadOptions } from '../spool/read-ahead.ts';
import { afterSharedMs } from '../shared-timers.ts';
import { SpoolBudget } from '../spool/spool-file.ts';
import { addressOf } from './address.ts';
import { Backends } from './backends.ts';
import type { Connection } from './connection.ts';
import { gatewayConcurrencyTable, gatewayLimitsTable } from './options.ts';
import type { GatewayLimits, GatewayOptions } from './options.ts';
import { RequestHeads } from './request-heads.ts';
import type { Protocol } from './request-heads.ts';
import { Line } from './line.ts';
import type { Lined } from './line.ts';
import type { BackendState } from './state.ts';

/** A new connection that takes longer than this and several usual answers may be in the queue of the socket. */
const LEAST_PATIENCE_MS = 1;
const PATIENCE_TIMES = 4;
/** What nothing is known of yet is looked at after its patience, which is no longer than this. */
const MAX_LOOK_MS = 50;

/** A request on a connection. */
export interface Running {
  /** Where it stands among those that are under way: a set would make a hash of each. */
  place: number;
  abort(): void;
}

/** What a desk is made of beside its options. */
export interface DeskParts {
  readonly protocol: Protocol;
  readonly methods: ReadonlySet<string> | undefined;
  /** Makes sure that somebody listens. */
  readonly prepare: (() => Promise<void>) | undefined;
}

export class Desk {
  readonly options: GatewayOptions;
  readonly limits: { readonly [Name in keyof GatewayLimits]-?: number };
  /** The addresses, as they are named in errors. */
  readonly name: string;
  /** How many there are. */
  readonly addresses: number;
  readonly heads: RequestHeads;
  readonly known: KnownHeads = new KnownHeads();
  readonly ahead: ReadAheadOptions;
  readonly stderr: ScriptStderr;
  readonly #parts: DeskParts;
  readonly #backends: Backends;
  readonly #running: Running[] = [];
  /** Those that have a place and wait for a connection. */
  readonly #line = new Line();
  #isLooking = false;
  #isStopped = false;
  /** Requests that have a place, whether or not they have a connection yet. */
  active = 0;
  /** One for each call of `idle` that waits. */
  readonly #whenIdle: (() => void)[] = [];
  /** How long a kept connection takes to its header, a moving average. */
  #typicalMs = 0;

  constructor(options: GatewayOptions, parts: DeskParts) {
    const { protocol } = parts;
    this.options = options;
    this.#parts = parts;
    this.limits = completed(gatewayLimitsTable, options.limits);
    const { maxIdle, keepIdleMs: idleMs } = completed(gatewayConcurrencyTable, options.concurrency);
    const texts = typeof options.address === 'string' ? [options.address] : options.address;
    const addresses = texts.map((text) => ({ text, address: addressOf(text, protocol) }));
    const { connectTimeoutMs, spoolTotalBytes, spoolMemoryBytes: memoryBytes, spoolFileBytes: fileBytes } = this.limits;
    this.#backends = new Backends({ addresses, connectTimeoutMs, maxIdle, idleMs, learns: this.isFastcgi });
    this.#backends.onRoom = () => this.#open();
    this.ahead = { memoryBytes, fileBytes, budget: new SpoolBudget(spoolTotalBytes) };
    this.stderr = new ScriptStderr(options.log, this.limits.maxStderrBytes);
    this.heads = new RequestHeads(protocol, options);
    this.name = texts.join(', ');
    this.addresses = texts.length;
  }

  get isFastcgi(): boolean {
    return this.#parts.protocol === 'fastcgi';
  }

  get states(): readonly BackendState[] {
    return this.#backends.states;
  }

  /** Whether other routes may have what is not here. */
  get sharesRoot(): boolean {
    return this.options.root !== undefined;
  }

  /** Whether a request waits for a connection that is free, for a moment: `take` is called then. */
  hasLined(request: Lined): boolean {
    if (!this.isFastcgi || this.#isStopped || !this.#backends.isFull) return false;
    this.#line.add(request);
    return true;
  }

  /** A kept connection, where there is one. Who may not use it closes it, which leaves a child of php-fpm for the new one. */
  kept(mayUse: boolean): Connection | undefined {
    const kept = this.isFastcgi ? this.#backends.kept() : undefined;
    if (mayUse) return kept;
    kept?.socket.destroy();
    return undefined;
  }

  /** A new connection. Rejects with CgiError. */
  async opened(): Promise<Connection> {
    return this.#backends.open(
      this.#parts.prepare?.().catch((error: Error) => {
        throw new CgiError('backend-gone', error.message, { cause: error });
      }),
    );
  }

  /** A request is on a connection. */
  runs(request: Running): void {
    request.place = this.#running.length;
    this.#running.push(request);
  }

  /** It is no more. The connection is kept if it may be. */
  hasRun(request: Running, connection: Connection, mayKeep: boolean, now: number): void {
    const { place } = request;
    if (this.#running[place] === request) {
      const last = this.#running.pop() as Running;
      if (last !== request) this.#running[place] = last;
      last.place = place;
    }
    const isFree = mayKeep && !this.#backends.wantsOne(now, now - this.#patienceMs);
    if (isFree && !this.#backends.isOld(connection, now)) return this.#handOn(connection, now);
    // Another is opened in the place of an old one.
    const next = isFree ? this.#line.next() : undefined;
    this.#line.moves();
    connection.leave();
    next?.take();
    connection.uncount();
  }

  /** To who has waited for longest. Who may not use it opens one in its place. */
  #handOn(connection: Connection, now: number): void {
    const next = connection.isOpen ? this.#line.next() : undefined;
    if (next === undefined) {
      this.#backends.keep(connection, now);
      if (!this.#isLooking && this.#backends.holdsWaiting) this.#look();
    } else if (next.mayUseKept) {
      connection.rest(false);
      next.take(connection);
    } else {
      connection.socket.destroy();
      next.take();
      connection.uncount();
    }
  }

  /** Lets those who wait open connections while there is room. */
  #open(): void {
    while (this.#line.length > 0 && (this.#isStopped || !this.#backends.isFull)) this.#line.next()?.take();
  }

  /** Nobody may end any more who would see that a kept connection holds a child that others wait for. */
  #look(): void {
    this.#isLooking = true;
    const ms = LEAST_PATIENCE_MS + Math.min(PATIENCE_TIMES * this.#typicalMs, MAX_LOOK_MS);
    afterSharedMs(ms, () => {
      this.#isLooking = false;
      const now = performance.now();
      if (this.#backends.holdsWaiting && this.#backends.wantsOne(now, now - ms)) {
        const kept = this.#backends.kept();
        kept?.socket.destroy();
        kept?.uncount();
      }
      if (this.#backends.holdsWaiting) this.#look();
    });
  }

  /** Nothing came over a new connection, or what is no answer. */
  unanswered(connection: Connection): void {
    this.#backends.unanswered(connection);
  }

  /** A header came over a kept connection after so long. */
  took(ms: number): void {
    this.#typicalMs += (ms - this.#typicalMs) / 8;
  }

  /** After so long a new connection seems to wait for a child that a kept one would hold. Unlimited before anything is usual. */
  get #patienceMs(): number {
    return this.#typicalMs === 0 ? Number.POSITIVE_INFINITY : LEAST_PATIENCE_MS + PATIENCE_TIMES * this.#typicalMs;
  }

  /** A request has given its place back. */
  left(): void {
    this.active--;
    if (this.active === 0 && this.#whenIdle.length > 0) for (const done of this.#whenIdle.splice(0)) done();
  }

  /** Resolves when no request has a place. */
  async idle(): Promise<void> {
    if (this.active > 0) await new Promise<void>((done) => this.#whenIdle.push(done));
  }

  /** A failure as a bare status. */
  refusal(error: CgiError): CgiResponse {
    return refusal(error, { methods: this.#parts.methods, sharesRoot: this.sharesRoot });
  }

  /** Opens no more connections, and gives up what is under way. */
  stop(): void {
    this.#isStopped = true;
    this.#backends.close();
    this.#open();
    // Who is given up leaves the list.
    for (const request of this.#running.slice()) request.abort();
  }
}
