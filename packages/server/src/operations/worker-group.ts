// `startWorkers`: a module's server in several processes that share its sockets.

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { checkListeners, checkWorkersOptions } from '../check-options.ts';
import { workerProgram } from '../installed-files.ts';
import type { Address, Listener, Server } from '../options.ts';
import { type HeldListener, holdListener } from '../transport/held-listener.ts';
import { addUpMetrics, type MetricsSnapshot } from './metrics.ts';
import { Workers } from './workers.ts';

/** What `startWorkers` takes. */
export interface WorkersOptions {
  /** The module whose default export makes the server in each worker (`WorkerModule`): a `file:` URL or an absolute path. */
  readonly module: string | URL;
  /** How many workers there are. @default one for each processor */
  readonly count?: number | undefined;
  /** Where all of them accept connections. @default { host: 'localhost', port: 8080 } */
  readonly listen?: number | Listener | readonly Listener[] | undefined;
  /** Receives a line about each worker that ended unasked. @default writes it to standard error */
  readonly report?: ((line: string) => void) | undefined;
}

/** What the module of `startWorkers` exports by default. It is called once in each worker, and does not call `listen` itself. */
export type WorkerModule = (worker: WorkerContext) => Server | CountedServer | Promise<Server> | Promise<CountedServer>;

/** A server that says what it has counted, so that `WorkerContext.metrics` and `WorkerGroup.metrics` can add it up. */
export interface CountedServer {
  readonly server: Server;
  readonly snapshot: () => MetricsSnapshot;
}

/** What a worker can ask for. */
export interface WorkerContext {
  /** What all workers have counted, added up; those that have ended are included. */
  metrics(): Promise<MetricsSnapshot>;
}

/** Running workers, in the process that started them. */
export interface WorkerGroup {
  /** Where they accept connections. */
  readonly addresses: readonly Address[];
  /**
   * Starts another process for each worker, one after the other, so that a changed module or application comes into force; an
   * old worker ends what is under way when the new one is ready. Rejects with the reason when a new one does not become
   * ready: the old ones that are left go on. A second call begins when the first has ended.
   */
  reload(options?: { readonly graceMs?: number | undefined }): Promise<void>;
  /** What all workers have counted, added up; all 0 where none counts. */
  metrics(): Promise<MetricsSnapshot>;
  /**
   * Stops accepting and ends the workers: what is under way has `graceMs` to end (default 10_000). Called again, it shortens the
   * grace.
   */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>;
}

const DEFAULT_GRACE_MS = 10_000;

/**
 * Binds sockets and answers their connections in several processes, each of which runs the server that a module makes. One that
 * dies is replaced; connections wait for the next one meanwhile.
 *
 * Resolves when all workers accept connections and their applications are loaded (`Server.ready`). Rejects with the system's
 * error for an address that cannot be bound, and with the worker's own reason when the module's server cannot start. Throws a
 * TypeError for options that cannot be used. Provisional: see docs/before-beta.md.
 *
 * Signals do nothing by themselves: call `reload` and `close` from handlers of your own. A worker whose primary dies ends.
 *
 * @example
 * // site.mjs
 * export default () => createServer({ root: './public' });
 *
 * // main.mjs
 * const module = new URL('site.mjs', import.meta.url);
 * const workers = await startWorkers({ module, count: 4, listen: { port: 8080 } });
 * process.on('SIGHUP', () => workers.reload().catch(console.error));
 * process.once('SIGTERM', () => workers.close());
 */
export async function startWorkers(options: WorkersOptions): Promise<WorkerGroup> {
  checkWorkersOptions(options);
  const { module, count = availableParallelism(), listen = {}, report = toStandardError } = options;
  const listeners = typeof listen === 'number' ? [{ port: listen }] : [listen].flat();
  checkListeners(listeners);
  const held = await holdAll(listeners);
  const workers = new Workers({
    count,
    report,
    program: {
      module: fileURLToPath(workerProgram()),
      words: [String(module)],
      environment: {},
    },
    listeners: held.map(({ descriptors, address }, index) => ({
      descriptors,
      secure: address.secure,
      tls: listeners[index]?.tls,
    })),
  });
  try {
    await workers.start();
    await workers.whenReady;
  } catch (error) {
    closeAll(held);
    await workers.stop(0, 0);
    throw error;
  }
  return groupOf(workers, held);
}

function groupOf(workers: Workers, held: readonly HeldListener[]): WorkerGroup {
  let reloads = Promise.resolve();
  let isOpen = true;
  return {
    addresses: held.map(({ address }) => address),
    reload: ({ graceMs = DEFAULT_GRACE_MS } = {}) => {
      const turn = reloads.then(() => workers.replaceAll(graceMs));
      // The caller has the rejection; the next reload begins after it.
      reloads = turn.catch(() => undefined);
      return turn;
    },
    metrics: async () => addUpMetrics(await workers.collect()),
    close: async ({ graceMs = DEFAULT_GRACE_MS } = {}) => {
      if (isOpen) closeAll(held);
      isOpen = false;
      await workers.stop(graceMs, graceMs);
    },
  };
}

async function holdAll(listeners: readonly Listener[]): Promise<readonly HeldListener[]> {
  const held: HeldListener[] = [];
  try {
    for (const listener of listeners) held.push(await holdListener(listener));
  } catch (error) {
    closeAll(held);
    throw error;
  }
  return held;
}

function closeAll(held: readonly HeldListener[]): void {
  for (const one of held) one.close();
}

function toStandardError(line: string): void {
  process.stderr.write(`${line}\n`);
}
