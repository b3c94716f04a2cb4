// Looks at the machine with the eyes of a configuration: do the files exist that it names, and is anything set up so that
// it will surprise? Problems keep the server from starting; warnings do not.

import { accessSync, constants, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { nearest } from '../../suggestion.ts';
import { COMMANDS } from './arguments.ts';
import { kindOf, statOf } from './file-kind.ts';
import { isAllowed, unlessRefused } from '../../paths.ts';
import { certificatePlaces } from './certificate-places.ts';
import type { CgiConfiguration } from '../options/mounts.ts';
import type { Configuration, Served } from '../options/table.ts';
import { inspectPhp } from './php-inspection.ts';
import { inspectRights, isWritable } from './rights.ts';
import { inspectDjango } from './django-inspection.ts';
import { foreignFiles } from './foreign-files.ts';
import { inspectHosts } from './host-inspection.ts';
import { inspectByExtension, inspectScript, inspectScripts } from './script-inspection.ts';

export interface Findings {
  readonly problems: string[];
  readonly warnings: string[];
}

/** Everything found, the problems that keep the server from starting first among them. */
export function inspect(configuration: Configuration): Findings {
  const findings: Findings = { problems: [], warnings: [] };
  const { problems } = findings;
  const sites: readonly Served[] = [configuration, ...(configuration.sites ?? [])];
  for (const site of sites) inspectSite(site, findings);
  for (const site of configuration.sites ?? []) {
    if (site.host === undefined && site.path === undefined) problems.push('a site needs a host, a path, or both');
  }
  for (const path of Object.values(configuration.errorPages ?? {})) requireFile('the error page', path, problems);
  for (const rule of configuration.auth ?? []) {
    if ((rule.file === undefined) === (rule.users === undefined))
      problems.push('an auth rule needs either users or a file');
    if (rule.file !== undefined) requireFile('the password file', rule.file, problems);
  }
  if (configuration.authFile !== undefined) requireFile('the password file', configuration.authFile, problems);
  for (const path of Array.isArray(configuration.live) ? (configuration.live as readonly string[]) : []) {
    if (kindOf(path) !== 'directory') problems.push(missing('the directory of --live', path));
  }
  inspectListening(configuration, findings);
  inspectExposure(configuration, findings);
  inspectSecrets(configuration, findings);
  findings.warnings.push(...inspectHosts(configuration));
  const read = new Set([configuration.authFile, ...(configuration.auth ?? []).map(({ file }) => file)].filter(isNamed));
  for (const root of new Set(sites.map((site) => site.root).filter(isNamed)))
    findings.warnings.push(...foreignFiles(root, read));
  return findings;
}

function isNamed(path: string | undefined): path is string {
  return path !== undefined;
}

function inspectSite(site: Served, findings: Findings): void {
  const { root, cgiBin, typesFile } = site;
  const { problems } = findings;
  if (root !== undefined && kindOf(root) === undefined)
    problems.push(missing('the directory', root) + commandHint(root));
  inspectRights(site, findings);
  if (root !== undefined && /\.php$/i.test(root) && kindOf(root) === 'file') {
    const way = `onezero ${dirname(root)} --php --front ${basename(root)}`;
    problems.push(`${root} is PHP source, which would be shown to visitors; to run it: ${way}`);
  }
  if (root !== undefined && /\.(?:py|wsgi)$/i.test(root) && kindOf(root) === 'file') {
    problems.push(`${root} is Python source, which would be shown to visitors; to run it: onezero --wsgi ${root}`);
  }
  if (typesFile !== undefined) requireFile('the file of media types', typesFile, problems);
  if (typeof site.fallback === 'string' && root !== undefined && kindOf(join(root, site.fallback)) === undefined) {
    findings.warnings.push(`${site.fallback}, which answers unknown paths, is not in ${root}`);
  }
  const mounts: readonly CgiConfiguration[] = site.cgi ?? [];
  for (const mount of mounts) inspectMount(mount, root, findings);
  inspectPhp(site, findings);
  findings.warnings.push(...inspectDjango(site));
  const directories = [cgiBin, ...mounts.map(({ directory }) => directory)].filter((path) => path !== undefined);
  for (const directory of directories) {
    if (kindOf(directory) !== 'directory') problems.push(missing('the directory of scripts', directory));
    else inspectScripts(directory, mounts.find((mount) => mount.directory === directory)?.['uid'], findings.warnings);
    if (
      root !== undefined &&
      kindOf(root) === 'directory' &&
      kindOf(directory) !== undefined &&
      isInside(directory, root)
    ) {
      findings.warnings.push(`${directory} lies below the document root ${root}; its files are hidden there`);
    }
  }
}

function inspectMount(mount: CgiConfiguration, root: string | undefined, { problems, warnings }: Findings): void {
  const ways = [mount.directory, mount.extensions, mount.script].filter((way) => way !== undefined);
  if (ways.length !== 1) problems.push('a cgi mount needs one of directory, extensions and script');
  if (mount.script !== undefined) requireFile('the script', mount.script, problems);
  if (mount.directory !== undefined && mount.path === undefined) {
    problems.push(`the cgi mount of ${mount.directory} needs a path, such as "/cgi-bin"`);
  }
  if (mount.script !== undefined && kindOf(mount.script) === 'file') inspectScript(mount.script, warnings);
  if (mount.extensions === undefined) return;
  inspectByExtension(mount.root ?? root, mount.extensions, warnings);
  if (mount.root === undefined && root === undefined)
    problems.push('scripts by extension need a directory: name a root');
  for (const program of Object.values(mount.extensions)) {
    if (program !== null && !isProgram(program)) problems.push(`the interpreter ${program} cannot be run`);
  }
}

function inspectListening(configuration: Configuration, { problems, warnings }: Findings): void {
  const { https, listen = [], logFile, readyFile, sites = [] } = configuration;
  const places = certificatePlaces(configuration);
  if ([configuration, ...sites].some(({ tlsCert, tlsKey }) => (tlsCert === undefined) !== (tlsKey === undefined)))
    problems.push('TLS needs both --tls-cert and --tls-key');
  if (places.length === 0 && !https && listen.some((address) => address.startsWith('https:'))) {
    problems.push('an https listener needs --https, or --tls-cert and --tls-key');
  }
  // Of several, each is on its own.
  const found = places.length === 1 ? problems : warnings;
  for (const { cert, key, passphraseFile } of places)
    for (const path of [cert, key, passphraseFile]) if (path !== undefined) requireFile('the file', path, found);
  if (logFile !== undefined) inspectOwnFile('the log file', logFile, isWritable, problems);
  // It is written beside its place and renamed.
  const isReplaceable = (path: string): boolean => isWritable(join(dirname(path), `.${basename(path)}`));
  if (readyFile === undefined) return;
  inspectOwnFile('the ready file', readyFile, isReplaceable, problems);
  const there = unlessRefused(() => lstatSync(readyFile, { throwIfNoEntry: false }));
  // It would be replaced, and gone at the end: /dev/stdout for all programs.
  if (there?.isFile() === false && !there.isDirectory()) problems.push(`the ready file ${readyFile} is not a file`);
}

function inspectOwnFile(what: string, path: string, mayWrite: (path: string) => boolean, problems: string[]): void {
  if (kindOf(dirname(path)) !== 'directory') problems.push(missing(`the directory of ${what}`, dirname(path)));
  else if (kindOf(path) === 'directory') problems.push(`${what} ${path} is a directory`);
  else if (!mayWrite(path)) problems.push(`${what} ${path} cannot be written by this user`);
}

function inspectExposure(configuration: Configuration, { problems, warnings }: Findings): void {
  const { authUser, authFile, auth, dotfiles, symlinks } = configuration;
  const places = certificatePlaces(configuration);
  const asks = authUser !== undefined || authFile !== undefined || (auth ?? []).length > 0;
  const isOpen = isExposed(configuration);
  if (authUser !== undefined)
    warnings.push('the password in --auth can be seen by everybody on this machine; prefer --auth-file');
  if (configuration.writable !== false && !asks)
    warnings.push('everyone who can connect can change files: add --auth-file to --writable');
  const drive = [configuration, ...(configuration.sites ?? [])].find(({ webdav = false }) => webdav !== false);
  if (drive !== undefined && drive.root === undefined) problems.push('--webdav needs a directory to serve');
  if (isOpen && !asks && drive !== undefined)
    problems.push('everyone who can connect could change files: --webdav needs --auth-file, or localhost only');
  if (isOpen && asks && places.length === 0)
    warnings.push('passwords cross the network unencrypted: add --https or --tls-cert');
  if (isOpen && dotfiles === 'allow') warnings.push('files such as .env and .git are served to other machines');
  if (isOpen && symlinks === 'all') warnings.push('links that lead out of the root are followed for other machines');
  for (const key of new Set(places.map((place) => place.key))) {
    if (((statOf(key)?.mode ?? 0) & 0o004) !== 0) warnings.push(`everybody on this machine can read the key ${key}`);
  }
}

/** What lies below a document root and is kept from visitors: more so than its user may expect. */
function inspectSecrets(configuration: Configuration, { warnings }: Findings): void {
  const { authFile, auth = [], logFile, readyFile, sites = [] } = configuration;
  const keys = certificatePlaces(configuration).flatMap(({ key, passphraseFile }) => [key, passphraseFile]);
  const own = [authFile, ...auth.map(({ file }) => file), ...keys, logFile, readyFile].filter(isNamed);
  const places: readonly Served[] = [configuration, ...sites];
  const roots = new Set(places.map(({ root }) => root).filter(isNamed));
  const rootsAt = byPlace([...roots].filter((root) => kindOf(root) === 'directory'));
  for (const path of new Set(own)) {
    if (kindOf(dirname(path)) === undefined) continue;
    for (const place of placesAbove(kindOf(path) === undefined ? dirname(path) : path))
      for (const root of rootsAt.get(place) ?? [])
        warnings.push(`${path} lies below the document root ${root}; it is not served`);
  }
  const mounts = places.flatMap(({ wsgi = [], asgi = [], app = [] }) => [...wsgi, ...asgi, ...app]);
  const folders = mounts.map(({ cwd }) => (typeof cwd === 'string' ? cwd : process.cwd()));
  const isShared = besideRoots(new Set(folders), rootsAt);
  for (const [index, { application }] of mounts.entries()) {
    const cwd = folders[index] ?? '';
    if (isShared(cwd))
      warnings.push(`Python sources and databases of ${application} in ${cwd} are not served as files`);
  }
}

/** Directories by where they are without links. */
function byPlace(directories: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const directory of directories) {
    const place = realpathSync(directory);
    const known = found.get(place);
    if (known === undefined) found.set(place, [directory]);
    else known.push(directory);
  }
  return found;
}

