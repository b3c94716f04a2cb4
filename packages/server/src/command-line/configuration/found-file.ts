// What a configuration file may do that nobody named: it may lie in a folder that was downloaded a moment ago.
//
// People start this command in a folder to look at what is in it, as they start other small servers, none of which runs what
// lies there. So a file that is only found describes how its own folder is served on this machine. One that starts programs,
// listens for other machines, or reaches for files elsewhere is refused until it is named.

import { dirname, relative, resolve, sep } from 'node:path';
import type { ConfigurationFile } from './config-file.ts';
import { isExposed } from './inspection.ts';

const programKeys = ['cgi', 'cgiBin', 'php', 'fastcgi', 'scgi', 'wsgi', 'asgi', 'app', 'python', 'virtualenv', 'chdir'];
const fileKeys = ['root', 'logFile', 'readyFile', 'mimeTypes', 'authFile', 'tlsCert', 'tlsKey', 'tlsPassphraseFile'];

const certificateKeys = ['cert', 'key', 'passphraseFile'];

/** What the file would do that needs its user's word, in words that follow its name. */
export function reasonsToAsk({ value, path }: ConfigurationFile): readonly string[] {
  if (!isRecord(value)) return [];
  const sites = [value, ...listOf(value['sites'])].filter(isRecord);
  const certificates = listOf(value['certificates']).filter(isRecord);
  const programs = programKeys.filter((key) => sites.some((site) => isThere(site[key])));
  const outside = [
    ...fileKeys.filter((key) => sites.some((site) => isOutside(site[key], dirname(path)))),
    ...certificateKeys.filter((key) => certificates.some((one) => isOutside(one[key], dirname(path)))),
  ];
  const { host, listen } = value;
  const reaches = isExposed({
    host: typeof host === 'string' || host === true ? host : 'localhost',
    listen: listen === undefined ? undefined : listOf(listen).map(String),
  });
  return [
    ...(programs.length === 0 ? [] : [`would start programs (${programs.join(', ')})`]),
    ...(reaches ? ['would let other machines connect'] : []),
    ...(outside.length === 0 ? [] : [`reaches outside its folder (${outside.join(', ')})`]),
  ];
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
}

function isOutside(value: unknown, folder: string): boolean {
  if (typeof value !== 'string') return false;
  const way = relative(folder, resolve(folder, value));
  return way === '..' || way.startsWith(`..${sep}`);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
