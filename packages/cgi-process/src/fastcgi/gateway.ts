// From a request to an application and back: which script, its content, a place, a connection, an answer.

import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { redirectTo, responseOf } from '../answer/finished-answer.ts';
import { notModified } from '../answer/not-modified.ts';
import { KnownHeads } from '../answer/script-header.ts';
import type { ScriptHead } from '../answer/script-header.ts';
import { ScriptStderr } from '../answer/stderr.ts';
import { CgiError } from '../cgi-error.ts';
import type { CgiRequest, CgiResponse } from '../message.ts';
import { completed } from '../options.ts';
import { allowedMethods, checkHead, refusal, slashRedirect } from '../request/refuse.ts';
import { fileFinder } from '../request/find-script.ts';
import type { FindScript, FoundScript } from '../request/find-script.ts';
import { RunQueue } from '../request/run-queue.ts';
import { collectContent, nothing } from '../spool/collect-content.ts';
import type { Collected } from '../spool/collect-content.ts';
import type { ReadAheadOptions } from '../spool/read-ahead.ts';
import { SpoolBudget } from '../spool/spool-file.ts';
import { afterSharedMs } from '../shared-timers.ts';
import { afterMs } from '../timer.ts';
import { addressOf } from './address.ts';
import { isSafe, isUnanswered, MAX_ATTEMPTS, unanswered, waitForRestart } from './attempts.ts';
import { BackendAnswer } from './backend-answer.ts';
import { responseWithContent } from './content-response.ts';
import { Backends } from './backends.ts';
import type { Connection } from './connection.ts';
import { RequestHeads } from './request-heads.ts';
import { gatewayConcurrencyTable, gatewayLimitsTable } from './options.ts';
import type { GatewayLimits, GatewayOptions } from './options.ts';
import { FastcgiOutput, ScgiOutput } from './output.ts';
import type { BackendOutput, BackendRequest } from './output.ts';
import type { GatewayState } from './state.ts';

/** Which of the two an application speaks. */
export type Protocol = 'fastcgi' | 'scgi';

/** A new connection that takes longer than this and several usual answers may be in the queue of the socket. */
const LEAST_PATIENCE_MS = 1;
const PATIENCE_TIMES = 4;
/** When a client that leaves is worth to be noticed before its answer: an application that is busy takes as long as this. */
const WATCH_MS = 250;

/** A request with all that is needed to ask. */
interface Job {
  readonly request: CgiRequest;
  readonly found: FoundScript;
  readonly content: Collected;
  /** Whether content that is whole has to last no longer than this turn of the loop. */
  readonly isForNow: boolean;
}

/** How a request is asked. */
interface Attempt {
  readonly mayUseKept: boolean;
  readonly isRetry: boolean;
  /** Gives its place back. */
  readonly over: () => void;
}

export class Gateway {
  readonly find: FindScript;
  readonly sharesRoot: boolean;
  readonly #options: GatewayOptions;
  readonly #protocol: Protocol;
  readonly #limits: { readonly [Name in keyof GatewayLimits]-?: number };
  readonly #name: string;
  readonly #heads: RequestHeads;
  readonly #known = new KnownHeads();
  readonly #backends: Backends;
  readonly #queue: RunQueue;
  readonly #ahead: ReadAheadOptions;
  readonly #stderr: ScriptStderr;
  readonly #methods: ReadonlySet<string> | undefined;
  /** Makes sure that somebody listens. */
  readonly #prepare: (() => Promise<void>) | undefined;
  readonly #running = new Set<BackendOutput>();
  /** Requests that have a place, whether or not they have a connection yet. */
  #active = 0;
  /** One for each call of `close` that waits. */
  readonly #whenIdle: (() => void)[] = [];
  /** How long a kept connection takes to its header, a moving average. */
  #typicalMs = 0;

