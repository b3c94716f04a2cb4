// From options to what is served: mounts become routes, and routes with everything around them become a site.
//
// The order among routes for the same prefix: what `routes` says, scripts, files, then the application. Files give way to the
// application where they have nothing, and scripts by extension to files, so that one directory can hold all three.

import { basename, dirname, resolve } from 'node:path';
import type { cgi, CgiLogEntry } from '@onezero/cgi-process';
import type { fastcgi, php, scgi } from '@onezero/cgi-process/fastcgi';
import type { app, asgi, PythonLogEntry, wsgi } from '@onezero/python';
import { serveStatic, type StaticOptions } from '@onezero/static';
import type { webdav } from '@onezero/webdav';
import { resolveLimits } from './limits.ts';
import { type FileRoute, whyRefused } from './file-refusal.ts';
import type { Live } from './live/live.ts';
import { methodRegistry } from './methods.ts';
import type {
  Address,
  ApplicationState,
  AppMount,
  CgiMount,
  GatewayMount,
  PhpMount,
  ProxyMount,
  Route,
  ServerOptions,
  WebdavMount,
} from './options.ts';
import type { proxyResponder } from './proxy/proxy.ts';
import type { authentication, Authentication } from './routing/basic-auth.ts';
import { ownPages } from './routing/error-pages.ts';
import { createFail } from './routing/failures.ts';
import { guardWrites } from './routing/guard-writes.ts';
import { ownHosts } from './routing/host.ts';
import type { internalFiles } from './routing/internal-files.ts';
import { localHosts } from './routing/local-hosts.ts';
import { answersForTree, guardTree, namingOf } from './routing/reached-trees.ts';
import { createRouter } from './routing/routes.ts';
import { createSite, type Site } from './routing/site.ts';
import { gatewayRoutes, phpRoutes, routesOfScripts, type ScriptRoutes } from './script-routes.ts';
import { gatewayMounts, mountsOf, phpMounts } from './given-mounts.ts';
import { secretsOf, withSecrets } from './secrets.ts';
import { openFolder, webdavMounts } from './webdav-mounts.ts';
import { reportLine } from './standard-error.ts';
import { reportFailure } from './report-failure.ts';
import { version } from './installed-files.ts';

/** What some options need and most servers of files do not: whoever composes loads it when they are there. */
export interface Makers {
  readonly cgi?: typeof cgi;
  readonly fastcgi?: typeof fastcgi;
  readonly scgi?: typeof scgi;
  readonly php?: typeof php;
  readonly wsgi?: typeof wsgi;
  readonly asgi?: typeof asgi;
  readonly app?: typeof app;
  readonly webdav?: typeof webdav;
  readonly proxy?: typeof proxyResponder;
  readonly live?: typeof Live;
  readonly auth?: typeof authentication;
  readonly internal?: typeof internalFiles;
}

const NO_RULES: Authentication = {
  check: () => ({ outcome: 'open' }),
  ruleFor: () => undefined,
  has: () => false,
  below: () => [],
};

/** Builds the site. Throws a TypeError or RangeError with one line that names what is wrong; nothing is left open then. */
export function compose(options: ServerOptions, makers: Makers, listening: () => readonly Address[]): Site {
  const registry = methodRegistry(options.methods);
  const base = (options.base ?? '').replace(/\/+$/, '');
  const auth = (options.auth ?? []).map((rule) => (base === '' ? rule : { ...rule, path: below(base, rule.path) }));
  const rules = auth.length === 0 ? NO_RULES : needed(makers, 'auth')(auth, registry);
  const pages = ownPages(options.errorPages);
  const { hookTimeoutMs } = resolveLimits(options.limits);
  const live =
    options.live === undefined || options.live === false
      ? undefined
      : new (needed(makers, 'live'))(watchedBy(options), base);
  const given = routesOf(options, makers);
  const own = given
    .map((route) => (base === '' ? route : { ...route, path: below(base, route.path) }))
    .map((route) => guardTree(route, rules));
  const givenOf = new Map(own.map((route, index) => [route, given[index]]));
  // A host whose own routes take every path has no others.
  const hosts = [...new Set([undefined, ...own.map(({ host }) => host)])];
  const shown = live?.routes.flatMap((route) => hosts.map((host) => ({ ...route, host })));
  const routes = [...(shown ?? []), ...own];
  const site = createSite({
    registry,
    authentication: rules,
    router: createRouter(routes, registry),
    givenRoute: (route) => givenOf.get(route) ?? route,
    hosts: ownHosts(options.hosts),
    localHosts: localHosts({ ...options, routes }, listening),
    fail: createFail({
      hook: options.onError,
      report: options.onError === undefined && options.reportErrors !== false ? reportFailure : undefined,
      pages,
      hookTimeoutMs,
    }),
    closables: routes.map(({ responder }) => responder),
    applications: () => routes.flatMap(stateOf),
    openFolder: openFolder(options),
  });
  return live === undefined ? site : live.around(site);
}

