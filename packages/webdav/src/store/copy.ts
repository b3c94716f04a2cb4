// Copies what a name stands for to a path out of sight, with the properties of all that is in it.
//
// What is copied is what a client could read: names that policies hide stay behind, links become what they stand for. A directory
// that is its own ancestor by way of a link is left out.

import { type Stats } from 'node:fs';
import { chmod, constants, copyFile, type FileHandle, lstat, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { SiteTree, TreeFolder } from '@onezero/static/tree';
import { refused } from '../refusals.ts';
import { type Coming, hiddenThere } from './concealed.ts';
import { sync } from './folder.ts';
import { readProperties, recordNames, writeProperties } from './records.ts';

/** Where the copy goes, and how far. */
export interface CopyPlan {
  readonly tree: SiteTree;
  /** Which members come along: none, those that clients see, or all; where one of all cannot, nothing is copied. */
  readonly members: 'none' | 'seen' | 'all';
  readonly fsync: boolean;
  readonly coming: Coming;
  /** The most files and directories that one copy makes. */
  readonly maxEntries: number;
  /** What was taken of the quota so far, for those who give it back. */
  readonly taken: number[];
  entries: number;
}

/** What a directory has from the one that it is made in, where files are to be of the group of their directory. */
const HANDS_GROUP_ON = 0o2000;

/** What the owner of a directory needs to move it to another one. */
export const OWNER_WRITES = 0o200;

/** Copies a file or directory. What is left of a copy that fails is the caller's to remove. */
export async function copyTo(
  source: { readonly folder: TreeFolder; readonly name: string; readonly stats: Stats },
  target: string,
  plan: CopyPlan,
): Promise<void> {
  const { folder, name, stats } = source;
  if (stats.isFile()) return copyOneFile(join(folder.path, name), stats, target, plan);
  return copyDirectory([...folder.segments, name], stats, target, plan, []);
}

/** Copies a directory given by its names: the root has no folder that it is in. */
export async function copyDirectory(
  segments: readonly string[],
  stats: Stats,
  target: string,
  plan: CopyPlan,
  ancestors: readonly string[],
): Promise<void> {
  count(plan);
  const source = await plan.tree.open(segments);
  if (source === undefined) throw refused(403, `${segments.join('/')} leads elsewhere`);
  try {
    await mkdir(target);
    const { mode } = await lstat(target);
    const own = await readProperties({ directory: source.path, name: '.', stats });
    if (own.length > 0) await writeProperties({ directory: target, name: '.', stats }, own, plan.fsync);
    if (plan.members !== 'none') await copyMembers(source, target, plan, [...ancestors, identityOf(stats)]);
    // Last, as it may be one in which nothing can be made. The outermost may be written to until it has its place: else it could not be
    // moved there.
    const ownerWrites = ancestors.length === 0 ? OWNER_WRITES : 0;
    await chmod(target, (stats.mode & 0o777) | (mode & HANDS_GROUP_ON) | ownerWrites);
  } finally {
    await source.close();
  }
}

async function copyMembers(
  source: TreeFolder,
  target: string,
  plan: CopyPlan,
  ancestors: readonly string[],
): Promise<void> {
  const records = await recordNames(source.path);
  for await (const names of plan.tree.names(source)) {
    for (const name of names) {
      const stats = await plan.tree.look(source, name);
      if (stats === undefined) {
        leaveOut(name, plan);
        continue;
      }
      const path = [...source.segments, name];
      const there = await hiddenThere(plan.tree, path, plan.coming);
      if (there !== undefined) throw refused(403, there);
      const to = join(target, name);
      if (stats.isFile()) {
        await copyOneFile(join(source.path, name), stats, to, plan);
        if (records === undefined) continue;
        const properties = await readProperties({ directory: source.path, name, stats }, records);
        const subject = { directory: target, name, stats };
        if (properties.length > 0) await writeProperties(subject, properties, plan.fsync);
      } else if (!ancestors.includes(identityOf(stats))) {
        await copyDirectory(path, stats, to, plan, ancestors);
      } else leaveOut(name, plan);
    }
  }
}

/** What is left out of a copy would be lost with its source, if that is to go. */
function leaveOut(name: string, { members }: CopyPlan): void {
  if (members === 'all') throw refused(403, `${name} cannot be copied, and would go with its collection`);
}

async function copyOneFile(from: string, stats: Stats, to: string, plan: CopyPlan): Promise<void> {
  count(plan);
  if (!(await plan.tree.takeQuota(stats.size))) throw refused(507, 'the quota is used up');
  plan.taken.push(stats.size);
  const source = await openSame(from, stats);
  try {
    // Named through its descriptor it is the file that was looked at, whatever its name leads to by now.
    const path = process.platform === 'linux' ? `/proc/self/fd/${source.fd}` : from;
    await inLine(stats.size, async () => {
      await copyFile(path, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      // What lets a program run as its owner was not given to the copy.
      await chmod(to, stats.mode & 0o777);
      if (plan.fsync) await sync(to);
    });
  } finally {
    await source.close();
  }
}

/** A file of this size is copied within a moment. */
const LARGE_BYTES = 4 * 1024 * 1024;

/** Each large file that is copied keeps one of the four threads of the pool, which all else needs that asks the disk. */
const MAX_LARGE = 2;

let large = 0;
const waiting: (() => void)[] = [];

/** Copies a file when fewer than so many large ones are being copied. */
async function inLine(bytes: number, copy: () => Promise<void>): Promise<void> {
  if (bytes < LARGE_BYTES) return copy();
  if (large < MAX_LARGE) large++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    await copy();
  } finally {
    const next = waiting.shift();
    if (next === undefined) large--;
    else next();
  }
}

async function openSame(path: string, stats: Stats): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  let isSame = false;
  try {
    const now = await handle.stat();
    isSame = now.ino === stats.ino && now.dev === stats.dev;
  } finally {
    if (!isSame) await handle.close();
  }
  if (isSame) return handle;
  throw refused(409, `${path} was replaced while it was copied`);
}

function count(plan: CopyPlan): void {
  plan.entries++;
  if (plan.entries > plan.maxEntries) throw refused(507, `the copy has more than ${plan.maxEntries} members`);
}

function identityOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}
