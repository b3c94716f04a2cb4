// DELETE (RFC 4918 §9.6): what has a name is taken out of sight by one rename and then removed, so that no half tree is ever seen.

import { rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { TreeFolder } from '@onezero/static/tree';
import type { Folder } from '../folder.ts';
import type { DavRequest, DavResponse } from '../message.ts';
import { depthOf } from '../protocol/fields.ts';
import { baseOf, hrefOf } from '../protocol/href.ts';
import { refused } from '../refusals.ts';
import { mountBelow, obstacleIn, type Seen } from '../store/concealed.ts';
import { afterwards, codeOf } from '../store/folder.ts';
import type { Lock } from '../store/locks.ts';
import { found, type Found, lookAt, parentOf, type Place, withPlace } from '../store/place.ts';
import { forget } from '../store/records.ts';
import { forgo, removeTaken, takeOut } from '../store/staging.ts';
import { treeState } from '../store/tree-state.ts';
import { checkConditions, checkLocks, lockObstacles } from './conditions.ts';
import { endLocksOfGone } from './end-locks.ts';
import { failures } from './failures.ts';

export async function remove(folder: Folder, request: DavRequest): Promise<DavResponse> {
  // Of a collection all goes or nothing.
  depthOf(request, 'infinity', ['infinity', '0']);
  await withPlace(folder.tree, request.pathInfo, (place) =>
    refuseObstacles(folder, place.stats === undefined ? undefined : found(place), 'removed'),
  );
  const removal = await folder.turn.runAnyway(() => takeAway(folder, request));
  return 'path' in removal ? finish(folder, removal, request) : removal;
}

/**
 * Throws a refusal with 403 where a collection holds what its clients cannot see, as they cannot mean it, or cannot be removed whole.
 */
export async function refuseObstacles(
  folder: Folder,
  target: Found | undefined,
  fate: 'moved' | 'removed',
  destination?: Place,
  seen?: Seen,
): Promise<void> {
  if (target?.entry?.isDirectory() !== true) return;
  const { segments, stats, parent, name } = target;
  const mount = fate === 'removed' && parent !== undefined && (await mountBelow(join(parent.place, name)));
  if (typeof mount === 'string') throw refused(403, `${mount} is mounted there, and stays`);
  const coming = destination && { parent: parentOf(destination), name: destination.name, depth: segments.length };
  const obstacle = await obstacleIn(folder.tree, segments, fate, stats.dev, coming, seen);
  if (obstacle !== undefined) throw refused(403, obstacle);
}

interface Removal {
  readonly directory: TreeFolder;
  readonly target: Found;
  readonly path: string;
  /** Why it cannot be said that the name is gone from the disk. */
  readonly unsaid: unknown;
}

async function takeAway(folder: Folder, request: DavRequest): Promise<DavResponse | Removal> {
  const place = await lookAt(folder.tree, request.pathInfo);
  let isGoing = false;
  try {
    const target = found(place);
    if (target.segments.length === 0) throw refused(403, 'the root of the folder cannot be removed');
    const parent = parentOf(target);
    await checkConditions(folder, request, target);
    const blocked = memberLocks(folder, request, target);
    if (blocked.length > 0) return failures(request, blocked, target);
    checkLocks(folder, request, { path: target.path, isDeep: true, changesParent: true });
    if (target.entry?.isDirectory() !== true) {
      await removeFile(folder, target, parent);
      return { status: 204, fields: [] };
    }
    const path = await takeOut(parent, target.name);
    isGoing = true;
    await endLocksOfGone(folder, target.path);
    return { directory: parent, target, path, unsaid: await folder.unsynced(parent) };
  } finally {
    if (!isGoing) await place.close();
  }
}

/** Removes what was copied to another file system, if it is as it was, and nobody has locked it; otherwise it stays, with 409 or 423. */
export function removeMoved(folder: Folder, request: DavRequest, moved: Found, state: string): Promise<void> {
  return folder.turn.run(() =>
    withPlace(folder.tree, request.pathInfo, async (place) => {
      const source = found(place);
      const parent = parentOf(source);
      const [was, is] = [moved.entry, source.entry];
      if (was?.ino !== is?.ino || state !== (await stateOf(source)))
        throw refused(409, 'the source changed while it was copied to another file system');
      checkLocks(folder, request, { path: source.path, isDeep: true, changesParent: true });
      if (is?.isDirectory() !== true) return removeFile(folder, source, parent);
      const path = await takeOut(parent, source.name);
      await endLocksOfGone(folder, source.path);
      await removeTaken(folder.tree, parent, path);
    }),
  );
}

/** The state of what a path is the name of, with all that is in it. */
export async function stateOf({ parent, name, entry }: Found): Promise<string> {
  if (entry?.isDirectory() !== true) return String(entry?.ctimeMs);
  return treeState(join(parent?.path ?? '', name));
}

async function removeFile(folder: Folder, target: Found, parent: TreeFolder): Promise<void> {
  await forgo(parent, target.name);
  await unlink(join(parent.path, target.name));
  await afterwards(forget(parent.path, target.name, target.entry));
  await endLocksOfGone(folder, target.path);
  if (target.entry?.isFile() === true) await folder.tree.giveQuota(target.stats.size);
  if (folder.settings.fsync) await parent.sync();
}

/** Locks on members that stand in the way of removing their collection. */
export function memberLocks(folder: Folder, request: DavRequest, target: Found): readonly Lock[] {
  const own = lockObstacles(folder, request, { path: target.path, isDeep: false, changesParent: true });
  if (own.length > 0) return [];
  return lockObstacles(folder, request, { path: target.path, isDeep: true, changesParent: true });
}

/** Removes what is out of sight. What cannot be removed comes back under its name. */
async function finish(
  folder: Folder,
  { directory, target, path, unsaid }: Removal,
  request: DavRequest,
): Promise<DavResponse> {
  try {
    await removeTaken(folder.tree, directory, path);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    await afterwards(folder.turn.runAnyway(() => comeBack(folder, directory, target.name, path)));
    const href = hrefOf(baseOf(request), target.segments, true);
    return failures(request, [], target, { href, status: '403 Forbidden', cause: error });
  } finally {
    await target.close();
  }
  if (unsaid !== undefined) throw unsaid;
  return { status: 204, fields: [] };
}

/** What is out of sight gets its name again, unless something else has it by now. */
async function comeBack(folder: Folder, directory: TreeFolder, name: string, path: string): Promise<void> {
  if ((await folder.tree.entry(directory, name)) === undefined) await rename(path, join(directory.path, name));
}
