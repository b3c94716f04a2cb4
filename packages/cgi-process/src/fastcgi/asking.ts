// One request on its way: over a connection, again where that closes before any byte of an answer, and back as a response.
//
// Each event calls the next step: between the record that ends an answer and the response there is no promise, and most requests
// need none but the one they are answered with.

import { redirectTo, responseOf } from '../answer/finished-answer.ts';
import { notModified } from '../answer/not-modified.ts';
import type { ScriptHead } from '../answer/script-header.ts';
import type { StderrLines } from '../answer/stderr-lines.ts';
import { CgiError } from '../cgi-error.ts';
import type { CgiRequest, CgiResponse } from '../message.ts';
import type { FoundScript } from '../request/find-script.ts';
import type { Release } from '../request/run-queue.ts';
import { sharedTimer } from '../shared-timers.ts';
import type { Due, SharedTimer } from '../shared-timers.ts';
import type { Collected } from '../spool/collect-content.ts';
import { isSafe, MAX_ATTEMPTS, unanswered, waitForRestart } from './attempts.ts';
import { BackendAnswer } from './backend-answer.ts';
import type { AnswerReader, AnswerSettings, BackendContent } from './backend-answer.ts';
import type { Connection } from './connection.ts';
import { responseWithContent } from './content-response.ts';
import type { Desk, Running } from './desk.ts';
import { FastcgiOutput, ScgiOutput } from './output.ts';
import type { BackendOutput, BackendRequest } from './output.ts';
import type { Lined } from './line.ts';
import type { KnownHead } from './records.ts';

/** When a client that leaves is worth to be noticed before its answer: an application that is busy takes as long as this. */
const WATCH_MS = 250;

/** A request with all that is needed to ask. */
export interface Job {
  readonly request: CgiRequest;
  readonly found: FoundScript;
  readonly content: Collected;
  /** Whether content that is whole has to last no longer than this turn of the loop. */
  readonly isForNow: boolean;
}

export class Asking implements Running, Lined, BackendRequest, AnswerReader, AnswerSettings, Due {
  readonly #desk: Desk;
  readonly #job: Job;
  readonly #release: Release;
  readonly #resolve: (response: CgiResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly #mayRepeat: boolean;
  #attempts = 0;
  #isOver = false;
  /** Of the attempt under way. */
  #connection: Connection | undefined;
  #output: BackendOutput | undefined;
  #answer: BackendAnswer | undefined;
  #head: ScriptHead | undefined;
  #lines: StderrLines | undefined;
  #watch: SharedTimer | undefined;
  #since = 0;
  /** When it was first sent, or began to wait for a connection: all attempts share the time for a header. */
  #began = 0;
  /** When its connection was left. */
  #until: number | undefined;
  /** Among those that are under way. */
  place = 0;
  #isNew = false;
  linedAt = 0;

  private constructor(
    desk: Desk,
    job: Job,
    release: Release,
    settle: { readonly resolve: (response: CgiResponse) => void; readonly reject: (error: unknown) => void },
  ) {
    this.#desk = desk;
    this.#job = job;
    this.#release = release;
    this.#resolve = settle.resolve;
    this.#reject = settle.reject;
    this.#mayRepeat = isSafe(job.request.method) && job.content.rest === undefined;
  }

