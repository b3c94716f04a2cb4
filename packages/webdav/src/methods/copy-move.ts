// COPY and MOVE (RFC 4918 §9.8, §9.9).
//
// A copy is made out of sight beside its destination, and takes its place by one rename; a move is one rename. What is replaced
// steps aside by another, so that at any instant a name has all of one state or all of another. Properties of a file are there,
// bound to it, before it comes (records.ts).

import type { Stats } from 'node:fs';
import { chmod, lstat, rename, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { TreeFolder } from '@onezero/static/tree';
import type { Folder } from '../folder.ts';
import type { DavRequest, DavResponse } from '../message.ts';
import { depthOf, mayOverwrite } from '../protocol/fields.ts';
import { destinationOf } from '../protocol/href.ts';
import { refused } from '../refusals.ts';
import { Seen } from '../store/concealed.ts';
import { copyDirectory, type CopyPlan, copyTo, OWNER_WRITES } from '../store/copy.ts';
import { afterwards, codeOf, FOLDER } from '../store/folder.ts';
import { found, type Found, lookAt, parentOf, type Place, refuseRelated, roomFor } from '../store/place.ts';
import { bindProperties, forget, isRecorded, type Property, readProperties, settle, unbind } from '../store/records.ts';
import {
  forgo,
  giveUp,
  keepAlive,
  putBack,
  removeStaged,
  removeTaken,
  setAside,
  stagingPath,
} from '../store/staging.ts';
import { checkConditions, checkLocks } from './conditions.ts';
import { endInnerLocks, endLocks, endLocksOfGone } from './end-locks.ts';
import { failures } from './failures.ts';
import { memberLocks, refuseObstacles, removeMoved, stateOf } from './remove.ts';

type Kind = 'copy' | 'shallow copy' | 'move';

interface Ends {
  readonly source: Found;
  readonly target: Place;
}

export async function copy(folder: Folder, request: DavRequest): Promise<DavResponse> {
  const isDeep = depthOf(request, 'infinity', ['0', 'infinity']) === 'infinity';
  return withEnds(folder, request, async ({ source, target }) => {
    await check(folder, request, { source, target }, isDeep ? 'copy' : 'shallow copy');
    return copyInto(folder, request, { source, target }, isDeep ? 'seen' : 'none');
  });
}

export async function move(folder: Folder, request: DavRequest): Promise<DavResponse> {
  const depth = depthOf(request, 'infinity', ['0', 'infinity']);
  return withEnds(folder, request, async ({ source, target }) => {
    if (source.segments.length === 0) throw refused(403, 'the root of the folder cannot be moved');
    if (depth !== 'infinity' && source.stats.isDirectory())
      throw refused(400, 'MOVE of a collection takes no Depth but infinity');
    const blocked = memberLocks(folder, request, source);
    if (blocked.length > 0) return failures(request, blocked, source);
    await check(folder, request, { source, target }, 'move');
    const seen = new Seen();
    await refuseObstacles(folder, source, 'moved', target, seen);
    return moveInto(folder, request, target, seen).catch(async (error: unknown) => {
      if (codeOf(error) !== 'EXDEV') throw error;
      await refuseObstacles(folder, source, 'removed');
      // On another file system it is whole before anything of the source goes.
      const state = await stateOf(source);
      const answer = await copyInto(folder, request, { source, target }, 'all');
      await removeMoved(folder, request, source, state);
      return answer;
    });
  });
}

async function withEnds(
  folder: Folder,
  request: DavRequest,
  action: (ends: Ends) => Promise<DavResponse>,
): Promise<DavResponse> {
  const destination = destinationOf(request);
  const source = await lookAt(folder.tree, request.pathInfo);
  try {
    const target = await lookAt(folder.tree, destination);
    try {
      return await action({ source: found(source), target });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Throws a refusal unless the request may do what it asks for. */
async function check(folder: Folder, request: DavRequest, { source, target }: Ends, kind: Kind): Promise<void> {
  await checkConditions(folder, request, source);
  if (target.hasSlash && target.stats?.isFile() === true)
    throw refused(409, 'Destination ends with a slash, and a file is there');
  await refuseRelated(source, target, kind !== 'shallow copy');
  await roomFor(folder.tree, target);
  if (target.stats !== undefined && !mayOverwrite(request))
    throw refused(412, 'a resource is at Destination, and Overwrite is F');
  mayOverwrite(request);
  if (kind === 'move') checkLocks(folder, request, { path: source.path, isDeep: true, changesParent: true });
  const changesParent = target.stats === undefined;
  checkLocks(folder, request, { path: target.path, isDeep: true, changesParent });
}

async function copyInto(
  folder: Folder,
  request: DavRequest,
  ends: Ends,
  members: CopyPlan['members'],
): Promise<DavResponse> {
  const { source, target } = ends;
  const { fsync, maxCopyEntries } = folder.settings;
  const parent = parentOf(target);
  await refuseObstacles(folder, target.stats === undefined ? undefined : (target as Found), 'removed');
  const coming = { parent, name: target.name, depth: source.segments.length };
  const plan: CopyPlan = {
    tree: folder.tree,
    members,
    fsync,
    coming,
    maxEntries: maxCopyEntries,
    taken: [],
    entries: 0,
  };
  const staged = await stagingPath(parent);
  const renewing = keepAlive(staged);
  let isPlaced = false;
  try {
    if (source.parent === undefined) await copyDirectory(source.segments, source.stats, staged, plan, []);
    else await copyTo({ folder: source.parent, name: source.name, stats: source.stats }, staged, plan);
    const properties = source.stats.isFile() ? await propertiesOf(source) : [];
    const answer = await folder.turn.run(async () => {
      const now = await lookAt(folder.tree, destinationOf(request));
      try {
        await check(folder, request, { source, target: now }, members === 'none' ? 'shallow copy' : 'copy');
        await refuseMoved(parent);
        const gone = await replace(folder, staged, await lstat(staged), now, properties);
        isPlaced = true;
        await closeAgain(join(parentOf(now).path, now.name), source.stats);
        return { gone, status: now.stats === undefined ? 201 : 204 };
      } finally {
        await now.close();
      }
    });
    const unsaid = await folder.unsynced(parent);
    await removeGone(folder, parent, answer.gone);
    if (unsaid !== undefined) throw unsaid;
    return { status: answer.status, fields: [] };
  } finally {
    clearInterval(renewing);
    if (!isPlaced) for (const bytes of plan.taken) await folder.tree.giveQuota(bytes);
    await afterwards(removeStaged(parent, staged));
  }
}

/** Takes from a copy that has its place what its source has not. It is copied, whatever becomes of that. */
async function closeAgain(path: string, { mode }: Stats): Promise<void> {
  if ((mode & OWNER_WRITES) === 0) await afterwards(chmod(path, (await lstat(path)).mode & 0o7777 & ~OWNER_WRITES));
}

async function moveInto(folder: Folder, request: DavRequest, early: Place, seen: Seen): Promise<DavResponse> {
  await refuseObstacles(folder, early.stats === undefined ? undefined : (early as Found), 'removed');
  const { target, gone, status, unsaid } = await folder.turn.run(async () => {
    const source = await lookAt(folder.tree, request.pathInfo);
    try {
      const target = await lookAt(folder.tree, destinationOf(request));
      const move = async () => moveNow(folder, request, { source: found(source), target }, seen);
      return { target, ...(await orClose(target, move)) };
    } finally {
      await source.close();
    }
  });
  try {
    // Of the directory that it was given up in: before the turn another one may have been there.
    await removeGone(folder, parentOf(target), gone);
    if (unsaid !== undefined) throw unsaid;
    return { status, fields: [] };
  } finally {
    await target.close();
  }
}

/** What an action resolves with; where it fails, nobody else lets go of the place. */
async function orClose<Value>(place: Place, action: () => Promise<Value>): Promise<Value> {
  try {
    return await action();
  } catch (error) {
    await place.close();
    throw error;
  }
}

async function moveNow(
  folder: Folder,
  request: DavRequest,
  { source, target }: Ends,
  seen: Seen,
): Promise<{ readonly gone: string | undefined; readonly status: number; readonly unsaid: unknown }> {
  const from = parentOf(source);
  await check(folder, request, { source, target }, 'move');
  // What has come into the tree since it was looked through might be run where the tree comes to.
  if (folder.tree.hasSecrets && !(await seen.isStill())) await refuseObstacles(folder, source, 'moved', target);
  const entry = source.entry ?? source.stats;
  const properties = entry.isDirectory() ? [] : await propertiesOf(source);
  await forgo(from, source.name);
  const gone = await replace(folder, join(from.path, source.name), entry, target, properties);
  if (!entry.isDirectory()) await afterwards(forget(from.path, source.name, entry));
  await endLocksOfGone(folder, source.path);
  return {
    gone,
    status: target.stats === undefined ? 201 : 204,
    unsaid: await folder.unsynced(parentOf(target), from),
  };
}

function propertiesOf({ parent, name, stats, entry }: Found): Promise<readonly Property[]> {
  return readProperties({ directory: parent?.path ?? '', name, stats: entry ?? stats });
}

/** A collection that was moved meanwhile is not where the client wanted it any more. */
async function refuseMoved(parent: TreeFolder): Promise<void> {
  if (!(await parent.isInPlace())) throw refused(409, 'the collection that Destination lies in was moved meanwhile');
}

/**
 * Lets what is at a path take the place of what is at another; the caller has the turn. Resolves with where the replaced
 * collection is now, for its removal.
 */
async function replace(
  folder: Folder,
  from: string,
  stats: Stats,
  target: Place,
  properties: readonly Property[],
): Promise<string | undefined> {
  const parent = parentOf(target);
  const { path: directory } = parent;
  const to = join(directory, target.name);
  const isFile = !stats.isDirectory();
  // A lock that is noted of a name at which nothing is would be one of what comes.
  if (target.stats === undefined) await endLocks(folder, target.path);
  const hasRecord = isFile && (properties.length > 0 || (await isRecorded(directory, target.name, stats)));
  if (hasRecord) await bindProperties(directory, target.name, stats, properties, folder.settings.fsync);
  const mustStepAside = target.entry !== undefined && (target.entry.isDirectory() || !isFile);
  let aside: string | undefined;
  try {
    if (mustStepAside) aside = await setAside(parent, target.name);
    await rename(from, to);
    if (isOtherNameOf(stats, basename(from), target)) await unlink(from);
  } catch (error) {
    if (aside !== undefined) await putBack(parent, aside, target.name);
    if (hasRecord) await unbind(directory, target.name, stats);
    throw error;
  }
  // First of all, what gave way does not come back from now on, whatever becomes of its successor.
  const gone = aside === undefined ? undefined : await giveUp(aside);
  if (hasRecord) await afterwards(settle(directory, target.name, stats));
  if (!isFile) await afterwards(forget(directory, target.name));
  await afterwards(endInnerLocks(folder, target.path));
  if (gone === undefined && target.entry?.isFile() === true) await folder.tree.giveQuota(target.entry.size);
  return gone;
}

/** Whether what is at a place is the very file under two names; from one to the other, the system renames nothing. */
function isOtherNameOf({ dev, ino, nlink }: Stats, name: string, { entry, name: own }: Place): boolean {
  // Where case is ignored, the file may have one name in two spellings.
  return nlink > 1 && entry?.ino === ino && entry.dev === dev && folded(name) !== folded(own);
}

const folded = (name: string): string => name.normalize().toLowerCase();

/** Removes what gave way. Where that fails it stays out of sight until the next start, and what was asked for is done all the same. */
async function removeGone(folder: Folder, parent: TreeFolder, gone: string | undefined): Promise<void> {
  // The name counts: what it was in when it was given up was open for the turn only.
  if (gone !== undefined) await afterwards(removeTaken(folder.tree, parent, join(parent.path, FOLDER, basename(gone))));
}
