// Frees what was replaced beside other work.
//
// A rename that replaces a file frees it when nobody else has it: the kernel gives its blocks back, and tells the disk so where the
// file system is mounted with `discard`. That waits for the disk, and for long where the file was large. A file that is held by a
// descriptor is freed when that is closed, which a thread of the pool does while the main thread goes on.

import * as fs from 'node:fs';
import { throwOurs } from '../files/system-errors.ts';

/**
 * Names a file without opening it, so that neither its permissions nor what it is matter; the value of all processors that Node
 * has releases of for Linux.
 */
const O_PATH = 0o10000000;
const HOLD = O_PATH | (fs.constants.O_NOFOLLOW ?? 0);

/** Descriptors held at once; with more, files are freed by the rename, so that a disk that is slow to free holds up who writes. */
const MAX_HELD = 64;

/**
 * File systems of Linux that free a file without a name when it is closed, by the magic number of statfs(2). Network file systems
 * give one that is held another name meanwhile.
 */
const LOCAL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0xf2f52010, // f2fs
]);

/** What is held until the end of this turn of the loop. */
let held: number[] = [];

/** What threads of the pool are closing, and how many files are not freed yet, of these or of those. */
const batches = new Set<Promise<void>>();
let unfreed = 0;

/** Whether files of a directory can be held without anybody seeing it. */
export function canHoldReplaced(directory: string): boolean {
  return LOCAL_FILE_SYSTEMS.has(fs.statfsSync(directory).type);
}

/** Holds a file that will be replaced; it is freed soon, replaced or not. Holding is a courtesy: where it fails nothing is held. */
export function holdReplaced(path: string): void {
  if (unfreed >= MAX_HELD) return;
  let descriptor: number;
  try {
    descriptor = fs.openSync(path, HOLD);
  } catch (error) {
    return throwOurs(error);
  }
  // All of a turn at once: to wake a thread costs as much as to close a file.
  if (held.length === 0) setImmediate(freeHeld);
  held.push(descriptor);
  unfreed++;
}

/** Resolves when what was replaced until now is freed; with false where nothing was left to free. */
export async function allFreed(): Promise<boolean> {
  if (unfreed === 0) return false;
  freeHeld();
  await Promise.all(batches);
  return true;
}

function freeHeld(): void {
  if (held.length === 0) return;
  const batch = closeAll(held).finally(() => batches.delete(batch));
  batches.add(batch);
  held = [];
}

function closeAll(descriptors: readonly number[]): Promise<void> {
  let left = descriptors.length;
  return new Promise((resolve) => {
    // A descriptor is gone whatever closing it says, and of a file that is only named it has nothing to say.
    const closed = (): void => {
      unfreed--;
      if (--left === 0) resolve();
    };
    for (const descriptor of descriptors) fs.close(descriptor, closed);
  });
}
