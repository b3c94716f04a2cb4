// PUT: the writing of @onezero/static, with the locks of WebDAV asked before content is taken and again when the file takes its place.

import type { Stats } from 'node:fs';
import { join } from 'node:path';
import type { HeldDirectories } from '@onezero/static/tree';
import type { Folder } from '../folder.ts';
import type { DavRequest, DavResponse } from '../message.ts';
import { ContentFailed } from '../protocol/contents.ts';
import { refused } from '../refusals.ts';
import { forget, settle } from '../store/records.ts';
import { isHeld, type Lock } from '../store/locks.ts';
import { type Place, withPlace } from '../store/place.ts';
import { checkIf, checkLocks, holderOf, ifLists } from './conditions.ts';
import { endLocks } from './end-locks.ts';

export async function put(folder: Folder, request: DavRequest): Promise<DavResponse> {
  const isPlain = ifLists(request).length === 0 && folder.locks.isEmpty(folder.turn.held);
  const early = isPlain
    ? NOTHING
    : await withPlace(folder.tree, request.pathInfo, (place) => begin(folder, request, place));
  const commit = (place: (held?: HeldDirectories) => Promise<DavResponse>): Promise<DavResponse> =>
    folder.turn.runPut(() => {
      // With neither locks nor properties around there is nothing to look at that the writing does not look at itself.
      if (isPlain && folder.locks.isEmpty(folder.turn.held) && !hasProperties(folder, request))
        return place(folder.turn.directories);
      return withPlace(folder.tree, request.pathInfo, async (target) => {
        // A lock whose time ended while content came has kept others off as long as the file is as it was.
        await check(folder, request, target, isSame(early.stats, target.stats) ? early.locks : []);
        await prepare(folder, target);
        return place();
      });
    });
  // Member by member: of a server's request the others may be made when they are first read.
  const { method, version, scriptName, pathInfo, target, query, fields, content } = request;
  try {
    const asked = { method, version, scriptName, pathInfo, target, query, fields, content, commit };
    return await folder.tree.respond(asked);
  } catch (error) {
    // It rejects only with what the content threw.
    throw new ContentFailed('the content broke off', { cause: error });
  }
}

/** Whether the collection of the target keeps properties of its files. */
function hasProperties({ tree, turn }: Folder, { pathInfo }: DavRequest): boolean {
  const located = tree.locate(pathInfo);
  return typeof located === 'number' || !turn.isBare(join(tree.root, ...located.segments.slice(0, -1)));
}

/** Properties and locks of a file that is gone are not those of its successor; those of one that is replaced stay with the name. */
async function prepare(folder: Folder, { parent, name, stats, path }: Place): Promise<void> {
  if (parent === undefined) return;
  if (stats !== undefined) return settle(parent.path, name, stats);
  await forget(parent.path, name);
  await endLocks(folder, path);
}

/** What a request finds when its content begins to come. */
interface Early {
  readonly stats: Stats | undefined;
  /** Locks whose tokens it submits. */
  readonly locks: readonly Lock[];
}

const NOTHING: Early = { stats: undefined, locks: [] };

async function begin(folder: Folder, request: DavRequest, place: Place): Promise<Early> {
  await check(folder, request, place, []);
  const holder = holderOf(request);
  return { stats: place.stats, locks: folder.locks.around(place.path).filter((lock) => isHeld(lock, holder)) };
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one?.ino === other?.ino && one?.ctimeMs === other?.ctimeMs;
}

async function check(folder: Folder, request: DavRequest, place: Place, former: readonly Lock[]): Promise<void> {
  const { path, stats, parent } = place;
  if (parent === undefined || stats?.isDirectory() === true)
    throw refused(409, 'the parent collection is missing, or the path is a collection');
  await checkIf(folder, request, former);
  checkLocks(folder, request, { path, isDeep: false, changesParent: stats === undefined });
}