/** Where a path is without links, and all directories around it: thousands of roots are looked up, not tried one by one. */
function placesAbove(path: string): readonly string[] {
  const places = [realpathSync(path)];
  for (let next = dirname(places[0] ?? '/'); next !== places.at(-1); next = dirname(next)) places.push(next);
  return places;
}

/** Tests whether a directory is one of `directories` that lies in a root, or a root in it. */
function besideRoots(
  directories: ReadonlySet<string>,
  rootsAt: ReadonlyMap<string, readonly string[]>,
): (directory: string) => boolean {
  const at = byPlace([...directories].filter((one) => kindOf(one) === 'directory'));
  const beside = new Set<string>();
  for (const [place, there] of at) {
    if (placesAbove(place).some((one) => rootsAt.has(one))) for (const directory of there) beside.add(directory);
  }
  const around = [...rootsAt.keys()].flatMap(placesAbove).flatMap((place) => at.get(place) ?? []);
  for (const directory of around) beside.add(directory);
  return (directory) => beside.has(directory);
}

/** Whether other machines can connect, as far as the configuration says. */
export function isExposed({ host, listen }: Pick<Configuration, 'host' | 'listen'>): boolean {
  const isLoopback = (name: string): boolean => /^(?:localhost|127\.[\d.]+|\[?::1\]?)$/.test(name);
  if (listen === undefined) return host === true || !isLoopback(host);
  return listen.some((address) => {
    // A port alone is one of localhost.
    if (/^:?\d{1,5}\/?$/.test(address)) return false;
    const name = /^(?:\w+:\/\/)?(\[[^\]]*\]|[^:/]*)/.exec(address)?.[1] ?? '';
    return !address.startsWith('unix:') && !isLoopback(name);
  });
}

