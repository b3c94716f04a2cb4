// CGI mounts and Python applications, from the configuration to the options of the packages that run them.

import { extname } from 'node:path';
import type { AppMount, CgiMount, GatewayMount, PhpMount } from '../../options.ts';
import {
  appMountOptions,
  type CgiConfiguration,
  cgiMountOptions,
  type GatewayConfiguration,
  gatewayMountOptions,
  phpMountOptions,
  runsPhp,
  type WsgiConfiguration,
} from '../options/mounts.ts';
import type { Configuration, Served } from '../options/table.ts';

/** What mounts take from the site around them. */
interface Around {
  readonly root: string | undefined;
  readonly front: string | false | undefined;
  /** Variables for every script. */
  readonly env: Readonly<Record<string, string>> | undefined;
}

/**
 * One CGI mount; scripts by extension are looked for below `root` unless the mount has its own. PHP has the front controller
 * that it has with `php`.
 */
export function cgiMount(mount: CgiConfiguration, { root, front, env }: Around): CgiMount {
  const { extensions = {} } = mount;
  const place = mount.extensions === undefined || root === undefined ? {} : { root };
  const controller = front ?? (runsPhp(extensions) ? 'index.php' : false);
  const isRun = typeof controller === 'string' && Object.hasOwn(extensions, extname(controller));
  const asked = isRun ? { front: controller } : {};
  return cgiMountOptions({ ...place, ...asked, ...mount, env: { ...env, ...mount.env } });
}

/** One application behind FastCGI or SCGI. */
export function gatewayMount(mount: GatewayConfiguration, { front, env }: Around): GatewayMount {
  const controller = mount.root !== undefined && typeof front === 'string' ? { front } : {};
  return gatewayMountOptions({ ...controller, ...mount, params: { ...env, ...mount.params } });
}

/** PHP, in one of `workers` processes of ours that keep a PHP of their own. */
export function phpMount(php: Served['php'], { root, front, env }: Around, workers: number): PhpMount | undefined {
  if (php === undefined || php === false) return undefined;
  const given = php === true ? {} : typeof php === 'string' ? { server: php } : php;
  const shared = workers === 1 ? {} : { children: phpChildren(workers) };
  const place = { ...(root !== undefined && { root }), ...(front !== undefined && { front }) };
  return phpMountOptions({ ...shared, ...place, ...given, params: { ...env, ...given.params } });
}

/** Processes of PHP for each of our processes: those of one process, shared among all of ours. */
function phpChildren(workers: number): number {
  return Math.max(2, Math.ceil(Math.max(8, 4 * processors()) / workers));
}

/** One Python application, in one of `workers` processes of ours that run it. */
export function wsgiMount(mount: WsgiConfiguration, workers: number): AppMount {
  return appMountOptions({ ...mount, processes: pythonProcesses(mount, workers) });
}

/** How many Python processes one of our processes starts: the processors are shared among all of ours. */
export function pythonProcesses(mount: WsgiConfiguration, workers: number): number {
  const { processes } = mount;
  return typeof processes === 'number' ? processes : Math.max(1, Math.floor(processors() / workers));
}

/** How many processes of ours the configuration asks for. A page that is reloaded is told of changes by the one it came from. */
export function workerCount({
  workers,
  live = false,
}: Pick<Configuration, 'workers'> & Partial<Configuration>): number {
  if (live !== false) return 1;
  return workers === 'auto' ? processors() : workers;
}

/** How many processors there are to use. `node:os` is loaded by who asks: most starts do not. */
function processors(): number {
  return process.getBuiltinModule('node:os').availableParallelism();
}
