// CGI mounts and Python applications, from the configuration to the options of the packages that run them. Only units
// and groups change: which members there are, and their types, was decided by the table of options.

import type { CgiMount, WsgiMount } from '../../options.ts';
import type { CgiConfiguration } from '../options/cgi.ts';
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

/** One Python application. */
export function wsgiMount(mount: WsgiConfiguration): WsgiMount {
  const { startTimeout, silenceTimeout, drainTimeout, queueTimeout, maxQueued, maxRequests, ...rest } = mount;
  const { maxMemory, spoolMemory, readAhead, ...run } = rest;
  const options = {
    ...run,
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

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}
