// `cgi(options)`: a request becomes a run of a script, its output a response. The order of the steps is all that is here.

import { availableParallelism } from 'node:os';
import { CgiError } from './cgi-error.ts';
import { withDefaults } from './cgi-limits.ts';
import type { ScriptLimits } from './cgi-limits.ts';
import type { CgiOptions, CgiResponder } from './cgi-options.ts';
import type { FindScript, FoundScript } from './request/find-script.ts';
import { scriptFinder } from './request/find-script.ts';
import { LargeOutputs } from './spawner/large-outputs.ts';
import type { Finished, Launched, LaunchPlan } from './process/launch.ts';
import { launchDirectly } from './process/launch-directly.ts';
import type { CgiRequest, CgiResponse, Field } from './message.ts';
import { ProcessError } from './process/process-error.ts';
import type { Exit, UnixProcess } from './process/process-options.ts';
import { RunPlanner } from './request/run-plan.ts';
import { RunQueue } from './request/run-queue.ts';
import { RunningScripts } from './answer/running-scripts.ts';
import { answerOf, isNonParsed, redirectTo, responseOf, unparsedOf } from './answer/finished-answer.ts';
import type { ScriptHead } from './answer/script-header.ts';
import { ScriptRun, startError } from './answer/streamed-answer.ts';
import { ScriptStderr } from './answer/stderr.ts';
import { ShellSpawner } from './spawner/spawner.ts';
import { collectContent, nothing } from './request/spool.ts';
import type { Collected } from './request/spool.ts';
import { LaunchedProcess } from './process/unix-process.ts';

/** The time after which a refused client may try again: queues move within a second. */
const RETRY_AFTER: Field = ['retry-after', '1'];
/** How long a silent script goes unwatched: less than anybody notices, and longer than most scripts take. */
const PATIENCE_MS = 100;

/**
 * Makes a responder that runs CGI/1.1 scripts (RFC 3875): all in a directory, some below a root by their extension, or one.
 *
 * What cannot be answered becomes a bare status whose `cause` is a CgiError. Options that name what does not exist throw
 * here. `close()` ends what still runs.
 *
 * @example
 * const scripts = cgi({ directory: './cgi-bin' });
 */
export function cgi(options: CgiOptions): CgiResponder {
  const mount = new CgiMount(options);
  return Object.assign(async (request: CgiRequest) => mount.respond(request), {
    close: async (graceMs = 0) => mount.close(graceMs),
  });
}

/** A request, the script that answers it, and its content. */
interface Job {
  readonly request: CgiRequest;
  readonly found: FoundScript;
  readonly content: Collected;
}

/** When a run began, and what is to be called when nothing of it is left. */
interface Run {
  readonly since: number;
  readonly over: () => void;
}

class CgiMount {
  readonly #options: CgiOptions;
  readonly #limits: ScriptLimits;
  readonly #find: FindScript;
  readonly #planner: RunPlanner;
  readonly #queue: RunQueue;
  readonly #stderr: ScriptStderr;
  readonly #spawner: ShellSpawner;
  readonly #start: (plan: LaunchPlan, patienceMs: number) => Promise<Finished | Launched>;
  readonly #patienceMs: number;
  readonly #running = new RunningScripts();
  readonly #large = new LargeOutputs();

  constructor(options: CgiOptions) {
    this.#options = options;
    this.#limits = withDefaults(options.limits ?? {});
    this.#find = scriptFinder(options);
    this.#planner = new RunPlanner(options);
    this.#stderr = new ScriptStderr(options.stderr, this.#limits.maxStderrBytes);
    const max = options.concurrency?.max ?? Math.max(8, 4 * availableParallelism());
    const { queue = 16 * max, queueTimeoutMs = 30_000 } = options.concurrency ?? {};
    this.#spawner = new ShellSpawner({ uid: options.uid, gid: options.gid, max });
    this.#start = options.spawner === 'direct' ? launchDirectly : this.#spawner.run;
    this.#patienceMs = Math.min(PATIENCE_MS, this.#limits.headerTimeoutMs, this.#limits.totalTimeoutMs);
    this.#queue = new RunQueue({ max, queue, queueTimeoutMs });
  }

