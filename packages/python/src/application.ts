// The responder: a request and its content go to a free place of a worker, and come back as a response.

import { SpoolBudget } from '@onezero/cgi-process';
import { opensWebSocket } from './asgi/handshake.ts';
import { noContent, nothingToDiscard, type RequestContent, spoolContent } from './content/request-content.ts';
import type { ResponseSpool } from './content/response-content.ts';
import { safeLog } from './log.ts';
import type { AnswerListener, PythonRequest, PythonResponse } from './message.ts';
import type { AppOptions, AsgiOptions, ResolvedLimits, WsgiOptions } from './options.ts';
import { checkFor, resolveLimits, workerSettings } from './resolve-options.ts';
import { PythonError } from './python-error.ts';
import type { Interface } from './exchange/channel.ts';
import { Exchange } from './exchange/exchange.ts';
import type { PoolState } from './workers/places.ts';
import { WorkerPool } from './workers/worker-pool.ts';

/** All requests together may keep this many times `spoolMemoryBytes` in memory: 64 MiB by default. */
const SPOOL_MEMORY_SHARES = 64;

/** All responses together may keep this many times `spoolFileBytes` in files: 1 GiB by default. */
const SPOOL_FILE_SHARES = 4;

/** Answers requests with a Python application. */
export interface PythonResponder {
  (request: PythonRequest): Promise<PythonResponse>;
  /**
   * The same answer for a server that does without promises: `listener` is told of it later. Where it copies small content
   * behind its head, that has `isLent`.
   */
  readonly lend: (request: PythonRequest, listener: AnswerListener) => undefined;
  /** Starts the workers if they are not yet. Resolves when all are ready; rejects with `PythonError` and the traceback in `detail`. */
  ready(): Promise<void>;
  /** Loads the application anew without losing a request. Rejects, and keeps what runs, if that fails. */
  reload(): Promise<void>;
  /** What the workers are doing now: for metrics and banners. */
  state(): PoolState;
  /** Closes WebSockets with 1001 (going away); requests go on. `close` does it as well. */
  drain(): void;
  /** Takes no more requests (503), lets those under way end for `graceMs`, then ends all workers. @param graceMs default 30_000 */
  close(graceMs?: number): Promise<void>;
}

/**
 * Runs a WSGI application (PEP 3333) in a pool of Python processes, and returns a responder that answers with it.
 *
 * The processes start at once (unless `lazy`) and run until `close`. Throws a TypeError of one line for a wrong option; an
 * application that does not load is told to `ready()`, to the log, and to requests as 503 with the traceback in `cause.detail`.
 */
export function wsgi(options: WsgiOptions): PythonResponder {
  return responder('wsgi', options);
}

/** Runs an ASGI application (version 3) as `wsgi` does: many requests at once on the event loop of each process. */
export function asgi(options: AsgiOptions): PythonResponder {
  return responder('asgi', options);
}

/** Runs an application of either kind, as it is found to be when it is loaded. */
export function app(options: AppOptions): PythonResponder {
  return responder('auto', options);
}

function responder(called: Interface | 'auto', options: AppOptions): PythonResponder {
  checkFor(called, options);
  const limits = resolveLimits(options);
  const log = safeLog(options.log);
  const pool = new WorkerPool(workerSettings(called, options), limits, ({ number, pid }, line, request) =>
    log({ worker: number, pid, request, line }),
  );
  const application = new Application(pool, limits, { called, isStreaming: options.spool === 'never' });
  if (options.lazy !== true) pool.start().catch(() => {}); // the log has it, and `ready` tells it again
  const ask = (request: PythonRequest): Promise<PythonResponse> => {
    const { pathInfo, fields } = (request ?? {}) as Partial<PythonRequest>;
    if (typeof pathInfo === 'string' && Array.isArray(fields)) return application.respond(request);
    throw new TypeError(
      `${called}: expected a request of createServer of @onezero/server; put it into a route of that`,
    );
  };
  const respond = Object.assign(ask, {
    ready: () => pool.ready(),
    reload: () => pool.reload(),
    state: () => pool.state,
    drain: () => pool.drain(),
    close: (graceMs?: number) => pool.close(graceMs ?? limits.closeTimeoutMs),
  });
  // Not to be copied to a function around it, which it would walk past.
  const lend = (request: PythonRequest, listener: AnswerListener): undefined => {
    application.ask(request, listener, true);
  };
  return Object.defineProperty(respond, 'lend', { value: lend }) as typeof respond & { readonly lend: typeof lend };
}

class Application {
  readonly #pool: WorkerPool;
  readonly #limits: ResolvedLimits;
  readonly #called: Interface | 'auto';
  readonly #isStreaming: boolean;
  readonly #memory: SpoolBudget;
  readonly #spool: ResponseSpool;

  constructor(
    pool: WorkerPool,
    limits: ResolvedLimits,
    { called, isStreaming }: { called: Interface | 'auto'; isStreaming: boolean },
  ) {
    this.#pool = pool;
    this.#limits = limits;
    this.#called = called;
    this.#isStreaming = isStreaming;
    this.#memory = new SpoolBudget(limits.spoolMemoryBytes * SPOOL_MEMORY_SHARES);
    const interfaceNow = (): Interface | undefined => this.#interface;
    this.#spool = {
      readAheadBytes: limits.readAheadBytes,
      // Who waits for the client of an ASGI application is a coroutine, not a thread.
      get fileBytes() {
        return interfaceNow() === 'asgi' ? 0 : limits.spoolFileBytes;
      },
      budget: new SpoolBudget(limits.spoolFileBytes * SPOOL_FILE_SHARES),
      failed: (error) => pool.warn(`cannot keep responses in a temporary file: ${error.message}`),
    };
  }

  /** The response, or a bare status with the `PythonError` as its cause. */
  respond(request: PythonRequest): Promise<PythonResponse> {
    return new Promise((answered, failed) => this.ask(request, { answered, failed }, false));
  }

  /** Tells the listener the same. `mayLend`: it copies content that `isLent`. */
  ask(request: PythonRequest, listener: AnswerListener, mayLend: boolean): void {
    const { content, contentLength: length } = request;
    if (request.upgrade !== undefined && this.#interface === 'asgi') {
      const opens = opensWebSocket(request);
      if (typeof opens === 'object') return queueMicrotask(() => listener.answered(opens));
    }
    if (length === 0) return this.#ask(request, noContent, listener, mayLend);
    if (this.#isStreaming || this.#interface === 'asgi') {
      return this.#ask(request, { content, length, discard: nothingToDiscard }, listener, mayLend);
    }
    void this.#askWhenCollected(request, listener, mayLend);
  }

  /** Until it is known, content is collected: that suits both. */
  get #interface(): Interface | undefined {
    return this.#called === 'auto' ? this.#pool.interface : this.#called;
  }

  async #askWhenCollected(request: PythonRequest, listener: AnswerListener, mayLend: boolean): Promise<void> {
    const { content, contentLength } = request;
    const { spoolMemoryBytes } = this.#limits;
    let collected: RequestContent;
    try {
      collected = await spoolContent(content, spoolMemoryBytes, this.#memory, contentLength);
    } catch (error) {
      return error instanceof PythonError ? listener.answered(error.response()) : listener.failed(error);
    }
    this.#ask(request, collected, listener, mayLend);
  }

  #ask(request: PythonRequest, content: RequestContent, listener: AnswerListener, mayLend: boolean): void {
    this.#pool.serve(new Exchange(request, content, this.#spool, listener, mayLend));
  }
}
