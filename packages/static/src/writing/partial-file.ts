// The file that a PUT fills before it takes its place, and the sweeping of those whose writer died.
//
// The name says who is writing: host, process, and a token of this very process, so that a sweep never takes a living
// writer's file, even when process numbers start over, as they do in containers.

import { randomBytes } from 'node:crypto';
import { type Dirent, lstatSync } from 'node:fs';
import { opendir, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PARTIAL_FILE_PREFIX } from '../files/path.ts';

const HOST = Buffer.from(hostname()).toString('hex').slice(0, 16);
const PROCESS_TOKEN = randomBytes(6).toString('hex');

/** Another host's writer cannot be asked whether it lives; no upload takes this long without its file changing. */
const FOREIGN_AGE_MS = 24 * 60 * 60 * 1000;

let written = 0;

/** A name that nobody else will choose. */
export function partialFileName(): string {
  written++;
  return `${PARTIAL_FILE_PREFIX}${HOST}-${process.pid}-${PROCESS_TOKEN}-${written}`;
}

/** Removes what dead writers left anywhere below `root`; the number removed. Links are not followed. */
export async function sweepPartialFiles(root: string): Promise<number> {
  let removed = 0;
  const directories = [root];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const entry of await readEntries(directory)) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) directories.push(path);
      else if (entry.isFile() && isStale(entry.name, path)) removed += await remove(path);
    }
  }
  return removed;
}

async function readEntries(directory: string): Promise<readonly Dirent[]> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(directory)) {
      if (entry.isDirectory() || entry.name.startsWith(PARTIAL_FILE_PREFIX)) entries.push(entry);
    }
  } catch (error) {
    // A directory that vanished or is closed to us holds nothing that we left.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
  return entries;
}

function isStale(name: string, path: string): boolean {
  const [host, processId, token] = name.slice(PARTIAL_FILE_PREFIX.length).split('-');
  if (token === PROCESS_TOKEN) return false;
  if (host === HOST) return Number(processId) === process.pid || !isAlive(Number(processId));
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > FOREIGN_AGE_MS;
}

function isAlive(processId: number): boolean {
  if (!Number.isSafeInteger(processId) || processId <= 0) return false;
  try {
    return process.kill(processId, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function remove(path: string): Promise<number> {
  try {
    await unlink(path);
    return 1;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return 0;
    throw error;
  }
}
