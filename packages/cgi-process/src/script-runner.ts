// From a request whose script was found and whose content is here to a response: a place, a run, and its answer.

import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { answerOf, isNonParsed, redirectTo, responseOf, unparsedOf } from './answer/finished-answer.ts';
import { notModified } from './answer/not-modified.ts';
import { RunningScripts } from './answer/running-scripts.ts';
import type { ScriptHead } from './answer/script-header.ts';
import { ScriptStderr } from './answer/stderr.ts';
import { ScriptRun, startError } from './answer/streamed-answer.ts';
import { CgiError } from './cgi-error.ts';
import type { CgiRequest, CgiResponse } from './message.ts';
import { completed, concurrencyTable } from './options.ts';
import type { CgiLimits, CgiOptions } from './options.ts';
import type { Finished, Launched, LaunchPlan } from './process/launch.ts';
import { BUSY_MS, isBusy, launchDirectly } from './process/launch-directly.ts';
import { withOwnGroup } from './process/owner.ts';
import { ProcessError } from './process/process-error.ts';
import type { Exit } from './process/process-options.ts';
import { LaunchedProcess } from './process/unix-process.ts';
import type { FoundScript } from './request/find-script.ts';
import { RunPlanner } from './request/run-plan.ts';
import { RunQueue } from './request/run-queue.ts';
import { LargeOutputs } from './spawner/large-outputs.ts';
import { ShellSpawner } from './spawner/spawner.ts';
import type { Collected } from './spool/collect-content.ts';
import { readAhead } from './spool/read-ahead.ts';
import type { SpoolBudget } from './spool/spool-file.ts';

/** How long a silent script goes unwatched: less than anybody notices, and longer than most scripts take. */
const PATIENCE_MS = 100;
/** Places for each processor, since scripts wait more than they work, and the least on a small machine. */
const PLACES_FOR_EACH_PROCESSOR = 4;
const LEAST_PLACES = 8;
/** Requests that wait for each place: at 100 ms a run the last of them waits two seconds. */
const WAITING_FOR_EACH_PLACE = 16;

/** Every limit, none left open. */
export type ScriptLimits = { readonly [Name in keyof CgiLimits]-?: number };

/** A request, the script that answers it, and its content. */
export interface Job {
  readonly request: CgiRequest;
  readonly found: FoundScript;
  readonly content: Collected;
}

/** When a run began, and what is to be called when nothing of it is left. */
interface Run {
  readonly since: number;
  readonly over: () => void;
}

/** Runs the scripts of one mount. */
export class ScriptRunner {
  readonly #options: CgiOptions;
  readonly #limits: ScriptLimits;
  readonly #budget: SpoolBudget;
  readonly #planner: RunPlanner;
  readonly #queue: RunQueue;
  readonly #stderr: ScriptStderr;
  readonly #spawner: ShellSpawner;
  readonly #start: (plan: LaunchPlan, patienceMs: number) => Promise<Finished | Launched>;
  readonly #patienceMs: number;
  readonly #running = new RunningScripts();
  readonly #large = new LargeOutputs();

  /** Throws ProcessError for a user without a group. */
  constructor(given: CgiOptions, limits: ScriptLimits, budget: SpoolBudget) {
    const options: CgiOptions = { ...given, ...withOwnGroup({ uid: given.uid, gid: given.gid }) };
    this.#options = options;
    this.#limits = limits;
    this.#budget = budget;
    this.#planner = new RunPlanner(options);
    this.#stderr = new ScriptStderr(options.log, limits.maxStderrBytes);
    const places = completed(concurrencyTable, options.concurrency);
    const max = places.max ?? Math.max(LEAST_PLACES, PLACES_FOR_EACH_PROCESSOR * availableParallelism());
    this.#spawner = new ShellSpawner({ uid: options.uid, gid: options.gid, max });
    this.#start = options.spawner === 'direct' ? launchDirectly : this.#spawner.run;
    this.#patienceMs = Math.min(PATIENCE_MS, limits.headerTimeoutMs, limits.totalTimeoutMs);
    this.#queue = new RunQueue({ ...places, max, maxQueue: places.maxQueue ?? WAITING_FOR_EACH_PLACE * max });
  }

  /** Runs a script when there is a place. Disposes of the content once the script has it. Rejects with CgiError. */
  async run(job: Job): Promise<CgiResponse> {
    try {
      return await this.#run(job);
    } catch (error) {
      // What is read as it comes learns only then that its file was being written; content has been given away by that time.
      const isAgain = error instanceof CgiError && isBusy(error.cause);
      if (!isAgain || job.request.contentLength !== 0) throw error;
      await delay(BUSY_MS);
      return this.#run(job);
    }
  }