  /** Asks for a request that has a place. The promise rejects with what is no CgiError. */
  static ask(desk: Desk, job: Job, release: Release): Promise<CgiResponse> {
    desk.active++;
    return new Promise((resolve, reject) => new Asking(desk, job, release, { resolve, reject }).#try());
  }

  /**
   * One attempt over one connection. A kept one may have been closed by the application a moment ago, so only requests that may
   * be repeated go over it.
   */
  #try(): void {
    this.#attempts++;
    const kept = this.#desk.kept(this.#mayRepeat && this.#attempts === 1);
    if (kept !== undefined) return this.#send(kept);
    if (this.#attempts > 1 || !this.#desk.hasLined(this)) this.take();
  }

  get mayUseKept(): boolean {
    return this.#mayRepeat;
  }

  /** Goes over a connection that is free, or over a new one. */
  take(free?: Connection): void {
    if (free !== undefined) return this.#send(free);
    if (this.linedAt > 0 && hasLeft(this.#job.request)) return this.#refuse(leftEarly());
    this.#desk.opened().then(
      (opened) => this.#send(opened),
      (error: unknown) => this.#refuse(error),
    );
  }

  #send(connection: Connection): void {
    try {
      connection.counts.requests++;
      if (this.#attempts > 1) connection.counts.retries++;
      this.#connection = connection;
      this.#lines = undefined;
      const now = performance.now();
      this.#since = now;
      this.#until = undefined;
      this.#isNew = !connection.hasServed;
      connection.teaches = this.#mayRepeat;
      const Output = this.#desk.isFastcgi ? FastcgiOutput : ScgiOutput;
      const output = new Output(connection, this, now);
      this.#output = output;
      this.#desk.runs(this);
      this.#watch = sharedTimer(WATCH_MS, this, now);
      if (this.#attempts === 1) this.#began = this.linedAt > 0 ? this.linedAt : now;
      this.#answer = new BackendAnswer(output, this, this.#began);
      this.#answer.readHead(this, now);
    } catch (error) {
      connection.socket.destroy();
      this.#refuse(error);
    }
  }

  // What goes over the connection.

  get head(): string | KnownHead {
    const { request, found, content } = this.#job;
    return this.#desk.heads.of(request, found, content);
  }

  get content(): Collected {
    return this.#job.content;
  }

  get keep(): boolean {
    return this.#desk.isFastcgi;
  }

  stderr(bytes: Buffer): void {
    this.#lines ??= this.#desk.stderr.lines(this.name, this.#job.request.id);
    this.#lines.add(bytes);
  }

  finished(mayKeep: boolean): void {
    const output = this.#output as BackendOutput;
    this.#until = performance.now();
    // Behind a form or a task that was sent a script often works on, while its connection would take the next request.
    this.#desk.hasRun(this, this.#connection as Connection, mayKeep && this.#mayRepeat, this.#until);
    this.#watch?.stop();
    this.#lines?.end();
    if (output.hasAnswered && !this.#mayMoveOn) this.#over();
  }

  abort(): void {
    this.#output?.abort();
  }

  /** A signal is expensive to make, and most answers are here before it is worth it. */
  due(): void {
    const { request } = this.#job;
    const output = this.#output as BackendOutput;
    if (hasLeft(request)) output.abort();
    else request.signal?.addEventListener('abort', () => output.abort(), { once: true });
  }

  // What comes back.

  get name(): string {
    return this.#job.found.file === '' ? this.#desk.name : this.#job.found.file;
  }

  get limits(): Desk['limits'] {
    return this.#desk.limits;
  }

  get known(): Desk['known'] {
    return this.#desk.known;
  }

  tail(): string {
    return this.#lines?.tail ?? '';
  }

  headRead(head: ScriptHead): void {
    if (!this.#isNew) this.#desk.took((this.#until ?? performance.now()) - this.#since);
    const { request, isForNow } = this.#job;
    const answer = this.#answer as BackendAnswer;
    this.#head = head;
    if (this.#until !== undefined) this.#over();
    const { kind, location } = head;
    const isLocal = kind === 'local-redirect' && this.#desk.options.localRedirect !== false;
    const known = notModified(request, head);
    if (isLocal || known !== undefined) {
      answer.drain().catch(() => {});
      return this.#resolve(isLocal ? redirectTo(location ?? '') : responseOf(known ?? head, undefined));
    }
    // Statuses with pages of their own go on to who makes those.
    answer.readContent(head, { method: request.method, isForNow: isForNow && head.status === 200 }, this);
  }

  contentRead(content: BackendContent): void {
    const { request, isForNow } = this.#job;
    const head = this.#head as ScriptHead;
    const options = { method: request.method, isForNow: isForNow && head.status === 200, ahead: this.#desk.ahead };
    this.#resolve(responseWithContent(head, content, this.#answer as BackendAnswer, options));
  }

  failed(error: unknown): void {
    const { request } = this.#job;
    if (hasLeft(request)) return this.#refuse(leftEarly());
    const connection = this.#connection as Connection;
    const { hasAnswered } = this.#output as BackendOutput;
    connection.counts.failures++;
    if (this.#isNew || hasAnswered) this.#desk.unanswered(connection);
    if (!(error instanceof CgiError)) return this.#refuse(error);
    const isGone = error.code === 'backend-gone';
    if (this.#mayMoveOn && (isGone ? hasAnswered : error.code === 'timed-out')) {
      this.#began = performance.now();
      return this.#try();
    }
    if (!isGone || hasAnswered) return this.#refuse(error);
    const hasTime = performance.now() - this.#began < this.limits.headerTimeoutMs;
    if (this.#mayRepeat && this.#attempts < MAX_ATTEMPTS && hasTime) void this.#again();
    else this.#refuse(unanswered(error.message));
  }

  /** Whether another address is asked where this one breaks off or is silent before its header has ended, as in nginx. */
  get #mayMoveOn(): boolean {
    return this.#head === undefined && this.#mayRepeat && this.#attempts < this.#desk.addresses;
  }

  async #again(): Promise<void> {
    await waitForRestart(this.#attempts);
    this.#try();
  }

  #refuse(error: unknown): void {
    this.#over();
    if (error instanceof CgiError) this.#resolve(this.#desk.refusal(error));
    else this.#reject(error);
  }

  /** Gives the place back. */
  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#job.content.dispose();
    this.#release();
    this.#desk.left();
  }
}

function leftEarly(): CgiError {
  return new CgiError('client-gone', 'the client left before the answer');
}

function hasLeft({ signal }: CgiRequest): boolean {
  return signal?.aborted === true;
}
