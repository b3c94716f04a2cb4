// The responder: a request becomes an environ and content, goes to a free thread, and comes back as a response.

import { resolve } from 'node:path';
import type { CgiRequest, CgiResponse } from '@onezero/cgi-process';
import { encodeEnviron, type EnvironOptions } from './environ.ts';
import { Exchange } from './exchange.ts';
import { findPython } from './find-python.ts';
import { resolveCount, resolveLimits, type ResolvedLimits, type WsgiLogEntry, type WsgiOptions } from './options.ts';
import { collectContent, noContent, nothingToDiscard, type RequestContent } from './request-content.ts';
import { WorkerPool } from './worker-pool.ts';
import type { WorkerSettings } from './worker.ts';
import { WsgiError } from './wsgi-error.ts';

/** How often the source files are looked at, in seconds. A look costs about a millisecond for a thousand modules. */
const watchInterval = 0.5;

/** Answers requests with a Python application. */
export interface WsgiResponder {
  (request: CgiRequest): Promise<CgiResponse>;
  /** Starts the workers if they are not yet. Resolves when all are ready; rejects with `WsgiError` and the traceback in `detail`. */
  ready(): Promise<void>;
  /** Loads the application anew without losing a request. Rejects, and keeps what runs, if that fails. */
  reload(): Promise<void>;
  /** Takes no more requests (503), lets those under way end for `graceMs`, then ends all workers. @param graceMs default 30_000 */
  close(graceMs?: number): Promise<void>;
}

/**
 * Runs a WSGI application (PEP 3333) in a pool of Python processes, and returns a responder that answers with it.
 *
 * The processes start at once (unless `lazy`) and run until `close`. Throws when an option makes no sense; an application
 * that does not load is told to `ready()`, to the log, and to requests as 503 with the traceback in `cause.detail`.
 */
export function wsgi(options: WsgiOptions): WsgiResponder {
  const limits = resolveLimits(options.limits);
  const log = safely(options.log ?? writeToStandardError);
  const pool = new WorkerPool(workerSettings(options, limits), limits, ({ number, pid }, line, request) =>
    log({ worker: number, pid, request, line }),
  );
  const application = new Application(pool, limits, options);
  if (!options.lazy) pool.start().catch(() => {}); // the log has it, and `ready` tells it again
  return Object.assign((request: CgiRequest) => application.respond(request), {
    ready: () => pool.ready(),
    reload: () => pool.reload(),
    close: (graceMs?: number) => pool.close(graceMs ?? limits.drainTimeoutMs),
  });
}

function workerSettings(options: WsgiOptions, limits: ResolvedLimits): WorkerSettings {
  if (typeof options.application !== 'string' || !/^[^:]+(:[^:]+)?$/.test(options.application)) {
    throw new TypeError(`wsgi: application must look like 'module:name', not ${JSON.stringify(options.application)}`);
  }
  const cwd = resolve(options.cwd ?? '.');
  const passed = options.passEnv?.map((name) => [name, process.env[name]] as const) ?? Object.entries(process.env);
  const settings = Object.entries(options.settings ?? {});
  return {
    python: findPython({ ...options, cwd }, process.env),
    cwd,
    environment: { ...Object.fromEntries(passed), ...options.env },
    application: options.application,
    processes: resolveCount('processes', options.processes),
    threads: resolveCount('threads', options.threads),
    path: [...(options.pythonPath ?? []).map((folder) => resolve(cwd, folder)), cwd],
    environ: Object.fromEntries(settings.map(([name, value]) => [`onezero.${name}`, value])),
    watch: options.reloadOnChange ? watchInterval : 0,
    startTimeoutMs: limits.startTimeoutMs,
  };
}

/** A log that throws must not end the process: then the line, and why, go to standard error. */
function safely(log: (entry: WsgiLogEntry) => void): (entry: WsgiLogEntry) => void {
  return (entry) => {
    try {
      log(entry);
    } catch (error) {
      writeToStandardError(entry);
      writeToStandardError({ ...entry, line: `the log failed: ${String(error)}` });
    }
  };
}

function writeToStandardError({ worker, pid, request, line }: WsgiLogEntry): void {
  process.stderr.write(`[wsgi ${worker}/${pid}${request === undefined ? '' : ` ${request}`}] ${line}\n`);
}

class Application {
  readonly #pool: WorkerPool;
  readonly #limits: ResolvedLimits;
  readonly #environ: EnvironOptions;
  readonly #isStreaming: boolean;

  constructor(pool: WorkerPool, limits: ResolvedLimits, options: WsgiOptions) {
    this.#pool = pool;
    this.#limits = limits;
    this.#environ = {
      passAuthorization: options.passAuthorization,
      serverSoftware: options.serverSoftware,
      serverName: options.serverName,
    };
    this.#isStreaming = options.content === 'stream';
  }

  /** The response, or a bare status with the `WsgiError` as its cause. */
  respond(request: CgiRequest): Promise<CgiResponse> {
    const { content, contentLength: length } = request;
    if (length === 0) return this.#ask(request, noContent);
    return this.#isStreaming
      ? this.#ask(request, { content, length, discard: nothingToDiscard })
      : this.#askWhenCollected(request);
  }

  async #askWhenCollected(request: CgiRequest): Promise<CgiResponse> {
    try {
      return await this.#ask(request, await collectContent(request.content, this.#limits.spoolMemoryBytes));
    } catch (error) {
      if (error instanceof WsgiError) return error.response();
      throw error;
    }
  }

  #ask(request: CgiRequest, content: RequestContent): Promise<CgiResponse> {
    let environ: string;
    try {
      environ = encodeEnviron(request, this.#environ, content.length);
    } catch (error) {
      return content.discard().then(() => Promise.reject(error as Error));
    }
    const exchange = new Exchange({ client: request, environ, content }, this.#limits.readAheadBytes);
    this.#pool.serve(exchange);
    return exchange.answer;
  }
}
