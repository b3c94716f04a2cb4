// Where what is not visible yet, or not any more, is while it is worked on: an entry of the folder of a directory, named after this
// process, so that others can tell when nobody works on it any more (sweep.ts).
//
//   <writer>.new/copy   a tree or file that is copied  <key>.old/<name>   what gave way and comes back if its successor fails
//   <writer>.del   what is being removed
//
// What gave way has a place by its name: only who has the turn puts something there, and who finds something there in a later turn
// knows that its writer has ended. (In a root that holds no turns one process is to write: README.)

import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, rmdir, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { ownName, type SiteTree, type TreeFolder } from '@onezero/static/tree';
import { afterwards, codeOf, dropFolder, FOLDER, inFolder, isFull, recordKey } from './folder.ts';

/** A path for a new file or tree, in the directory that it is going to be in. */
export function stagingPath(directory: TreeFolder): Promise<string> {
  // In a place of its own from the start: others remove a folder in which nothing is.
  return inFolder(directory.path, async (folder) => {
    const place = join(folder, `${ownName()}.new`);
    await mkdir(place, { mode: 0o700 });
    return join(place, 'copy');
  });
}

/** Six signs of life in the time after which others take a place for left over (sweep.ts). */
const RENEW_MS = 10_000;

/** Shows those who cannot ask for this process, as in another container, that it goes on; until the timer is cleared. */
export function keepAlive(path: string): NodeJS.Timeout {
  return setInterval(() => {
    const now = new Date();
    // A place that is gone is noticed by who works in it.
    utimes(dirname(path), now, now).catch(() => {});
  }, RENEW_MS).unref();
}

const asideName = (name: string): string => `${recordKey(name)}.old`;

/**
 * Removes what gave way to something of a name, which is about to lose that name: its writer may have been killed before it could say
 * that the successor had come. The caller has the turn.
 */
export async function forgo({ path }: TreeFolder, name: string): Promise<void> {
  const place = join(path, FOLDER, asideName(name));
  if (!existsSync(place)) return;
  await afterwards(removeTree(await giveUp(place)));
  await dropFolder(path);
}

/** Takes what has a name out of sight, to be brought back or removed. Resolves with where it is. */
export async function setAside(directory: TreeFolder, name: string): Promise<string> {
  await forgo(directory, name);
  return inFolder(directory.path, async (folder) => {
    const place = join(folder, asideName(name));
    await mkdir(place, { mode: 0o700 });
    try {
      await rename(join(directory.path, name), join(place, name));
    } catch (error) {
      await rmdir(place);
      throw error;
    }
    return place;
  });
}

/** Brings back what was set aside, as its successor did not come. */
export async function putBack(directory: TreeFolder, place: string, name: string): Promise<void> {
  await rename(join(place, name), join(directory.path, name));
  await rmdir(place);
  await dropFolder(directory.path);
}

/** Says that nothing brings back what was set aside. Resolves with where it is now: if need be, where it was. */
export async function giveUp(place: string): Promise<string> {
  const path = join(dirname(place), `${ownName()}.del`);
  try {
    await rename(place, path);
    return path;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return place;
  }
}

/**
 * Takes what has a name out of sight for good. Resolves with where it is. Without room for that it is removed where it is, and so is a
 * directory that the file system does not rename, as overlayfs does with those of an image.
 */
export async function takeOut(directory: TreeFolder, name: string): Promise<string> {
  await forgo(directory, name);
  const place = join(directory.path, name);
  return inFolder(directory.path, async (folder) => {
    const path = join(folder, `${ownName()}.del`);
    await rename(place, path);
    return path;
  }).catch((error: unknown) => {
    if (!isFull(error) && codeOf(error) !== 'EXDEV') throw error;
    return place;
  });
}

/** Removes what was made out of sight and has not been placed, and the folder if it is empty then. */
export async function removeStaged(directory: TreeFolder, path: string): Promise<void> {
  await removeTree(dirname(path));
  await dropFolder(directory.path);
}

/** Removes what was taken out of sight, gives its part of the quota back, and removes the folder if it is empty then. */
export async function removeTaken(tree: SiteTree, directory: TreeFolder, path: string): Promise<void> {
  await tree.giveTree(path, () => removeTree(path));
  await dropFolder(directory.path);
}

/**
 * Who has found a directory before it was taken out of sight may still make a file in it, which is refused later, as the directory
 * is not in its place. Each attempt waits for longer than the last by this, half a second in all.
 */
const AGAIN_MS = 10;
const MAX_ATTEMPTS = 10;

/** What may be otherwise at the next attempt: somebody makes files in it, or has all descriptors. */
export const PASSING: readonly (string | undefined)[] = ['ENOTEMPTY', 'EMFILE', 'ENFILE'];

/** Removes a file or a tree out of sight, also where a directory in it may not be changed, like the one that it is a copy of. */
export async function removeTree(path: string): Promise<void> {
  let isOpenedUp = false;
  // Retries of `rm` itself would be those of each directory on the way, times those of all above it.
  for (let attempt = 1; ; attempt++) {
    try {
      return await rm(path, { recursive: true, force: true });
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EACCES' && !isOpenedUp) {
        await openUp(path);
        isOpenedUp = true;
      } else if (PASSING.includes(code) && attempt < MAX_ATTEMPTS) await passed(AGAIN_MS * attempt);
      else throw error;
    }
  }
}

async function openUp(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true }))
    if (entry.isDirectory()) await openUp(join(directory, entry.name));
}
