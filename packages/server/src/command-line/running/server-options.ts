// From the configuration, whose values are what people write, to the options of `createServer`, whose values are what
// programs want: units leave the values and go into the names, and the shorthands become mounts, rules and routes.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Field } from '../../message/message.ts';
import type { AuthRule, ErrorPage, ServerOptions } from '../../options.ts';
import { certificatePlaces } from '../configuration/certificate-places.ts';
import { cgiMount, gatewayMount, phpMount, workerCount, wsgiMount } from './mount-options.ts';
import type { Configuration, Served } from '../options/table.ts';
import { type Secrets, secretsOf, together } from '../../secrets.ts';
import { staticOptions } from './static-options.ts';
import { optionsOfPart } from './to-options.ts';

/** What one site serves: the half of the server's options that `compose` turns into routes. */
export type ServedOptions = Pick<
  ServerOptions,
  'root' | 'static' | 'cgi' | 'php' | 'fastcgi' | 'scgi' | 'internal' | 'proxy' | 'webdav' | 'wsgi' | 'asgi' | 'app'
>;

/** The options of the server, without the access log and the routes that the command adds. */
export function serverOptions(configuration: Configuration): ServerOptions {
  const { errorPages, hosts } = configuration;
  return {
    ...optionsOfPart('', { ...configuration }),
    ...servedOptions(configuration, configuration),
    live: liveOption(configuration),
    auth: authRules(configuration),
    errorPages: errorPages === undefined ? undefined : pages(errorPages),
    fields: fieldsForAll(configuration),
    limits: optionsOfPart('limits.', { ...configuration }),
    // A star stands for any host; nothing at all for those of this machine, while only it can connect.
    hosts: hosts === undefined ? 'local' : hosts.includes('*') ? undefined : hosts,
  };
}

/** What no site may serve as a file: the secrets of all sites, and the server's own files. */
export function configuredSecrets(configuration: Configuration): Secrets {
  const { config, logFile, readyFile, sites = [] } = configuration;
  const keys = certificatePlaces(configuration).flatMap(({ key, passphraseFile }) => [key, passphraseFile]);
  const own = [config, ...keys, logFile, readyFile].filter((path) => typeof path === 'string');
  const served = [configuration, ...sites].map((site) => servedOptions(site, configuration));
  const auth = authRules(configuration);
  return together([{ deny: own, isSource: () => false }, ...served.map((one) => secretsOf({ ...one, auth }))]);
}

/** What a site serves. How files are served, where the site does not say, is as in the configuration around it. */
export function servedOptions(site: Served, around: Configuration): ServedOptions {
  const { root, cgiBin, cgi = [], php, front, fastcgi = [], scgi = [], wsgi, asgi, app, internal, proxy } = site;
  const workers = workerCount(around);
  const place = { root, front, env: around.cgiEnv };
  const mounts = [...(cgiBin === undefined ? [] : [{ path: '/cgi-bin', directory: cgiBin }]), ...cgi].map((mount) =>
    cgiMount(mount, place),
  );
  return {
    root,
    static: root === undefined ? undefined : staticOptions({ ...filesOf(around), ...site }, around),
    cgi: mounts.length === 0 ? undefined : mounts,
    internal,
    proxy,
    webdav: root === undefined ? undefined : webdavMount(site, around, root),
    php: phpMount(php, place, workers),
    fastcgi: fastcgi.length === 0 ? undefined : fastcgi.map((mount) => gatewayMount(mount, place)),
    scgi: scgi.length === 0 ? undefined : scgi.map((mount) => gatewayMount(mount, place)),
    wsgi: wsgi?.map((mount) => wsgiMount(mount, workers)),
    asgi: asgi?.map((mount) => wsgiMount(mount, workers)),
    app: app?.map((mount) => wsgiMount(mount, workers)),
  };
}

/** The root as a drive: read as the site reads it, and bounded as the site is where it is writable. */
function webdavMount(site: Served, around: Configuration, root: string): ServerOptions['webdav'] {
  const { webdav = false } = site;
  if (webdav === false) return undefined;
  const options = staticOptions({ ...filesOf(around), ...site }, around);
  const taken = DRIVE_OPTIONS.map((name) => [name, options[name]] as const);
  // Names that systems write on every drive are let through, unless the site lets more names that begin with a dot through.
  const files = taken.filter(([name, value]) => value !== undefined && !(name === 'dotfiles' && value === 'deny'));
  const limits = typeof options.writable === 'object' ? options.writable : {};
  return [{ ...limits, root, path: webdav === true ? '/' : webdav, files: Object.fromEntries(files) }];
}

/** What a site says of its files that is true of them on a drive too. */
const DRIVE_OPTIONS = [
  'index',
  'listing',
  'dotfiles',
  'symlinks',
  'hide',
  'windowsNames',
  'types',
  'typesFile',
  'defaultType',
  'charset',
  'cors',
  'fieldRules',
] as const;

// The routes of sites are made by the command, so the server does not know their directories.
function liveOption({ live, sites = [] }: Configuration): ServerOptions['live'] {
  if (live === false) return undefined;
  const roots = sites.flatMap(({ root, cgiBin }) => [root, cgiBin]).filter((path) => path !== undefined);
  return [...(live === true ? [] : live), ...roots];
}

// A site of its own has its own document root, so what is tied to one is not taken over.
function filesOf(around: Configuration): Served {
  return { ...around, fallback: false, writable: false, redirects: undefined, headers: undefined };
}

function authRules({ authUser, authFile, authRealm: realm, auth = [] }: Configuration): readonly AuthRule[] {
  const rules: AuthRule[] = auth.map(({ file, users = {}, ...rest }) => ({
    realm,
    ...rest,
    users: file === undefined ? users : { file },
  }));
  if (authFile !== undefined) rules.push({ realm, users: { file: authFile } });
  if (authUser !== undefined) rules.push({ realm, users: isAmong(authUser) });
  return rules;
}

// Both digests are made whoever asks, so that the time taken says nothing about which names exist.
function isAmong(pairs: readonly string[]): (user: string, password: string) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const known = pairs.map(digest);
  return (user, password) => {
    const asked = digest(`${user}:${password}`);
    return known.filter((one) => timingSafeEqual(one, asked)).length > 0;
  };
}

function pages(files: Readonly<Record<string, string>>): Readonly<Record<string, ErrorPage>> {
  return Object.fromEntries(Object.entries(files).map(([status, file]) => [status, { file }]));
}

function fieldsForAll({ headers = [] }: Configuration): readonly Field[] {
  return headers.flatMap(({ glob, fields }) =>
    glob === undefined ? Object.entries(fields).map(([name, value]): Field => [name.toLowerCase(), value]) : [],
  );
}
