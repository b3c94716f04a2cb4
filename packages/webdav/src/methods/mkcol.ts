// MKCOL (RFC 4918 §9.3): a new collection, empty.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Folder } from '../folder.ts';
import type { DavRequest, DavResponse } from '../message.ts';
import { hasContent } from '../protocol/fields.ts';
import { refused } from '../refusals.ts';
import { forget } from '../store/records.ts';
import { roomFor, withPlace } from '../store/place.ts';
import { checkConditions, checkLocks } from './conditions.ts';
import { endLocks } from './end-locks.ts';

export async function mkcol(folder: Folder, request: DavRequest): Promise<DavResponse> {
  if (hasContent(request)) throw refused(415, 'MKCOL takes no content');
  return folder.turn.run(() =>
    withPlace(folder.tree, request.pathInfo, async (place) => {
      if (place.stats !== undefined)
        throw refused(405, 'a resource is at this path already', [['allow', ALLOW_EXISTING]]);
      const parent = await roomFor(folder.tree, place);
      // A condition counts only for what could be done without it (RFC 9110 §13.2.1).
      await checkConditions(folder, request, place);
      checkLocks(folder, request, { path: place.path, isDeep: false, changesParent: true });
      // What is kept of a name at which nothing is goes first: a collection that is made is made.
      await forget(parent.path, place.name);
      await endLocks(folder, place.path);
      await mkdir(join(parent.path, place.name));
      if (folder.settings.fsync) await parent.sync();
      return { status: 201, fields: [] };
    }),
  );
}

const ALLOW_EXISTING = 'OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, COPY, MOVE, LOCK, UNLOCK';
