// Opens a directory below the root and holds it, so that nothing renamed or linked meanwhile leads elsewhere what is read from
// it or written into it. On Linux its entries are named through the descriptor; elsewhere through the path that was checked.

import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isPermittedPlace, realRoot } from './open-file.ts';
import { secretsOf } from './secrets.ts';
import type { Settings } from '../options/settings.ts';

/** A directory inside the root. */
export interface OpenDirectory {
  /** Undefined where directories cannot be held open. */
  readonly handle: FileHandle | undefined;
  /** Its path as long as it is open. */
  readonly path: string;
  /** Where it lay, without links, when it was opened. */
  readonly place: string;
  close(): Promise<void>;
}

/** How often a directory is opened when it or the root is replaced in between. */
const MAX_ATTEMPTS = 3;

/** Opens what `segments` name; undefined when links lead it to where the policy does not. Rejects with what the file system says. */
export async function openDirectory(
  segments: readonly string[],
  settings: Settings,
): Promise<OpenDirectory | undefined> {
  const location = join(settings.root, ...segments);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const root = await realRoot(settings.root);
    const held = (settings.platform === 'linux' ? await hold(location) : undefined) ?? (await named(location));
    if (await isPermitted(held, join(root, ...segments), root, settings)) return held;
    await held.close();
  }
  return undefined;
}

async function isPermitted(held: OpenDirectory, asked: string, root: string, settings: Settings): Promise<boolean> {
  if (!isPermittedPlace(held.place, asked, root, settings)) return false;
  const stats = await stat(held.path);
  return stats.isDirectory() && !(await secretsOf(settings).cover(stats, held.place, asked));
}

async function named(location: string): Promise<OpenDirectory> {
  const place = await realpath(location);
  return { handle: undefined, path: place, place, close: async () => {} };
}

/** Undefined without /proc, as in some containers. */
async function hold(location: string): Promise<OpenDirectory | undefined> {
  const handle = await open(location, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK);
  const path = `/proc/self/fd/${handle.fd}`;
  try {
    return { handle, path, place: await readlink(path), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** An entry's state as it is, links not followed; undefined when there is nothing. */
export async function statEntry(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