  constructor(options: GatewayOptions, protocol: Protocol, prepare?: () => Promise<void>) {
    this.#options = options;
    this.#prepare = prepare;
    this.#protocol = protocol;
    this.#limits = completed(gatewayLimitsTable, options.limits);
    const concurrency = completed(gatewayConcurrencyTable, options.concurrency);
    const texts = typeof options.address === 'string' ? [options.address] : options.address;
    this.#backends = new Backends({
      addresses: texts.map((text) => ({ text, address: addressOf(text, protocol) })),
      connectTimeoutMs: this.#limits.connectTimeoutMs,
      maxIdle: concurrency.maxIdle,
      idleMs: concurrency.keepIdleMs,
    });
    this.#queue = new RunQueue(concurrency);
    const { spoolTotalBytes, spoolMemoryBytes: memoryBytes, spoolFileBytes: fileBytes } = this.#limits;
    this.#ahead = { memoryBytes, fileBytes, budget: new SpoolBudget(spoolTotalBytes) };
    this.#stderr = new ScriptStderr(options.log, this.#limits.maxStderrBytes);
    this.#methods = allowedMethods(options.methods);
    this.find = fileFinder(options);
    const place = options.root ?? options.directory;
    const root = place === undefined ? undefined : realpathSync(resolve(place));
    this.#heads = new RequestHeads(protocol, options, root);
    this.#name = texts.join(', ');
    this.sharesRoot = options.root !== undefined;
  }

  /** Asks for what a path names. With `isForNow` the answer may be lent. */
  async respond(request: CgiRequest, isForNow = false): Promise<CgiResponse> {
    return this.#answered(request, request.pathInfo, isForNow);
  }

  /** Asks the front controller, whatever the path. */
  async respondFromFront(request: CgiRequest, isForNow = false): Promise<CgiResponse> {
    return this.#answered(request, `/${this.#options.front}`, isForNow);
  }

  /** What it is doing now. */
  get state(): GatewayState {
    return { busy: this.#active, queued: this.#queue.waiting, backends: this.#backends.states };
  }

  /** Takes nothing more, and ends what is under way after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#queue.close();
    const idle = new Promise<void>((done) => {
      if (this.#active === 0) done();
      else this.#whenIdle.push(done);
    });
    const stop = afterMs(graceMs, () => {
      this.#backends.close();
      for (const output of this.#running) output.abort();
    });
    await idle;
    stop();
    this.#backends.close();
  }

  async #answered(request: CgiRequest, path: string, isForNow: boolean): Promise<CgiResponse> {
    let content = nothing;
    try {
      const found = this.find(path);
      if (found.kind === 'missing-slash') return slashRedirect(request);
      checkHead(request, this.#methods, this.#limits.maxContentBytes);
      if (request.contentLength !== 0) content = await this.#collect(request);
      return await this.#ask({ request, found, content, isForNow });
    } catch (error) {
      content.dispose();
      if (!(error instanceof CgiError)) throw error;
      return refusal(error, { methods: this.#methods, sharesRoot: this.sharesRoot });
    }
  }

  async #collect({ content, contentLength }: CgiRequest): Promise<Collected> {
    return collectContent(content, {
      ...this.#ahead,
      maxBytes: this.#limits.maxContentBytes,
      announced: contentLength,
      whole: contentLength === undefined || this.#options.spool !== 'small',
    });
  }

  async #ask(job: Job): Promise<CgiResponse> {
    const place = this.#queue.enter(job.request);
    const release = place instanceof Promise ? await place : place;
    this.#active++;
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      job.content.dispose();
      release();
      this.#active--;
      if (this.#active === 0) for (const done of this.#whenIdle.splice(0)) done();
    };
    const mayRepeat = isSafe(job.request.method) && job.content.rest === undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(job, { mayUseKept: mayRepeat && attempt === 1, isRetry: attempt > 1, over });
      } catch (error) {
        if (!isUnanswered(error) || !mayRepeat || attempt === MAX_ATTEMPTS) {
          over();
          throw error;
        }
      }
      await waitForRestart(attempt);
    }
  }

  /**
   * One request over one connection. A kept one may have been closed by the application a moment ago, so only requests that may
   * be repeated go over it; others close it, which leaves a child of php-fpm for their new one.
   */
  async #attempt(job: Job, { mayUseKept, isRetry, over }: Attempt): Promise<CgiResponse> {
    const { request, found } = job;
    const name = found.file === '' ? this.#name : found.file;
    const connection = this.#keptFor(mayUseKept) ?? (await this.#opened());
    connection.counts.requests++;
    if (isRetry) connection.counts.retries++;
    const lines = this.#stderr.lines(name, request.id);
    const since = performance.now();
    const isNew = !connection.hasServed;
    const output: BackendOutput = this.#output(
      connection,
      this.#requestOf(job, (bytes) => lines.add(bytes)),
      () => {
        stopWatching();
        lines.end();
        if (output.hasAnswered) over();
      },
    );
    // A signal is expensive to make, and most answers are here before it is worth it.
    const watch = (): void => {
      if (hasLeft(request)) output.abort();
      else request.signal?.addEventListener('abort', () => output.abort(), { once: true });
    };
    const stopWatching = afterSharedMs(WATCH_MS, watch);
    const settings = { name, limits: this.#limits, tail: () => lines.tail, known: this.#known };
    const answer = new BackendAnswer(output, settings);
    try {
      const head = await answer.head();
      if (!isNew) this.#typicalMs += (performance.now() - since - this.#typicalMs) / 8;
      return await this.#response(head, answer, job);
    } catch (error) {
      if (hasLeft(request)) throw new CgiError('client-gone', 'the client left before the answer');
      connection.counts.failures++;
      if (error instanceof CgiError && error.code === 'backend-gone' && !output.hasAnswered) {
        throw unanswered(error.message);
      }
      throw error;
    }
  }

  #keptFor(mayUseKept: boolean): Connection | undefined {
    const kept = this.#protocol === 'fastcgi' ? this.#backends.kept() : undefined;
    if (mayUseKept) return kept;
    kept?.socket.destroy();
    return undefined;
  }

  async #opened(): Promise<Connection> {
    try {
      await this.#prepare?.();
    } catch (error) {
      throw new CgiError('backend-gone', (error as Error).message, { cause: error });
    }
    return this.#backends.open();
  }

  #output(connection: Connection, request: BackendRequest, over: () => void): BackendOutput {
    const Output = this.#protocol === 'fastcgi' ? FastcgiOutput : ScgiOutput;
    const output: BackendOutput = new Output(connection, request, (mayKeep) => {
      this.#running.delete(output);
      if (mayKeep && !this.#isOneWaiting()) this.#backends.keep(connection);
      else connection.socket.destroySoon();
      over();
    });
    this.#running.add(output);
    return output;
  }

  /** Whether a new connection seems to wait for a child that a kept one would hold. */
  #isOneWaiting(): boolean {
    const patient = performance.now() - LEAST_PATIENCE_MS - PATIENCE_TIMES * this.#typicalMs;
    for (const { waitingSince } of this.#running) if (waitingSince !== undefined && waitingSince < patient) return true;
    return false;
  }

  #response(head: ScriptHead, answer: BackendAnswer, { request, isForNow }: Job): CgiResponse | Promise<CgiResponse> {
    const { kind, location } = head;
    const isLocal = kind === 'local-redirect' && this.#options.localRedirect !== false;
    const known = notModified(request, head);
    if (isLocal || known !== undefined) {
      answer.drain().catch(() => {});
      return isLocal ? redirectTo(location ?? '') : responseOf(known ?? head, undefined);
    }
    return responseWithContent(head, answer, { method: request.method, isForNow, ahead: this.#ahead });
  }

  #requestOf({ request, found, content }: Job, stderr: BackendRequest['stderr']): BackendRequest {
    const head = this.#heads.of(request, found, content);
    return { head, content, keep: this.#protocol === 'fastcgi', stderr };
  }
}

function hasLeft({ signal }: CgiRequest): boolean {
  return signal?.aborted === true;
}