/** A path below the base, which has no slash at its end. */
function below(base: string, path = '/'): string {
  return `${base}${path === '/' ? '' : path}`;
}

/** Where what live reload shows comes from. */
function watchedBy({ live, root, cgi, wsgi, asgi, app }: ServerOptions): readonly string[] {
  const scripts = mountsOf<CgiMount>(cgi, (directory) => ({ directory })).map((mount) =>
    'directory' in mount ? mount.directory : 'script' in mount ? dirname(mount.script) : mount.root,
  );
  const applications = [wsgi, asgi, app].flatMap((given) =>
    mountsOf<AppMount>(given, (application) => ({ application })).map(({ cwd = process.cwd() }) => cwd),
  );
  const named = typeof live === 'object' ? live : [];
  return [
    ...new Set(
      [root, ...scripts, ...applications, ...named].flatMap((path) => (path === undefined ? [] : [resolve(path)])),
    ),
  ];
}

function stateOf({ path = '/', responder }: Route): readonly ApplicationState[] {
  const states = [responder.workers?.() ?? []].flat();
  return states.map((state) => ({ ...state, path }));
}

/** Every route that the options ask for, in the order of precedence among equals. */
export function routesOf(options: ServerOptions, makers: Makers): readonly Route[] {
  const { root, static: files, cgi: scripts, routes = [] } = options;
  const all: Route[] = [...routes];
  const serverSoftware = `onezero/${version()}`;
  const fronts: Route[] = [];
  const sends = options.internal === undefined ? unchanged : needed(makers, 'internal')(options.internal, files?.types);
  for (const mount of mountsOf<CgiMount>(scripts, (directory) => ({ directory, path: '/cgi-bin' }))) {
    const given = asFiles(mount, files);
    const documentRoot = documentRootOf(mount, root);
    const { script, front } = scriptRoutes(needed(makers, 'cgi'), {
      serverSoftware,
      log: logOfScript,
      documentRoot,
      ...given,
    });
    all.push(sends(script));
    fronts.push(...front.map(sends));
  }
  for (const { kind, mount } of gatewayMounts(options)) {
    const given = asFiles(mount, files);
    const { script, front } = gatewayRoutes(needed(makers, kind), { serverSoftware, log: logOfScript, ...given });
    all.push(sends(script));
    fronts.push(...front.map(sends));
  }
  for (const mount of phpMounts(options)) {
    const given = asFiles(mount, files);
    const { script, front } = phpRoutes(needed(makers, 'php'), { serverSoftware, log: logOfScript, ...given });
    all.push(sends(script));
    fronts.push(...front.map(sends));
  }
  for (const mount of webdavMounts(options)) all.push(webdavRoute(needed(makers, 'webdav'), mount, options));
  if (root !== undefined) {
    all.push({
      name: `files in ${root}`,
      responder: fileResponder(root, withSecrets(files, secretsOf(options))),
      fallThrough: true,
    });
  }
  all.push(...fronts);
  all.push(
    ...mountsOf<ProxyMount>(options.proxy, (target) => ({ target })).map((mount) =>
      proxyRoute(needed(makers, 'proxy'), mount),
    ),
  );
  for (const kind of ['wsgi', 'asgi', 'app'] as const) {
    const mounts = mountsOf<AppMount>(options[kind], (application) => ({ application }));
    all.push(...mounts.map((mount) => sends(applicationRoute(needed(makers, kind), mount))));
  }
  return all;
}

