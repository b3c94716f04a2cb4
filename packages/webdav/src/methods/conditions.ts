// What a request has to fulfil before it changes anything: the conditional fields of HTTP, If, and the locks in its way.

import type { Folder } from '../folder.ts';
import type { DavRequest } from '../message.ts';
import { fieldValue } from '../protocol/fields.ts';
import { baseOf, hrefOf, pathOfUrl } from '../protocol/href.ts';
import { type ConditionList, ifHolds, parseIf, type ResourceState, submittedTokens } from '../protocol/if-field.ts';
import { refused, violated } from '../refusals.ts';
import { covering, type Effect, type Holder, type Lock, lockPath, obstacles } from '../store/locks.ts';
import { lookAt, type Place } from '../store/place.ts';

/** The lists of the If field, none without one. Throws a refusal with 400 for one that cannot be read. */
export function ifLists({ fields }: DavRequest): readonly ConditionList[] {
  const value = fieldValue(fields, 'if');
  if (value === undefined) return [];
  const lists = parseIf(value);
  if (lists === undefined) throw refused(400, 'the If field cannot be read');
  return lists;
}

/** Throws a refusal with 412 unless the conditions of a request hold for what is at its target. */
export async function checkConditions(folder: Folder, request: DavRequest, { stats }: Place): Promise<void> {
  if (!folder.tree.mayChange(request.fields, stats))
    throw refused(412, 'a condition on the state of the resource failed');
  await checkIf(folder, request);
}

/** The part that is WebDAV's: the If field. `former` are locks that count although their time is over. */
export async function checkIf(folder: Folder, request: DavRequest, former: readonly Lock[] = []): Promise<void> {
  const lists = ifLists(request);
  if (lists.length > 0 && !(await ifHolds(lists, (resource) => stateOf(folder, request, resource, former)))) {
    throw refused(412, 'no list of the If field holds');
  }
}

async function stateOf(
  folder: Folder,
  request: DavRequest,
  resource: string | undefined,
  former: readonly Lock[],
): Promise<ResourceState> {
  const path = resource === undefined ? request.pathInfo : pathOfUrl(resource, request);
  const located = path === undefined ? 404 : folder.tree.locate(path);
  if (path === undefined || typeof located === 'number') return { tokens: [], etag: undefined };
  const lockedPath = lockPath(located.segments);
  const locks = [...folder.locks.around(lockedPath), ...former];
  const tokens = covering(locks, lockedPath).map(({ token }) => token);
  const place = await lookAt(folder.tree, path);
  try {
    // Where nothing is there is no state, whatever locks are around it (RFC 4918 §10.4.4).
    if (place.stats === undefined) return { tokens: [], etag: undefined };
    return { tokens, etag: place.stats.isFile() ? folder.tree.etagOf(place.stats) : undefined };
  } finally {
    await place.close();
  }
}

/** Who asks, with the tokens that are submitted. */
export function holderOf(request: DavRequest): Holder {
  return { user: request.user, tokens: submittedTokens(ifLists(request)) };
}

/** Throws a refusal with 423 when locks forbid what a request does to a path. */
export function checkLocks(folder: Folder, request: DavRequest, effect: Effect): void {
  const inTheWay = lockObstacles(folder, request, effect);
  if (inTheWay.length > 0) throw violated(423, 'lock-token-submitted', hrefsOf(inTheWay, request));
}

export function lockObstacles(folder: Folder, request: DavRequest, effect: Effect): readonly Lock[] {
  return obstacles(folder.locks.around(effect.path), effect, holderOf(request));
}

/** The roots of locks as the request would name them. */
export function hrefsOf(locks: readonly Lock[], request: DavRequest): readonly string[] {
  const base = baseOf(request);
  return [
    ...new Set(
      locks.map(({ path, href }) =>
        hrefOf(
          base,
          path.split('/').filter((name) => name !== ''),
          href.endsWith('/'),
        ),
      ),
    ),
  ];
}
