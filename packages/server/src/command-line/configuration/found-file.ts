// What a configuration file may do that nobody named: it may lie in a folder that was downloaded a moment ago.
//
// People start this command in a folder to look at what is in it, as they start other small servers, none of which runs what
// lies there. So a file that is only found describes how its own folder is served on this machine. One that starts programs,
// listens for other machines, passes requests on, or reaches for files elsewhere is refused until it is named. Which options name
// files, the table of options says; a link in the folder may lead out of it, too.

import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isAtOrBelow } from '../../paths.ts';
import type { Shape } from '../options/option.ts';
import { optionEntries } from '../options/table.ts';
import { isRecord } from '../options/value.ts';
import type { ConfigurationFile } from './config-file.ts';
import { isExposed } from './inspection.ts';

const PROGRAM_KEYS = ['cgi', 'cgiBin', 'php', 'fastcgi', 'scgi', 'wsgi', 'asgi', 'app', 'python', 'virtualenv', 'cwd'];

/** What the file would do that needs its user's word, in words that follow its name. */
export function reasonsToAsk({ value, path }: ConfigurationFile): readonly string[] {
  if (!isRecord(value)) return [];
  const sites = [value, ...listOf(value['sites'])].filter(isRecord);
  const programs = PROGRAM_KEYS.filter((key) => sites.some((site) => isThere(site[key])));
  const outside = [
    ...new Set(optionEntries.flatMap(([key, { shape }]) => outsideIn(shape, value[key], key, dirname(path)))),
    ...(sites.some((site) => site['symlinks'] === 'all') ? ['symlinks'] : []),
  ];
  const { host, listen } = value;
  const reaches = isExposed({
    host: typeof host === 'string' || host === true ? host : 'localhost',
    listen: listen === undefined ? undefined : listOf(listen).map(String),
  });
  // A page of the folder would read through it what browsers keep from pages: servers of this machine and of its network.
  const passesOn = sites.some((site) => isThere(site['proxy']));
  return [
    ...(programs.length === 0 ? [] : [`would start programs (${programs.join(', ')})`]),
    ...(passesOn ? ['would pass requests on to other servers (proxy)'] : []),
    ...(reaches ? ['would let other machines connect'] : []),
    ...(outside.length === 0 ? [] : [`reaches outside its folder (${outside.join(', ')})`]),
  ];
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
}

/** The names of the options and members in a value that name something outside of a folder. */
function outsideIn(shape: Shape, value: unknown, name: string, folder: string): readonly string[] {
  switch (shape.type) {
    case 'path':
      return typeof value === 'string' && isOutside(resolve(folder, value), folder) ? [name] : [];
    case 'list':
      return Array.isArray(value) ? value.flatMap((item) => outsideIn(shape.item, item, name, folder)) : [];
    case 'map':
      return isRecord(value) ? Object.values(value).flatMap((item) => outsideIn(shape.value, item, name, folder)) : [];
    case 'object':
      return isRecord(value)
        ? Object.entries(shape.members).flatMap(([key, member]) => outsideIn(member.shape, value[key], key, folder))
        : [];
    case 'either':
      return shape.shapes.flatMap((one) => outsideIn(one, value, name, folder));
    default:
      return [];
  }
}

function isOutside(place: string, folder: string): boolean {
  return !isBelow(place, folder) || !isBelow(realPlace(place), realPlace(folder));
}

function isBelow(place: string | undefined, folder: string | undefined): boolean {
  return place !== undefined && folder !== undefined && isAtOrBelow(place, folder);
}

/** Where a path leads, also one that does not exist yet; undefined where a link cannot be followed to its end. */
function realPlace(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code !== 'ENOENT' || isLink(path)) return undefined;
    const parent = realPlace(dirname(path));
    return parent === undefined ? undefined : join(parent, basename(path));
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}
