// Which PHP answers: a php-fpm that listens already, or a program that is to be started.

import { accessSync, constants, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { parseAddress } from '../fastcgi/address.ts';

/** A PHP that listens, or one to start: `fpm` is php-fpm, `cgi` is php-cgi, which speaks FastCGI too. */
export type Php =
  | { readonly kind: 'listens'; readonly address: string }
  | { readonly kind: 'program'; readonly program: string; readonly dialect: 'fpm' | 'cgi' };

/** Where packages let php-fpm listen; a star stands for a version. */
const SOCKETS = [
  '/run/php/php-fpm.sock',
  '/run/php/php*-fpm.sock',
  '/run/php-fpm/www.sock',
  '/run/php-fpm.sock',
  '/usr/local/var/run/php-fpm.sock',
];
/** Where packages put php-fpm beside PATH, which has them for root only. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];

/**
 * Finds PHP. `wanted` is an address, a program or its name; without it: a php-fpm that listens, may be asked by this process
 * and can read `root`, then the newest php-fpm that is installed, then php-cgi. Throws an Error of one line.
 */
export function findPhp(wanted: string | undefined, root: string): Php {
  if (wanted !== undefined) return namedPhp(wanted);
  const socket = SOCKETS.flatMap(expanded).find((path) => isUsable(path, root));
  if (socket !== undefined) return { kind: 'listens', address: socket };
  const program = newest(/^php-fpm[\d.]*$/) ?? newest(/^php-cgi[\d.]*$/);
  if (program !== undefined) return programOf(program);
  throw new Error('php: neither php-fpm nor php-cgi is installed (Debian, Ubuntu: apt-get install php-fpm)');
}

function namedPhp(wanted: string): Php {
  const isPath = wanted.startsWith('/') || wanted.startsWith('.');
  if (isPath && stateOf(wanted)?.isFile() === true) return programOf(resolve(wanted));
  if (parseAddress(wanted) !== undefined) return { kind: 'listens', address: wanted };
  const found = isPath
    ? undefined
    : folders()
        .map((folder) => join(folder, wanted))
        .find(isProgram);
  if (found === undefined) throw new Error(`php: ${wanted} is neither an address nor a program`);
  return programOf(found);
}

function programOf(program: string): Php {
  // A link such as php-cgi may be named after something else than what it leads to.
  const names = [basename(program), basename(realpathSync(program))];
  const dialect = names.some((name) => /fpm/.test(name)) ? 'fpm' : names.some((name) => /cgi/.test(name)) ? 'cgi' : '';
  if (dialect !== '') return { kind: 'program', program, dialect };
  throw new Error(`php: ${program} does not speak FastCGI; php-fpm and php-cgi do`);
}

/** The file with the highest version among those of that name. */
function newest(name: RegExp): string | undefined {
  const files = folders().flatMap((folder) =>
    namesIn(folder)
      .filter((one) => name.test(one))
      .map((one) => join(folder, one)),
  );
  return files.filter(isProgram).toSorted(byVersion)[0];
}

/** What has no version is what the administrator chose; among others the highest goes first, and 8.10 is higher than 8.9. */
function byVersion(one: string, other: string): number {
  const [left, right] = [one, other].map((path) => /[\d.]+$/.exec(path)?.[0]);
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  return right.localeCompare(left, 'en', { numeric: true });
}

function folders(): readonly string[] {
  return [...new Set([...(process.env['PATH'] ?? '').split(delimiter).filter((one) => one !== ''), ...MORE_FOLDERS])];
}

function expanded(pattern: string): readonly string[] {
  if (!pattern.includes('*')) return [pattern];
  const [start = '', end = ''] = basename(pattern).split('*');
  const names = namesIn(dirname(pattern)).filter((name) => name.startsWith(start) && name.endsWith(end));
  return names
    .toSorted((one, other) => other.localeCompare(one, 'en', { numeric: true }))
    .map((name) => join(dirname(pattern), name));
}

/** Whether somebody listens there whom this process may ask and who can read the root. */
function isUsable(path: string, root: string): boolean {
  const stats = stateOf(path);
  if (stats?.isSocket() !== true || !isAllowed(path, constants.W_OK) || !isListening(path)) return false;
  return stats.uid === 0 || canReach(stats.uid, root);
}

/** Linux names every socket that is bound; elsewhere a socket that is there is believed. */
function isListening(path: string): boolean {
  try {
    return readFileSync('/proc/net/unix', 'latin1').includes(` ${path}\n`);
  } catch {
    return true;
  }
}

/** Whether a user can come to a folder and list it, by the modes on the way. Groups are not asked. */
function canReach(uid: number, folder: string): boolean {
  for (let path = resolve(folder), needed = 5; ; path = dirname(path), needed = 1) {
    const stats = stateOf(path);
    if (stats === undefined) return false;
    const mode = stats.uid === uid ? stats.mode >> 6 : stats.mode;
    if ((mode & needed) !== needed) return false;
    if (path === dirname(path)) return true;
  }
}

function isProgram(path: string): boolean {
  return stateOf(path)?.isFile() === true && isAllowed(path, constants.X_OK);
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function stateOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Not ours to see is as good as not there.
    return undefined;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // PATH may name what is not there.
    return [];
  }
}
