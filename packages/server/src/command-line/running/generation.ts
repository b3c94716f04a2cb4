// One generation of what is served: everything that a reload replaces. It is built as a whole before anything of the
// generation before is let go.

import { relative } from 'node:path';
import { type Makers, routesOf } from '../../compose.ts';
import { escaped } from '../../operations/access-log-format.ts';
import { type Health, healthResponder, metricsResponder, type MetricsSnapshot } from '../../operations/metrics.ts';
import type { AccessLogEntry, Failure, Route, ServerOptions } from '../../options.ts';
import { type Secrets, withSecrets } from '../../secrets.ts';
import { webdavMounts } from '../../webdav-mounts.ts';
import type { Configuration, Served, SiteConfiguration } from '../options/table.ts';
import { type LoadedMakers, loadMakers } from './load-makers.ts';
import { pythonProcesses, workerCount } from './mount-options.ts';
import { configuredSecrets, type ServedOptions, servedOptions, serverOptions } from './server-options.ts';

/** What outlives a generation. */
export interface Surroundings {
  readonly accessLog: (entry: AccessLogEntry) => void;
  readonly health: () => Health;
  readonly collectMetrics: () => MetricsSnapshot | Promise<MetricsSnapshot>;
  /** Filled with what the configuration needs. */
  readonly makers: LoadedMakers;
  /** Receives a line for every failure that is the server's. */
  readonly report: (line: string) => void;
}

/** The options of the server for a configuration. Rejects with a TypeError or RangeError of one line. */
export async function generationOptions(
  configuration: Configuration,
  surroundings: Surroundings,
): Promise<ServerOptions> {
  const { accessLog, report, makers } = surroundings;
  await loadMakers(neededMakers(configuration), makers);
  const secrets = configuredSecrets(configuration);
  const routes = [...operationRoutes(configuration, surroundings), ...siteRoutes(configuration, secrets, makers)];
  const options = serverOptions(configuration);
  return {
    ...options,
    ...(options.root !== undefined && { static: withSecrets(options.static, secrets) }),
    webdav: keepFromDrives(options.webdav, secrets),
    routes,
    accessLog,
    onError: (failure) => {
      const error = failureOfOurs(failure);
      if (error === undefined) return;
      report(failureLine(failure, error));
      if (configuration.debug) for (const line of error.stack?.split('\n') ?? []) report(line);
    },
  };
}

function neededMakers(configuration: Configuration): ReadonlySet<keyof Makers> {
  const { live, auth, authFile, authUser } = configuration;
  const sites: readonly Served[] = [configuration, ...(configuration.sites ?? [])];
  const isMounted = (name: keyof Makers & keyof Served): boolean =>
    sites.some((site) => site[name] !== undefined && site[name] !== false);
  const needed = new Set<keyof Makers>(MOUNTS.filter(isMounted));
  if (sites.some(({ cgiBin }) => cgiBin !== undefined)) needed.add('cgi');
  if (live !== false) needed.add('live');
  if ([auth, authFile, authUser].some((rule) => rule !== undefined)) needed.add('auth');
  return needed;
}

const MOUNTS = ['cgi', 'php', 'fastcgi', 'scgi', 'wsgi', 'asgi', 'app', 'webdav', 'proxy', 'internal'] as const;

function operationRoutes({ health, metrics, sites = [] }: Configuration, surroundings: Surroundings): Route[] {
  const methods = ['GET', 'HEAD'];
  const routes: Route[] = [];
  const hosts = new Set([undefined, ...sites.map(({ host }) => host)]);
  if (health !== undefined) {
    routes.push({ name: 'health', path: health, methods, responder: healthResponder(surroundings.health) });
  }
  if (metrics !== undefined) {
    routes.push({ name: 'metrics', path: metrics, methods, responder: metricsResponder(surroundings.collectMetrics) });
  }
  // Whatever host is asked.
  return [...hosts].flatMap((host) => routes.map((route) => (host === undefined ? route : { ...route, host })));
}

function siteRoutes(configuration: Configuration, secrets: Secrets, makers: Makers): readonly Route[] {
  const sites = configuration.sites ?? [];
  const last = lastSites(sites);
  return sites.flatMap((whole) => {
    const { host, path: _path, ...site } = whole;
    const start = startOf(whole);
    const own = routesOf(keepSecrets(servedOptions(site, configuration), secrets), makers).map((route): Route => {
      const below = route.path === undefined || route.path === '/' ? '' : route.path;
      return { ...route, host, path: `${start}${below}` || '/' };
    });
    return host === undefined || !last.has(whole) ? own : closed(own, host, start || '/');
  });
}

