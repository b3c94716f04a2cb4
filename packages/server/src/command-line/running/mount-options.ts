// CGI mounts and Python applications, from the configuration to the options of the packages that run them. Only units
// and groups change: which members there are, and their types, was decided by the table of options.

import { availableParallelism } from 'node:os';
import type { CgiMount, WsgiMount } from '../../options.ts';
import type { CgiConfiguration } from '../options/cgi.ts';
import type { Configuration } from '../options/table.ts';
import type { WsgiConfiguration } from '../options/wsgi.ts';

/** One CGI mount; scripts by extension are looked for below `root` unless the mount has its own. */
export function cgiMount(
  mount: CgiConfiguration,
  root: string | undefined,
  env: Readonly<Record<string, string>> = {},
): CgiMount {
  const { headerTimeout, idleTimeout, totalTimeout, killGrace, maxConcurrent, maxQueue, queueTimeout, ...rest } = mount;
  const { maxContent, maxHeader, maxHeaderLines, maxStderr, spoolMemory, ...run } = rest;
  const options = {
    ...run,
    ...(mount.extensions !== undefined && { root: mount.root ?? root }),
    env: { ...env, ...(mount['env'] as Readonly<Record<string, string>> | undefined) },
    limits: {
      headerTimeoutMs: inMs(headerTimeout),
      idleTimeoutMs: inMs(idleTimeout),
      totalTimeoutMs: inMs(totalTimeout),
      killGraceMs: inMs(killGrace),
      maxContentBytes: maxContent,
      maxHeaderBytes: maxHeader,
      maxHeaderLines,
      maxStderrBytes: maxStderr,
      spoolMemoryBytes: spoolMemory,
    },
    concurrency: { max: maxConcurrent, queue: maxQueue, queueTimeoutMs: inMs(queueTimeout) },
  };
  return options as unknown as CgiMount;
}

/** One Python application, in one of `workers` processes of ours that run it. */
export function wsgiMount(mount: WsgiConfiguration, workers: number): WsgiMount {
  const { startTimeout, silenceTimeout, drainTimeout, queueTimeout, maxQueued, maxRequests, ...rest } = mount;
  const { maxMemory, spoolMemory, readAhead, ...run } = rest;
  const options = {
    ...run,
    processes: pythonProcesses(mount, workers),
    limits: {
      startTimeoutMs: inMs(startTimeout),
      silenceTimeoutMs: inMs(silenceTimeout),
      drainTimeoutMs: inMs(drainTimeout),
      queueTimeoutMs: inMs(queueTimeout),
      maxQueued,
      maxRequests,
      maxMemoryBytes: maxMemory,
      spoolMemoryBytes: spoolMemory,
      readAheadBytes: readAhead,
    },
  };
  return options as unknown as WsgiMount;
}

/** How many Python processes one of our processes starts: the processors are shared among all of ours. */
export function pythonProcesses(mount: WsgiConfiguration, workers: number): number {
  const { processes } = mount;
  return typeof processes === 'number' ? processes : Math.max(1, Math.floor(availableParallelism() / workers));
}

/** How many processes of ours the configuration asks for. */
export function workerCount({ workers }: Pick<Configuration, 'workers'>): number {
  return workers === 'auto' ? availableParallelism() : workers;
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}
