// What must not be served as a file, wherever a document root lies and by whatever name it is reached: password files, the
// sources of scripts, and the sources and databases of Python applications.

import { constants, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { StaticOptions } from '@onezero/static';
import { sourceNames } from '@onezero/cgi-process/options';
import { gatewayMounts, mountsOf, phpMounts } from './given-mounts.ts';
import type { AppMount, CgiMount, GatewayMount, PhpMount, ServerOptions } from './options.ts';
import { isAllowed, isAtOrBelow, unlessRefused } from './paths.ts';

/** Files that `@onezero/static` must refuse: paths, and a test for what is told by its name and place. */
export interface Secrets {
  readonly deny: readonly string[];
  readonly isSource: (path: string, asked?: string) => boolean;
}

// What an application's folder has beside code that may be shown: SQLite keeps a log and an index beside its files.
const DATABASE = /\.(?:db|sqlite3?)(?:-(?:journal|wal|shm))?$/i;
const isPythonSource = sourceNames(['.py', '.pyc', '.pyo', '.pyw', '.wsgi']);

/** The secrets of what these options serve. */
export function secretsOf(options: ServerOptions): Secrets {
  const { root, auth = [], cgi, wsgi, asgi, app, internal = {} } = options;
  const parts = [
    passwordFiles(auth),
    { deny: Object.values(internal).map((folder) => resolve(folder)), isSource: never },
    ...mountsOf<CgiMount>(cgi, (directory) => ({ directory })).map((mount) => scriptSecrets(mount, root)),
    ...gatewayMounts(options).flatMap(({ mount }) => gatewaySecrets(mount, root)),
    ...phpMounts(options).flatMap(phpSecrets),
    ...[wsgi, asgi, app]
      .flatMap((given) => mountsOf<AppMount>(given, (application) => ({ application })))
      .map(applicationSecrets),
  ];
  return together(parts);
}

/** All of several. */
export function together(parts: readonly Secrets[]): Secrets {
  const sources = parts.map(({ isSource }) => isSource).filter((isSource) => isSource !== never);
  return {
    deny: [...new Set(parts.flatMap(({ deny }) => deny))],
    isSource: sources.length === 0 ? never : (path, asked) => sources.some((isSource) => isSource(path, asked)),
  };
}

/** The options of files that keep these secrets beside their own. */
export function withSecrets(files: StaticOptions | undefined, { deny, isSource }: Secrets): StaticOptions {
  const own = files?.isSource;
  return {
    ...files,
    deny: joined(files?.deny ?? [], deny),
    isSource:
      isSource === never
        ? own
        : own === undefined
          ? isSource
          : (path, asked) => own(path, asked) || isSource(path, asked),
  };
}

/** The list itself where there is only one: sites that have the same one look at it together. */
function joined(some: readonly string[], others: readonly string[]): readonly string[] {
  if (some.length === 0 || others.length === 0) return some.length === 0 ? others : some;
  return [...new Set([...some, ...others])];
}

function phpSecrets({ root, extensions = [] }: PhpMount): readonly Secrets[] {
  return root === undefined ? [] : [namedSecrets(root, ['.php', ...extensions])];
}

/** Sources of scripts with these extensions, below a root or led to from there, wherever links end. */
function namedSecrets(root: string, extensions: readonly string[]): Secrets {
  const isNamed = sourceNames(extensions);
  // A link on the way may lead elsewhere by now.
  const isInside = (path: string): boolean => placesOf([root]).some((place) => isAtOrBelow(path, place));
  return { deny: [], isSource: (path, asked = path) => isNamed(path) && (isInside(path) || isInside(asked)) };
}

function gatewaySecrets(mount: GatewayMount, root: string | undefined): readonly Secrets[] {
  if (mount.directory !== undefined) return [scriptSecrets({ directory: mount.directory }, root)];
  if (mount.root === undefined) return [];
  return [namedSecrets(mount.root, mount.extensions ?? ['.php'])];
}

function never(): boolean {
  return false;
}

function passwordFiles(auth: NonNullable<ServerOptions['auth']>): Secrets {
  const files = auth.flatMap(({ users }) => ('file' in users && typeof users.file === 'string' ? [users.file] : []));
  return { deny: files.map((file) => resolve(file)), isSource: never };
}

function scriptSecrets(mount: CgiMount, root: string | undefined): Secrets {
  if ('script' in mount) return { deny: [resolve(mount.script)], isSource: never };
  if ('directory' in mount) {
    // Where files are served out of the directory of scripts, the scripts are those that can be run.
    const isAround = root !== undefined && isAtOrBelow(real(root), real(mount.directory));
    return isAround ? { deny: [], isSource: isExecutable } : { deny: [resolve(mount.directory)], isSource: never };
  }
  return namedSecrets(mount.root, Object.keys(mount.extensions));
}

function applicationSecrets({ application, cwd = '.', virtualenv, pythonPath = [] }: AppMount): Secrets {
  const folder = resolve(cwd);
  const file = resolve(folder, application.replace(/:[^/]*$/, ''));
  const places = [folder, file, ...pythonPath.map((one) => resolve(folder, one))];
  const isInside = (path: string): boolean => placesOf(places).some((place) => isAtOrBelow(path, place));
  return {
    deny: ['venv', ...(virtualenv === undefined ? [] : [virtualenv])].map((one) => resolve(folder, one)),
    isSource: (path, asked = path) =>
      (isPythonSource(path) || DATABASE.test(path)) && (isInside(path) || isInside(asked)),
  };
}

function isExecutable(path: string): boolean {
  return isAllowed(path, constants.X_OK);
}

/** Whether a write to a path would change a secret, or make one: by its place without links, and by device and inode. */
export function wouldWriteSecret(
  path: string,
  { deny = [], isSource }: Pick<StaticOptions, 'deny' | 'isSource'>,
): boolean {
  if (deny.length === 0 && isSource === undefined) return false;
  const place = placeOf(path);
  if (isSource?.(path) === true || isSource?.(place) === true) return true;
  const target = identityOf(path);
  return deny.some((secret) => {
    const isSame = target !== undefined && target === identityOf(secret);
    return isSame || isAtOrBelow(place, placeOf(secret)) || isAtOrBelow(path, resolve(secret));
  });
}

/** Where a path leads without links; what is not there yet will be where its folder is. */
function placeOf(path: string): string {
  return identityOf(path) === undefined ? join(real(dirname(path)), basename(path)) : real(path);
}

function identityOf(path: string): string | undefined {
  const found = unlessRefused(() => statSync(path, { bigint: true }));
  return found && `${found.dev}:${found.ino}`;
}

/** Paths as they were given and without links. */
function placesOf(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.flatMap((path) => [resolve(path), real(path)]))];
}

function real(path: string): string {
  return unlessRefused(() => realpathSync(path)) ?? resolve(path);
}
