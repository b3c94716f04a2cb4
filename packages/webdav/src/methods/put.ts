// PUT: the writing of @onezero/static, with the locks of WebDAV asked before content is taken and again when the file takes its place.

import type { Folder } from '../folder.ts';
import type { DavRequest, DavResponse } from '../message.ts';
import { refused } from '../refusals.ts';
import { forget, settle } from '../store/records.ts';
import { type Place, withPlace } from '../store/place.ts';
import { checkIf, checkLocks } from './conditions.ts';
import { endLocks } from './end-locks.ts';

export async function put(folder: Folder, request: DavRequest): Promise<DavResponse> {
  await withPlace(folder.tree, request.pathInfo, (place) => check(folder, request, place));
  const commit = (place: () => Promise<DavResponse>): Promise<DavResponse> =>
    folder.turn.run(() =>
      withPlace(folder.tree, request.pathInfo, async (target) => {
        await check(folder, request, target);
        await prepare(folder, target);
        return place();
      }),
    );
  return folder.tree.respond({ ...request, commit });
}

/** Properties and locks of a file that is gone are not those of its successor; those of one that is replaced stay with the name. */
async function prepare(folder: Folder, { parent, name, stats, path }: Place): Promise<void> {
  if (parent === undefined) return;
  if (stats !== undefined) return settle(parent.path, name, stats);
  await forget(parent.path, name);
  await endLocks(folder, path);
}

async function check(folder: Folder, request: DavRequest, place: Place): Promise<void> {
  const { path, stats, parent } = place;
  if (parent === undefined || stats?.isDirectory() === true)
    throw refused(409, 'there is no collection for it, or one is there');
  await checkIf(folder, request);
  checkLocks(folder, request, { path, isDeep: false, changesParent: stats === undefined });
}
