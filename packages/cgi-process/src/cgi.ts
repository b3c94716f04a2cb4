// `cgi(options)`: a request becomes a run of a script, its output a response. The order of the steps is all that is here.

import { availableParallelism } from 'node:os';
import { basename, dirname } from 'node:path';
import { CgiError } from './cgi-error.ts';
import { withDefaults } from './cgi-limits.ts';
import type { ScriptLimits } from './cgi-limits.ts';
import type { CgiOptions, CgiResponder, StderrSink } from './cgi-options.ts';
import type { FindScript, FoundScript } from './find-script.ts';
import { defaultDocumentRoot, resolveCommand, scriptFinder } from './find-script.ts';
import type { Launch } from './launch.ts';
import { launchDirectly } from './launch-directly.ts';
import type { CgiRequest, CgiResponse, Field } from './message.ts';
import { metaVariables } from './meta-variables.ts';
import { ProcessError } from './process-error.ts';
import type { Exit, UnixProcess } from './process-options.ts';
import { RunQueue } from './run-queue.ts';
import type { Release } from './run-queue.ts';
import type { ScriptHead } from './script-response.ts';
import { ShellSpawner } from './shell-spawner.ts';
import { ScriptRun, startError } from './script-run.ts';
import { collectContent, nothing } from './spool.ts';
import type { Collected } from './spool.ts';
import { StderrLines } from './stderr-lines.ts';
import { environmentOf, startThrough } from './unix-process.ts';

/** The time after which a refused client may try again: queues move within a second. */
const RETRY_AFTER: Field = ['retry-after', '1'];

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

class CgiMount {
  readonly #options: CgiOptions;
  readonly #limits: ScriptLimits;
  readonly #find: FindScript;
  readonly #queue: RunQueue;
  readonly #documentRoot: string;
  readonly #wrapper: readonly string[];
  readonly #stderr: StderrSink;
  readonly #spawner: ShellSpawner;
  readonly #launch: Launch;
  readonly #running = new Set<UnixProcess>();
  #whenIdle: (() => void) | undefined;

  constructor(options: CgiOptions) {
    this.#options = options;
    this.#limits = withDefaults(options.limits ?? {});
    this.#find = scriptFinder(options);
    this.#documentRoot = options.documentRoot ?? defaultDocumentRoot(options);
    const [command, ...args] = options.wrapper ?? [];
    this.#wrapper = command === undefined ? [] : [resolveCommand(command), ...args];
    this.#stderr = options.stderr ?? writeStderr;
    const max = options.concurrency?.max ?? Math.max(8, 4 * availableParallelism());
    const { queue = 16 * max, queueTimeoutMs = 30_000 } = options.concurrency ?? {};
    this.#spawner = new ShellSpawner({ uid: options.uid, gid: options.gid, max });
    this.#launch = options.spawner === 'direct' ? launchDirectly : this.#spawner.launch;
    this.#queue = new RunQueue({ max, queue, queueTimeoutMs });
  }

  async respond(request: CgiRequest): Promise<CgiResponse> {
    try {
      const refusal = this.#refusal(request);
      if (refusal !== undefined) return refusal;
      const found = this.#find(request.pathInfo);
      if (found.kind === 'missing-slash') return slashRedirect(request);
      const content = await this.#collect(request);
      try {
        return await this.#run(request, found, content);
      } catch (error) {
        content.dispose();
        throw error;
      }
    } catch (error) {
      if (!(error instanceof CgiError)) throw error;
      return { status: error.status, fields: error.status === 503 ? [RETRY_AFTER] : [], cause: error };
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#queue.close();
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      if (this.#running.size === 0) resolve();
    });
    const timer = setTimeout(() => {
      for (const process of this.#running) {
        process.kill().catch(() => {});
        process.stdout.destroy();
      }
    }, graceMs);
    await idle;
    clearTimeout(timer);
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

  async #collect(request: CgiRequest): Promise<Collected> {
    const { content, contentLength } = request;
    const { uid, gid } = this.#options;
    if (contentLength === 0) return nothing;
    return collectContent(content, {
      memoryBytes: this.#limits.spoolMemoryBytes,
      maxBytes: this.#limits.maxContentBytes,
      announced: contentLength,
      whole: contentLength === undefined || this.#options.spool === 'always',
      owner: uid === undefined ? undefined : { uid, gid: gid ?? uid },
    });
  }

