// PHP where there is one: a server whose options name a program that is not installed would not start.
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { ServerOptions } from '@onezero/server';
import { serveStatic } from '@onezero/static';

/** The options for a folder of PHP at a path: scripts by PHP, and the files beside them. */
export function phpIn(
  root: string,
  path: string,
): Pick<ServerOptions, 'php'> & { readonly files: NonNullable<ServerOptions['routes']> } {
  if (!hasPhp()) return { files: [] };
  return {
    php: { root, path, children: 4 },
    files: [{ path, responder: serveStatic(root, { hide: ['*.php'] }), fallThrough: true }],
  };
}

function hasPhp(): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.some((folder) => programsIn(folder).some((name) => /^php-(?:fpm|cgi)[\d.]*$/.test(name)));
}

function programsIn(folder: string): readonly string[] {
  try {
    accessSync(folder, constants.X_OK);
    return readdirSync(folder);
  } catch {
    return []; // a folder of the path that is not there, or not ours to read
  }
}
