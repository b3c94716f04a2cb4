// Where the times of a directory can be believed.

import { statfsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { throwOurs } from './system-errors.ts';

/**
 * File systems of Linux that keep a directory's times exact, by the magic number of statfs(2). Network and FUSE file systems
 * are not among them: their directories may be cached, or have no times of their own.
 */
const EXACT_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
  0xca451a4e, // bcachefs
  0x73717368, // squashfs
  0xe0f5e1e2, // erofs
]);

/** Whether the times of a directory show every name that comes or goes. */
export function isExactFileSystem(location: string): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return EXACT_FILE_SYSTEMS.has(statfsSync(location).type);
  } catch (error) {
    // Gone or closed to us meanwhile: the next change asks again, and until then names are asked for one by one.
    throwOurs(error);
    return false;
  }
}

/** The same for who can wait; other systems are taken for exact. */
export async function keepsTimes(location: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  return statfs(location).then(
    ({ type }) => EXACT_FILE_SYSTEMS.has(type),
    () => false,
  );
}
