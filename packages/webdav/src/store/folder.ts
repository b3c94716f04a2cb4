// What WebDAV keeps in a directory beside its files: a folder that no policy shows, made when it is needed.
//
//   .onezero-webdav/self.json            the properties of the directory itself: they go wherever it goes
//   .onezero-webdav/<name>.json          those of a file of that name in the directory
//   .onezero-webdav/<name>~<file>.json   those of one file, by its inode, on its way to or from that name (records.ts)
//   .onezero-webdav/locks.json           in the root only: the locks
//   .onezero-webdav/<writer>...          what a living process is at: a tree that is copied, one that is removed
//   .onezero-webdav/<name>.old           what had the name, for as long as its successor takes its place

import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { mkdir, open, rename, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { OWN_PREFIX, ownName } from '@onezero/static/tree';

export const FOLDER: string = `${OWN_PREFIX}webdav`;

/** The names of the properties of a name: of fixed length, since names may be as long as the file system allows. */
export function recordKey(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}

/** Makes the folder in a directory, or finds it. Resolves with its path. */
async function makeFolder(directory: string): Promise<string> {
  const folder = join(directory, FOLDER);
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  return folder;
}

/** Whether a directory has the folder. Most have none, which one call to the system tells. */
export function hasFolder(directory: string): boolean {
  // Another process may have put a file in the place of the directory since we looked.
  return nowUnlessGone(() => lstatSync(join(directory, FOLDER), { throwIfNoEntry: false })) !== undefined;
}

/** How often the folder is made anew when others remove it as empty at the same time. */
const MAX_ATTEMPTS = 100;

/** Does something in the folder of a directory that is made for it. */
export async function inFolder<Value>(directory: string, action: (folder: string) => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    const folder = await makeFolder(directory);
    try {
      return await action(folder);
    } catch (error) {
      if (codeOf(error) === 'ENOENT' && attempt < MAX_ATTEMPTS) continue;
      await afterwards(dropFolder(directory));
      throw error;
    }
  }
}

/**
 * What is left to do for something that is done, and could not be undone: it is done whether the system lets the rest be or not. What
 * stays of that says nothing, and goes with the next start.
 */
export async function afterwards(rest: Promise<unknown>): Promise<void> {
  try {
    await rest;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
  }
}

/** Replaces a file of the folder of a directory: at any instant it is the old one or the new one, whole. */
export async function replaceFile(directory: string, file: string, text: string, fsync: boolean): Promise<void> {
  const [handle, partial] = await inFolder(directory, async (folder) => {
    const path = join(folder, ownName());
    return [await open(path, 'wx', 0o600), path] as const;
  });
  try {
    await handle.writeFile(text);
    if (fsync) await handle.sync();
    await rename(partial, join(directory, FOLDER, file));
    // Once more, since with its content its name has to be on the disk.
    if (fsync) await handle.sync();
    await handle.close();
  } catch (error) {
    await handle.close();
    await unlink(partial).catch(ignoreAbsent);
    await dropFolder(directory);
    throw error;
  }
}

/** Removes a file of the folder of a directory, and the folder with its last. */
export async function removeFile(directory: string, file: string, fsync: boolean): Promise<void> {
  const isRemoved = await unlessGone(unlink(join(directory, FOLDER, file)).then(() => true));
  if (isRemoved === undefined) return;
  await dropFolder(directory);
  // Of a folder that is gone its directory tells; Windows opens none.
  if (fsync && process.platform !== 'win32') await sync(hasFolder(directory) ? join(directory, FOLDER) : directory);
}

/** Resolves when a file, or the entries of a directory, are on the disk. */
export async function sync(path: string): Promise<void> {
  // A file may be there without the right to write; Windows asks for that.
  const handle = await open(path, process.platform === 'win32' ? 'r+' : 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What a text says; undefined for one that is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What is asked for; undefined where nothing is, or a file where a directory would have to be. */
export async function unlessGone<Value>(asked: Promise<Value>): Promise<Value | undefined> {
  try {
    return await asked;
  } catch (error) {
    ignoreAbsent(error);
    return undefined;
  }
}

/** The same for what is asked for on the main thread. */
export function nowUnlessGone<Value>(ask: () => Value): Value | undefined {
  try {
    return ask();
  } catch (error) {
    ignoreAbsent(error);
    return undefined;
  }
}

export function ignoreAbsent(error: unknown): void {
  if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
}

/** Removes the folder of a directory unless something is in it. */
export async function dropFolder(directory: string): Promise<void> {
  if (hasFolder(directory)) await afterwards(rmdir(join(directory, FOLDER)));
}

/** Whether the file system says that it has no room: for bytes, for files, or for this user. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
