// Files of this process that could not be removed when it was through with them: their folder might not be changed at that moment, or
// the disk was. The claim of such a file would keep the other processes from its target for as long as this one lives, so that is
// tried again.

import { readlinkSync } from 'node:fs';
import { rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../files/system-errors.ts';

const AGAIN_MS = 1_000;

const stuck = new Set<string>();
let timer: NodeJS.Timeout | undefined;

/** Removes a file later, and its folder if it is empty then. Keeps no process alive. */
export function removeLater(path: string): void {
  stuck.add(lasting(path));
  timer ??= setInterval(() => {
    if (stuck.size > 0) return [...stuck].forEach((one) => void remove(one));
    clearInterval(timer);
    timer = undefined;
  }, AGAIN_MS).unref();
}

async function remove(path: string): Promise<void> {
  try {
    await unlink(path);
    stuck.delete(path);
    await rmdir(dirname(path));
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    if (codeOf(error) === 'ENOENT') stuck.delete(path);
  }
}

/** The path as it is when the directory that it is named through is closed. */
function lasting(path: string): string {
  const [held] = /^\/proc\/self\/fd\/\d+(?=\/)/.exec(path) ?? [];
  if (held === undefined) return path;
  try {
    return readlinkSync(held) + path.slice(held.length);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return path;
  }
}