  async #run(job: Job): Promise<CgiResponse> {
    const place = this.#queue.enter(job.request);
    const release = place instanceof Promise ? await place : place;
    const since = performance.now();
    const ended = this.#running.begin();
    const over = (): void => {
      release();
      ended();
    };
    let started: Finished | Launched;
    try {
      const plan = this.#planner.plan(job.request, job.found, job.content);
      const patienceMs = this.#large.has(job.found.file) ? 0 : this.#patienceMs;
      started = await this.#start(plan instanceof Promise ? await plan : plan, patienceMs);
    } catch (error) {
      over();
      if (error instanceof ProcessError) throw startError(error, { script: job.found.file });
      throw error;
    }
    if ('ended' in started) return this.#watch(started, job, { since, over });
    over();
    return this.#answer(started, job);
  }

  /** Refuses what waits, lets what runs end for `graceMs`, then ends it. */
  async close(graceMs: number): Promise<void> {
    this.#queue.close();
    await this.#running.close(graceMs);
    this.#spawner.close();
  }

  /** The answer of a script that is over: nothing of it has been sent, so whatever is wrong with it can be said. */
  #answer(finished: Finished, { request, found, content }: Job): CgiResponse {
    content.dispose();
    const { file } = found;
    const tail = this.#pass(finished, file, request.id);
    const options = { script: file, limits: this.#limits, method: request.method, tail };
    if (this.#isNonParsed(file)) {
      return { status: 200, fields: [], content: unparsedOf(finished, options), nonParsed: true };
    }
    const { head, content: bytes } = answerOf(finished, options);
    const short = this.#withoutContent(head, request);
    if (short !== undefined) return short;
    // What a script writes for HEAD may be less than for GET, and content of unknown length says nothing about that.
    const isUnknown = request.method === 'HEAD' && bytes.length === 0;
    return responseOf(head, isUnknown ? unknownContent() : bytes);
  }

  /** Passes standard error on. The result is its end. */
  #pass({ errors, status: { code } }: Finished, script: string, id: string | undefined): string {
    const lines = errors.length === 0 ? undefined : this.#stderr.lines(script, id);
    lines?.add(errors);
    lines?.end();
    this.#stderr.exited(code, script, id);
    return lines?.tail ?? '';
  }

  /** The answer of a script that goes on: as soon as its header is whole. */
  async #watch(launched: Launched, job: Job, { since, over }: Run): Promise<CgiResponse> {
    const { request, found, content } = job;
    const process = new LaunchedProcess(launched, {
      signal: this.#options.onDisconnect === 'ignore' ? undefined : request.signal,
      timeoutMs: Math.max(1, this.#limits.totalTimeoutMs - (performance.now() - since)),
      killGraceMs: this.#limits.killGraceMs,
    });
    void this.#track(process, content, () => {
      if (launched.outputBytes !== undefined) this.#large.note(found.file, launched.outputBytes());
      over();
    });
    const lines = this.#stderr.lines(found.file, request.id);
    const stderr = { lines, ended: lines.read(process.stderr, () => process.hasEndedItself) };
    const ended = (exit: Exit): void => this.#stderr.exited(exit.code, found.file, request.id);
    process.exited.then(ended, () => {});
    const goesOn = this.#options.onDisconnect === 'ignore';
    const killWhenLeft = !goesOn && request.method !== 'HEAD';
    const unreadMs = goesOn ? Number.POSITIVE_INFINITY : this.#limits.silenceTimeoutMs;
    const run = new ScriptRun(process, {
      script: found.file,
      limits: this.#limits,
      stderr,
      killWhenLeft,
      unreadMs,
      since,
    });
    if (content.length > 0 && content.file === undefined) void run.feed(content);
    if (this.#isNonParsed(found.file)) {
      const output = this.#ahead(run.content(await run.start(), undefined));
      return { status: 200, fields: [], content: output, nonParsed: true };
    }
    const head = await run.head();
    const response =
      this.#withoutContent(head, request) ?? responseOf(head, this.#ahead(run.content(head.rest, head.contentLength)));
    if (response.content === undefined) run.drain().catch(() => {});
    return response;
  }

  /** The output ahead of the client, so that a slow one holds neither the script nor its place. */
  #ahead(content: AsyncIterableIterator<Uint8Array>): AsyncIterableIterator<Uint8Array> {
    const { spoolMemoryBytes: memoryBytes, spoolFileBytes: fileBytes } = this.#limits;
    return readAhead(content, { memoryBytes, fileBytes, budget: this.#budget });
  }

  /** Holds the place until the script has ended, its output is closed, and what was to be ended with it is gone. */
  async #track(process: LaunchedProcess, content: Collected, over: () => void): Promise<void> {
    this.#running.watch(process);
    // What a script wrote before it was ended is for nobody, and must not wait to be read.
    const drop = ({ reason }: Exit): unknown => reason === 'exited' || process.stdout.destroy();
    process.exited.then(drop, () => process.stdout.destroy());
    await process.gone;
    this.#running.forget(process);
    content.dispose();
    content.rest?.return?.().catch(() => {});
    over();
  }

  #isNonParsed(file: string): boolean {
    return this.#options.nph === 'name' && isNonParsed(file);
  }

  /** The answers that need nothing of the content: a local redirect, and a client that has it already. */
  #withoutContent(head: ScriptHead, request: CgiRequest): CgiResponse | undefined {
    const { kind, location } = head;
    const isLocal = kind === 'local-redirect' && location !== undefined && this.#options.localRedirect !== false;
    if (isLocal) return redirectTo(location);
    const known = notModified(request, head);
    return known === undefined ? undefined : responseOf(known, undefined);
  }
}

async function* unknownContent(): AsyncGenerator<Uint8Array> {}
