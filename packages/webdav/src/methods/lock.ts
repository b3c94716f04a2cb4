// LOCK and UNLOCK (RFC 4918 §9.10, §9.11): write locks, exclusive and shared, on a resource or on all below it.

import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Folder } from '../folder.ts';
import type { DavRequest, DavResponse, Field } from '../message.ts';
import { type LockWish, lockWishIn, readContent } from '../protocol/contents.ts';
import { type Depth, depthOf, lockTokenOf, timeoutOf } from '../protocol/fields.ts';
import { baseOf, hrefOf } from '../protocol/href.ts';
import { refused, violated, XML_TYPE } from '../refusals.ts';
import { conflicts, covering, isBelow, type Lock } from '../store/locks.ts';
import { found, type Place, roomFor, withPlace } from '../store/place.ts';
import { forget } from '../store/records.ts';
import { writeElement, XML_DECLARATION } from '../xml/writer.ts';
import { checkConditions, checkIf, checkLocks, holderOf, hrefsOf } from './conditions.ts';
import { failures } from './failures.ts';
import { activeLock } from './live-properties.ts';

/** What is granted to those who name no time: what they would have to refresh within. */
const USUAL_SECONDS = 600;

/** Names, addresses and what clients note beside them; all locks stand in one file that each of them writes. */
const MAX_OWNER_CHARACTERS = 4_096;

export async function lock(folder: Folder, request: DavRequest): Promise<DavResponse> {
  const wish = lockWishIn(await readContent(request, folder.settings.maxXmlBytes));
  const depth = depthOf(request, 'infinity', ['0', 'infinity']);
  const owner = wish?.owner === undefined ? '' : writeElement(wish.owner);
  if (owner.length > MAX_OWNER_CHARACTERS)
    throw refused(413, `the owner of the lock has more than ${MAX_OWNER_CHARACTERS} characters`);
  return folder.turn.run(() =>
    withPlace(folder.tree, request.pathInfo, (place) =>
      wish === undefined
        ? refresh(folder, request, place)
        : grant(folder, request, place, { scope: wish.scope, owner, depth }),
    ),
  );
}

async function refresh(folder: Folder, request: DavRequest, place: Place): Promise<DavResponse> {
  if (place.stats === undefined) throw refused(404);
  const holder = holderOf(request);
  if (holder.tokens.size === 0)
    throw refused(400, 'the request has no lockinfo, and no If field with a token to refresh');
  await checkIf(folder, request);
  const all = folder.locks.all();
  const mine = covering(all, place.path).filter(
    ({ token, user }) => holder.tokens.has(token) && (user === undefined || user === holder.user),
  );
  if (mine.length === 0) throw violated(412, 'lock-token-matches-request-uri');
  const refreshed = mine.map((one) => {
    const timeoutSeconds = timeoutOf(request, one.timeoutSeconds, folder.settings.maxLockSeconds);
    return { ...one, timeoutSeconds, expiresAtMs: Date.now() + timeoutSeconds * 1000 };
  });
  await folder.locks.write([...all.filter((one) => !mine.includes(one)), ...refreshed]);
  return answer(200, refreshed);
}

async function grant(
  folder: Folder,
  request: DavRequest,
  place: Place,
  { scope, owner, depth }: Pick<LockWish, 'scope'> & { readonly owner: string; readonly depth: Depth },
): Promise<DavResponse> {
  await checkConditions(folder, request, place);
  const { path, stats, segments, hasSlash } = place;
  if (stats?.isDirectory() !== true && hasSlash)
    throw refused(409, 'LOCK makes an empty file where nothing is, and the path ends with a slash');
  const parent = stats === undefined ? await roomFor(folder.tree, place) : place.parent;
  const all = folder.locks.all();
  const timeoutSeconds = timeoutOf(request, USUAL_SECONDS, folder.settings.maxLockSeconds);
  const made: Lock = {
    token: `urn:uuid:${randomUUID()}`,
    path,
    depth: depth === '0' ? '0' : 'infinity',
    scope,
    href: hrefOf(baseOf(request), segments, stats?.isDirectory() === true),
    owner,
    user: request.user,
    timeoutSeconds,
    expiresAtMs: Date.now() + timeoutSeconds * 1000,
  };
  const against = conflicts(all, made);
  const below = against.filter((one) => isBelow(one.path, path));
  if (below.length > 0 && below.length === against.length) return failures(request, below, place);
  if (against.length > 0) throw violated(423, 'no-conflicting-lock', hrefsOf(against, request));
  if (all.length >= folder.settings.maxLocks) throw refused(507, `there are ${all.length} locks`);
  if (stats !== undefined || parent === undefined) {
    await folder.locks.write([...all, made]);
    return answer(200, [made], made.token);
  }
  checkLocks(folder, request, { path, isDeep: false, changesParent: true });
  await makeEmpty(folder, join(parent.path, place.name), async () => {
    await forget(parent.path, place.name);
    // `all` has none of those that something here once had.
    await folder.locks.write([...all, made]);
  });
  if (folder.settings.fsync) await parent.sync();
  return answer(201, [made], made.token);
}

/** Makes the file of a lock where nothing was. The lock is there first: without its file it is void, and nobody's litter. */
async function makeEmpty(folder: Folder, path: string, before: () => Promise<void>): Promise<void> {
  if (!(await folder.tree.takeQuota(0))) throw refused(507, 'the quota is used up');
  try {
    await before();
    await (await open(path, 'wx')).close();
  } catch (error) {
    await folder.tree.giveQuota(0);
    throw error;
  }
}

export async function unlock(folder: Folder, request: DavRequest): Promise<DavResponse> {
  const token = lockTokenOf(request);
  return folder.turn.runAnyway(() =>
    withPlace(folder.tree, request.pathInfo, async (place) => {
      found(place);
      const all = folder.locks.all();
      const mine = covering(all, place.path).find((one) => one.token === token);
      if (mine === undefined) throw violated(409, 'lock-token-matches-request-uri');
      if (mine.user !== undefined && mine.user !== request.user) throw refused(403, 'the lock is another user’s');
      await checkConditions(folder, request, place);
      await folder.locks.end(mine, all);
      return { status: 204, fields: [] };
    }),
  );
}

function answer(status: number, locks: readonly Lock[], token?: string): DavResponse {
  const fields: readonly Field[] = token === undefined ? [XML_TYPE] : [XML_TYPE, ['lock-token', `<${token}>`]];
  const text = `${XML_DECLARATION}<D:prop xmlns:D="DAV:"><D:lockdiscovery>${locks.map(activeLock).join('')}</D:lockdiscovery></D:prop>\n`;
  return { status, fields, content: Buffer.from(text) };
}