function requireFile(what: string, path: string, problems: string[]): void {
  if (kindOf(path) !== 'file') {
    problems.push(missing(what, path));
    return;
  }
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    problems.push(`${what} ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** One line, with the nearest name in the same directory. */
function missing(what: string, path: string): string {
  const hint = nearest(basename(path), namesIn(dirname(path)));
  const exists = kindOf(path) !== undefined;
  const found = hint === undefined || exists ? '' : ` (did you mean ${join(dirname(path), hint)}?)`;
  return `${what} ${path} ${exists ? 'is of the wrong kind' : 'does not exist'}${found}`;
}

/** A command that was misspelt is taken for a directory. */
function commandHint(root: string): string {
  const command = dirname(root) === process.cwd() ? nearest(basename(root), COMMANDS) : undefined;
  return command === undefined ? '' : `; the command is onezero ${command}`;
}

function namesIn(directory: string): readonly string[] {
  return unlessRefused(() => readdirSync(directory)) ?? [];
}

function isProgram(program: string): boolean {
  const folders = program.includes('/') ? [''] : (process.env['PATH'] ?? '').split(':');
  return folders.some((folder) => isAllowed(folder === '' ? program : join(folder, program), constants.X_OK));
}

function isInside(path: string, root: string): boolean {
  return !relative(realpathSync(root), realpathSync(path)).startsWith('..');
}
