// Where a write happens: the open directory of the target, so that nothing renamed or linked meanwhile leads it elsewhere.

import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isBelow, realRoot } from './open-file.ts';
import type { Settings } from './settings.ts';

/** A directory inside the root, held open; `pathOf` names an entry of it. */
export interface WritePlace {
  readonly handle: FileHandle | undefined;
  readonly pathOf: (name: string) => string;
  close(): Promise<void>;
}

/** Opens the directory of a file to be written; a status says why not: 409 when there is none, 404 when outside. */
export async function openPlace(parents: readonly string[], settings: Settings): Promise<WritePlace | 404 | 409> {
  const location = join(settings.root, ...parents);
  const root = await realRoot(settings.root);
  try {
    if (settings.platform !== 'linux') return await openPortably(location, root, join(root, ...parents), settings);
    const handle = await open(location, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK);
    const throughHandle = `/proc/self/fd/${handle.fd}`;
    const place = await readlink(throughHandle);
    if (!isWritableAt(place, root, join(root, ...parents), settings)) {
      await handle.close();
      return 404;
    }
    return { handle, pathOf: (name) => `${throughHandle}/${name}`, close: () => handle.close() };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG') return 409;
    throw error;
  }
}

async function openPortably(
  location: string,
  root: string,
  asked: string,
  settings: Settings,
): Promise<WritePlace | 404 | 409> {
  const place = await realpath(location);
  if (!(await stat(place)).isDirectory()) return 409;
  if (!isWritableAt(place, root, asked, settings)) return 404;
  return { handle: undefined, pathOf: (name) => join(place, name), close: async () => {} };
}

function isWritableAt(place: string, root: string, asked: string, { symlinks }: Settings): boolean {
  if (symlinks === 'all') return true;
  return symlinks === 'deny' ? place === asked : isBelow(place, root);
}

/** The target's state as it is, links not followed; undefined when there is nothing. */
export async function statEntry(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