  async #run(request: CgiRequest, found: FoundScript, content: Collected): Promise<CgiResponse> {
    const release = await this.#queue.enter(request.signal);
    let process: UnixProcess;
    try {
      process = await this.#start(request, found, content);
    } catch (error) {
      release();
      if (error instanceof ProcessError) throw startError(error, { script: found.file });
      throw error;
    }
    this.#track(process, content, release);
    const stderr = this.#readStderr(process, found, request);
    const isHead = request.method === 'HEAD';
    const killWhenLeft = this.#options.onDisconnect !== 'ignore' && !isHead;
    const run = new ScriptRun(process, { script: found.file, limits: this.#limits, stderr, killWhenLeft });
    if (content.length > 0 && content.file === undefined) void run.feed(content);
    if (this.#options.nph === 'name' && basename(found.file).startsWith('nph-')) {
      return { status: 200, fields: [], content: run.content(await run.start(), undefined), nonParsed: true };
    }
    return this.#responseOf(await run.head(), run);
  }

  async #start(request: CgiRequest, found: FoundScript, content: Collected): Promise<UnixProcess> {
    const { cwd, uid, gid, umask, onDisconnect } = this.#options;
    const [command, ...args] = this.#commandLine(request, found) as [string, ...string[]];
    const environment = await this.#environment(request, found, content);
    const stdin = content.file ?? (content.length > 0 ? 'pipe' : 'ignore');
    const plan = { command, args, environment, cwd: cwd ?? dirname(found.file), uid, gid, umask, stdin } as const;
    return startThrough(this.#launch, plan, {
      signal: onDisconnect === 'ignore' ? undefined : request.signal,
      timeoutMs: this.#limits.totalTimeoutMs,
      killGraceMs: this.#limits.killGraceMs,
    });
  }

  #commandLine(request: CgiRequest, { file, interpreter }: FoundScript): string[] {
    const words = this.#options.queryArgs === true && interpreter === undefined ? queryWords(request) : [];
    const script = interpreter === undefined ? [file] : [interpreter, file];
    return [...this.#wrapper, ...script, ...(this.#options.args ?? []), ...words];
  }

  async #environment(request: CgiRequest, found: FoundScript, content: Collected): Promise<Record<string, string>> {
    const { env, passEnv, passAuthorization, serverSoftware, serverName, serverAdmin } = this.#options;
    const scriptName = request.scriptName + found.scriptName;
    const variables = metaVariables(
      { ...request, scriptName, pathInfo: found.pathInfo },
      {
        passAuthorization,
        serverSoftware,
        serverName,
        serverAdmin,
        scriptFilename: found.file,
        documentRoot: this.#documentRoot,
        contentLength: request.contentLength ?? content.length,
      },
    );
    const given = typeof env === 'function' ? await env(request) : (env ?? {});
    return Object.assign(variables, environmentOf(passEnv ?? ['PATH'], given));
  }

  /** Holds the place until the script has ended and nobody writes its output any more. */
  #track(process: UnixProcess, content: Collected, release: Release): void {
    this.#running.add(process);
    const closed = new Promise<void>((resolve) => process.stdout.once('close', resolve));
    const over = (): void => {
      content.dispose();
      content.rest?.return?.().catch(() => {});
      this.#running.delete(process);
      release();
      if (this.#running.size === 0) this.#whenIdle?.();
    };
    void Promise.allSettled([process.exited, closed]).then(over);
    // What a script wrote before it was ended is for nobody, and must not wait to be read.
    const drop = ({ reason }: Exit): unknown => reason === 'exited' || process.stdout.destroy();
    void process.exited.then(drop, () => process.stdout.destroy());
  }

  #readStderr(process: UnixProcess, found: FoundScript, { id }: CgiRequest): StderrLines {
    const source = { script: found.file, id };
    const sink = (line: string): void => {
      try {
        this.#stderr(line, source);
      } catch (error) {
        // A broken sink is the user's; it must neither end the server nor the script.
        writeStderr(`the stderr option threw: ${String(error)}`, source);
      }
    };
    process.exited.then(
      ({ code }) => code !== null && code !== 0 && sink(`(exited with code ${code})`),
      () => {},
    );
    return new StderrLines(process.stderr, this.#limits.maxStderrBytes, sink);
  }

  #responseOf(head: ScriptHead, run: ScriptRun): CgiResponse {
    const { status, reason, contentLength, location, rest } = head;
    if (head.kind === 'local-redirect' && location !== undefined && this.#options.localRedirect !== false) {
      run.drain().catch(() => {});
      // Status and Location serve a server that does not know `localRedirect`.
      return { status: 302, fields: [['location', location]], localRedirect: location };
    }
    if (status === 204 || status === 304) {
      run.drain().catch(() => {});
      return { status, reason, fields: head.fields };
    }
    const fields = [...head.fields];
    if (contentLength !== undefined) fields.push(['content-length', String(contentLength)]);
    // A browser that is not told what it gets must not guess that it is a page.
    if (head.kind === 'document' && !fields.some(([name]) => name === 'content-type')) {
      fields.push(['x-content-type-options', 'nosniff']);
    }
    return { status, reason, fields, content: run.content(rest, contentLength) };
  }
}

/** The query as arguments (RFC 3875 §4.4): only without `=`, only for reading, never something that looks like an option. */
function queryWords({ method, query = '' }: CgiRequest): string[] {
  if ((method !== 'GET' && method !== 'HEAD') || query === '' || query.includes('=')) return [];
  try {
    const words = query.split('+').map(decodeURIComponent);
    return words.some((word) => word.startsWith('-') || word.includes('\0')) ? [] : words;
  } catch {
    // Not decodable: the RFC asks for no arguments at all then.
    return [];
  }
}

function slashRedirect({ scriptName, pathInfo, query }: CgiRequest): CgiResponse {
  const path = `${scriptName}${pathInfo}/`.replace(/^\/{2,}/, '/');
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return { status: 301, fields: [['location', query === undefined ? encoded : `${encoded}?${query}`]] };
}

/** Control characters would let a script write lines of its own, or commands to a terminal. */
function writeStderr(line: string, { script }: { script: string }): void {
  // oxlint-disable-next-line no-control-regex
  const visible = line.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => JSON.stringify(character).slice(1, -1));
  process.stderr.write(`${basename(script)}: ${visible}\n`);
}