/** Those of a host that no other one is asked after: what they do not have, no site of it has. */
function lastSites(sites: readonly SiteConfiguration[]): ReadonlySet<SiteConfiguration> {
  const byPlace = new Map<string, SiteConfiguration>();
  const nameOf = ({ host = '' }: SiteConfiguration, start: string): string => `${host.toLowerCase()}${start}`;
  for (const site of sites) byPlace.set(nameOf(site, startOf(site)), site);
  const isLast = (site: SiteConfiguration): boolean => {
    const start = startOf(site);
    const around = [...start.matchAll(/\//g)].map(({ index }) => start.slice(0, index));
    return byPlace.get(nameOf(site, start)) === site && !around.some((one) => byPlace.has(nameOf(site, one)));
  };
  return new Set(sites.filter(isLast));
}

function startOf({ path = '/' }: SiteConfiguration): string {
  return path.replace(/\/+$/, '');
}

/** The routes of a host end with it: what it does not have is not looked for, nor written, in what other hosts have. */
function closed(routes: readonly Route[], host: string, path: string): readonly Route[] {
  const last = routes.findLastIndex((route) => route.path === path && route.methods === undefined);
  if (last === -1) return [...routes, { name: 'site', host, path, responder: () => ({ status: 404, fields: [] }) }];
  return routes.with(last, { ...(routes[last] as Route), fallThrough: false });
}

function keepSecrets(served: ServedOptions, secrets: Secrets): ServedOptions {
  if (served.root === undefined) return served;
  return { ...served, static: withSecrets(served.static, secrets), webdav: keepFromDrives(served.webdav, secrets) };
}

function keepFromDrives(webdav: ServerOptions['webdav'], secrets: Secrets): ServerOptions['webdav'] {
  if (webdav === undefined) return undefined;
  return webdavMounts({ webdav }).map((mount) => ({ ...mount, files: withSecrets({ ...mount.files }, secrets) }));
}

// What a client did wrong is in the access log, also where it asked for what no server has (501, 505); what the server, a
// script or an application did wrong is said here too, and so is why a script that is there is not run.
function failureOfOurs({ status, source, cause }: Failure): Error | undefined {
  if (cause instanceof Error && 'code' in cause && cause.code === 'script-forbidden') return cause;
  if (status < 500 || source === 'parser' || cause === undefined || cause === null) return undefined;
  return cause instanceof Error ? cause : new Error(typeof cause === 'string' ? cause : 'something was thrown');
}

function failureLine({ status, request }: Failure, { message }: Error): string {
  const asked =
    request === undefined ? '' : ` ${escaped(request.method)} ${escaped(request.target)} [${escaped(request.id)}]`;
  return `Error: ${status}${asked}: ${message}`;
}

function driveInWords({ webdav }: Configuration): string {
  return webdav === false ? '' : ` (also as a WebDAV drive${webdav === true ? '' : ` at ${webdav}`})`;
}

/** What is served, in a few words for the banner. */
export function servedInWords(configuration: Configuration, workingDirectory: string): string {
  const { root, php, fastcgi = [], scgi = [], wsgi = [], asgi = [], app = [], proxy = [], sites } = configuration;
  const workers = workerCount(configuration);
  const words: string[] = [];
  const folder =
    root === undefined
      ? []
      : [relative(workingDirectory, root) || root].map((name) => name + driveInWords(configuration));
  words.push(...(php === false ? folder : folder.map((name) => `${name} with PHP`)));
  for (const { address } of [...fastcgi, ...scgi]) words.push(`the application at ${[address].flat().join(', ')}`);
  for (const mount of [...wsgi, ...asgi, ...app]) {
    const processes = pythonProcesses(mount, workers) * workers;
    words.push(`${mount.application} (${processes} Python ${processes === 1 ? 'process' : 'processes'})`);
  }
  for (const { path = '/', target } of proxy) words.push(`${target} at ${path}`);
  if (sites !== undefined) words.push(`${sites.length} ${sites.length === 1 ? 'site' : 'sites'}`);
  return words.join(', ') || 'nothing';
}