  async respond(request: CgiRequest): Promise<CgiResponse> {
    let content = nothing;
    try {
      const refusal = this.#refusal(request);
      if (refusal !== undefined) return refusal;
      const found = this.#find(request.pathInfo);
      if (found.kind === 'missing-slash') return slashRedirect(request);
      if (request.contentLength !== 0) content = await this.#collect(request);
      return await this.#run({ request, found, content });
    } catch (error) {
      content.dispose();
      if (!(error instanceof CgiError)) throw error;
      return { status: error.status, fields: error.status === 503 ? [RETRY_AFTER] : [], cause: error };
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#queue.close();
    await this.#running.close(graceMs);
    this.#spawner.close();
  }

  #refusal({ method, contentLength }: CgiRequest): CgiResponse | undefined {
    const { methods, chunked } = this.#options;
    if (methods !== undefined && !methods.includes(method)) {
      const cause = new CgiError('method-not-allowed', `${method} is not among the methods of this mount`);
      return { status: cause.status, fields: [['allow', methods.join(', ')]], cause };
    }
    if (contentLength === undefined && chunked === 'reject') {
      throw new CgiError('length-required', 'content without a length is not taken');
    }
    if ((contentLength ?? 0) > this.#limits.maxContentBytes) {
      throw new CgiError('content-too-large', `${contentLength} bytes of content are more than are taken`);
    }
    return undefined;
  }

  async #collect({ content, contentLength }: CgiRequest): Promise<Collected> {
    const { uid, gid } = this.#options;
    return collectContent(content, {
      memoryBytes: this.#limits.spoolMemoryBytes,
      maxBytes: this.#limits.maxContentBytes,
      announced: contentLength,
      whole: contentLength === undefined || this.#options.spool === 'always',
      owner: uid === undefined ? undefined : { uid, gid: gid ?? uid },
    });
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
    // What a script writes for HEAD may be less than for GET, and nothing says nothing about that.
    const isUnknown = request.method === 'HEAD' && bytes.length === 0;
    return this.#redirect(head) ?? responseOf(head, isUnknown ? undefined : bytes);
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
    const stderr = { lines, ended: lines.read(process.stderr) };
    const ended = (exit: Exit): void => this.#stderr.exited(exit.code, found.file, request.id);
    process.exited.then(ended, () => {});
    const killWhenLeft = this.#options.onDisconnect !== 'ignore' && request.method !== 'HEAD';
    const run = new ScriptRun(process, { script: found.file, limits: this.#limits, stderr, killWhenLeft, since });
    if (content.length > 0 && content.file === undefined) void run.feed(content);
    if (this.#isNonParsed(found.file)) {
      return { status: 200, fields: [], content: run.content(await run.start(), undefined), nonParsed: true };
    }
    const head = await run.head();
    const redirect = this.#redirect(head);
    const response = redirect ?? responseOf(head, run.content(head.rest, head.contentLength));
    if (response.content === undefined) run.drain().catch(() => {});
    return response;
  }

  /** Holds the place until the script has ended and nobody writes its output any more. */
  async #track(process: UnixProcess, content: Collected, over: () => void): Promise<void> {
    const closed = new Promise<void>((resolve) => process.stdout.once('close', resolve));
    this.#running.watch(process);
    // What a script wrote before it was ended is for nobody, and must not wait to be read.
    const drop = ({ reason }: Exit): unknown => reason === 'exited' || process.stdout.destroy();
    await Promise.allSettled([process.exited.then(drop, () => process.stdout.destroy()), closed]);
    this.#running.forget(process);
    content.dispose();
    content.rest?.return?.().catch(() => {});
    over();
  }

  #isNonParsed(file: string): boolean {
    return this.#options.nph === 'name' && isNonParsed(file);
  }

  #redirect({ kind, location }: ScriptHead): CgiResponse | undefined {
    const isLocal = kind === 'local-redirect' && location !== undefined && this.#options.localRedirect !== false;
    return isLocal ? redirectTo(location) : undefined;
  }
}

function slashRedirect({ scriptName, pathInfo, query }: CgiRequest): CgiResponse {
  const path = `${scriptName}${pathInfo}/`.replace(/^\/{2,}/, '/');
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return { status: 301, fields: [['location', query === undefined ? encoded : `${encoded}?${query}`]] };
}
