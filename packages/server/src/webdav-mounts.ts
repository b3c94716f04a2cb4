// Folders that are served over WebDAV, and whether somebody asks for a password before they are changed.

import type { Address, AuthRule, ServerOptions, WebdavMount } from './options.ts';
import { isLoopback } from './routing/local-hosts.ts';
import { matchPrefix, prefixSegments } from './routing/prefix.ts';
import { mountsOf } from './given-mounts.ts';

/** The mounts; a folder alone is at `/`. */
export function webdavMounts({ webdav }: ServerOptions): readonly WebdavMount[] {
  return mountsOf<WebdavMount>(webdav, (root) => ({ root }));
}

const CHANGES = ['PUT', 'DELETE', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK'];

/** The first folder that may be changed without a password; undefined when there is none. */
export function openFolder(options: ServerOptions): string | undefined {
  const { auth = [] } = options;
  return webdavMounts(options).find(({ path = '/' }) => !auth.some((rule) => isGuard(rule, path)))?.root;
}

function isGuard({ path = '/', methods }: AuthRule, mount: string): boolean {
  const covers = matchPrefix(prefixSegments(path), decodedPath(mount)) !== -1;
  return covers && (methods === undefined || CHANGES.every((method) => methods.includes(method)));
}

function decodedPath(path: string): string {
  return `/${prefixSegments(path === '' ? '/' : path).join('/')}`;
}

/** Throws an Error for an open folder that other machines could reach at one of these addresses. */
export function refuseExposure(folder: string | undefined, addresses: readonly Address[]): void {
  if (folder === undefined) return;
  const reached = addresses.find(({ address, port }) => port !== 0 && !isLoopback(address));
  if (reached === undefined) return;
  throw new TypeError(
    `webdav: ${folder} could be changed by everyone who can connect to ${reached.url}; add auth, or listen on localhost only`,
  );
}
