// Options, checked and completed. A wrong option fails here, at the start, in one line that names it.

import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { checkOptions, completed } from '@onezero/cgi-process/options';
import {
  type AppOptions,
  appTable,
  asgiConcurrencyTable,
  asgiTable,
  concurrencyTable,
  limitsTable,
  type ResolvedLimits,
  wsgiTable,
} from './options.ts';
import type { Interface } from './exchange/channel.ts';
import { findPython } from './workers/find-python.ts';
import type { WorkerSettings } from './workers/worker.ts';

/** How often the source files are looked at, in seconds. A look costs about a millisecond for a thousand modules. */
const WATCH_INTERVAL = 0.5;

const tables = { wsgi: wsgiTable, asgi: asgiTable, auto: appTable };

/** Throws a TypeError of one line that begins with the name of the function and of the option. */
export function checkFor(called: Interface | 'auto', options: unknown): void {
  const name = called === 'auto' ? 'app' : called;
  if (typeof options === 'object' && options !== null && 'path' in options) {
    const place = `{ routes: [{ path, responder: ${name}({ … }) }] }`;
    throw new TypeError(`${name}: path: is not an option; it goes beside the responder: ${place}`);
  }
  checkOptions(tables[called], options, name);
}

/** Fills in what bounds requests and workers. */
export function resolveLimits({ limits, concurrency }: Pick<AppOptions, 'limits' | 'concurrency'>): ResolvedLimits {
  return { ...completed(limitsTable, limits), ...completed(concurrencyTable, concurrency) };
}

/** How many Python processes there are by default: one for each processor, shared among as many processes of ours. */
export function defaultProcesses(workers = 1): number {
  return Math.max(1, Math.floor(availableParallelism() / workers));
}

/** What workers have to know. The options must have been checked. */
export function workerSettings(called: Interface | 'auto', options: AppOptions): WorkerSettings {
  const settings = completed(appTable, options);
  const { application, env, pythonPath, threads, concurrency, passAuthorization, serverSoftware } = settings;
  const cwd = resolve(options.cwd ?? '.');
  const passed = options.passEnv?.map((name) => [name, process.env[name]] as const) ?? Object.entries(process.env);
  const own = Object.entries(settings.settings);
  return {
    python: findPython({ ...options, cwd }, process.env),
    cwd,
    environment: { ...Object.fromEntries(passed), ...env },
    application,
    interface: called,
    processes: options.processes ?? defaultProcesses(),
    threads,
    concurrency: completed(asgiConcurrencyTable, concurrency).max,
    path: [...pythonPath.map((folder) => resolve(cwd, folder)), cwd],
    environ: Object.fromEntries(own.map(([name, value]) => [`onezero.${name}`, value])),
    request: { passAuthorization, serverSoftware, serverName: options.serverName },
    watch: settings.reload ? WATCH_INTERVAL : 0,
    startTimeoutMs: resolveLimits(options).startTimeoutMs,
  };
}
