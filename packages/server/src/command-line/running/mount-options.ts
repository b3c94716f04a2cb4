// CGI mounts and Python applications, from the configuration to the options of the packages that run them.

import { availableParallelism } from 'node:os';
import type { AppMount, CgiMount } from '../../options.ts';
import { appMountOptions, type CgiConfiguration, cgiMountOptions, type WsgiConfiguration } from '../options/mounts.ts';
import type { Configuration } from '../options/table.ts';

/** One CGI mount; scripts by extension are looked for below `root` unless the mount has its own. */
export function cgiMount(
  mount: CgiConfiguration,
  root: string | undefined,
  env: Readonly<Record<string, string>> = {},
): CgiMount {
  const place = mount.extensions === undefined || root === undefined ? {} : { root };
  return cgiMountOptions({ ...place, ...mount, env: { ...env, ...mount.env } });
}

/** One Python application, in one of `workers` processes of ours that run it. */
export function wsgiMount(mount: WsgiConfiguration, workers: number): AppMount {
  return appMountOptions({ ...mount, processes: pythonProcesses(mount, workers) });
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