function unchanged(route: Route): Route {
  return route;
}

function fileResponder(root: string, files: StaticOptions): Route['responder'] {
  const whyNothing: FileRoute['whyNothing'] = (request) => whyRefused(root, files, request);
  const responder = Object.assign(serveStatic(root, files), { whyNothing });
  const isWritable = files.writable !== undefined && files.writable !== false;
  return answersForTree(isWritable ? guardWrites(responder, resolve(root), files) : responder, namingOf(files));
}

/** A folder over WebDAV: what is secret anywhere in the server is secret there, and pages of other sites change nothing. */
function webdavRoute(
  make: NonNullable<Makers['webdav']>,
  { path, files, ...rest }: WebdavMount,
  options: ServerOptions,
): Route {
  const safe = withSecrets({ ...files }, secretsOf(options));
  const responder = make({ ...rest, files: safe });
  const guarded = guardWrites(responder, resolve(rest.root), safe);
  return {
    name: `WebDAV in ${rest.root}`,
    path,
    responder: answersForTree(guarded, namingOf({ index: false, ...safe })),
  };
}

// What scripts and applications log goes to standard error in one way, whichever package runs them.
function logOfScript({ line, script }: CgiLogEntry): void {
  reportLine(`${basename(script)}: ${line}`);
}

function log({ worker, pid, request, line }: PythonLogEntry): void {
  reportLine(`[python ${worker}/${pid}${request === undefined ? '' : ` ${request}`}] ${line}`);
}

/** What scripts see as DOCUMENT_ROOT: the root of the site, unless they are files of a root of their own. */
function documentRootOf(mount: CgiMount, root: string | undefined): string | undefined {
  return 'extensions' in mount || root === undefined ? undefined : resolve(root);
}

/**
 * Scripts among files are found as files are: directories in the order of their index, where scripts that are not named come
 * last, and links as far as files are sent through them.
 */
function asFiles<Mount extends CgiMount | GatewayMount | PhpMount>(
  mount: Mount,
  files: StaticOptions | undefined,
): Mount {
  const extensions = extensionsOf(mount);
  if (extensions === undefined) return mount;
  const scripts = extensions.map((extension) => `index${extension}`);
  const { index, symlinks = 'inside' } = files ?? {};
  return {
    symlinks,
    ...(Array.isArray(index) && { index: [...new Set([...(index as readonly string[]), ...scripts])] }),
    ...mount,
  };
}

/** The extensions of scripts that lie among files. */
function extensionsOf(mount: CgiMount | GatewayMount | PhpMount): readonly string[] | undefined {
  if (!('root' in mount) || mount.root === undefined) return undefined;
  const { extensions = ['.php'] } = mount;
  return Array.isArray(extensions) ? (extensions as readonly string[]) : Object.keys(extensions);
}

function applicationRoute(make: NonNullable<Makers['app']>, { path, ...options }: AppMount): Route {
  const serverSoftware = `onezero/${version()}`;
  const { application } = options;
  const responder = make({ serverSoftware, log, ...options });
  const workers = (): Omit<ApplicationState, 'path'> => {
    const { interface: called, python, loaded, processes, ready, busy, queued, restarts } = responder.state();
    return { application, interface: called, python, loaded, processes, ready, busy, queued, restarts };
  };
  return { name: `the application ${application}`, path, responder: Object.assign(responder, { workers }) };
}

function proxyRoute(make: NonNullable<Makers['proxy']>, { path, ...options }: ProxyMount): Route {
  return { name: `the upstream ${options.target}`, path, responder: make(options) };
}

function scriptRoutes(make: NonNullable<Makers['cgi']>, { path, ...rest }: CgiMount): ScriptRoutes {
  const isShared = 'extensions' in rest;
  const where = 'directory' in rest ? rest.directory : 'script' in rest ? rest.script : rest.root;
  const front = 'extensions' in rest ? rest.front : undefined;
  return routesOfScripts(make(rest), { name: `scripts in ${where}`, path, isShared, front });
}

function needed<Name extends keyof Makers>(makers: Makers, name: Name): NonNullable<Makers[Name]> {
  const make = makers[name];
  if (make === undefined) throw new Error(`${name} is asked for and was not loaded`);
  return make;
}
