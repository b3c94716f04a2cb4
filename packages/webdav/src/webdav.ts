// `webdav`: which method answers a request, and how what goes wrong becomes a response.

import { checkMessage } from './adapters/callers.ts';
import { refusalOf } from '@onezero/static/tree';
import { Folder } from './folder.ts';
import type { DavRequest, DavResponder, DavResponse, Field } from './message.ts';
import { checkIf, ifLists } from './methods/conditions.ts';
import { copy, move } from './methods/copy-move.ts';
import { lock, unlock } from './methods/lock.ts';
import { mkcol } from './methods/mkcol.ts';
import { propfind } from './methods/propfind.ts';
import { proppatch } from './methods/proppatch.ts';
import { put } from './methods/put.ts';
import { remove } from './methods/remove.ts';
import { settingsOf, type WebdavOptions } from './options.ts';
import { ContentFailed } from './protocol/contents.ts';
import { refusal } from './refusals.ts';
import { lookAt } from './store/place.ts';

type Method = (folder: Folder, request: DavRequest) => Promise<DavResponse>;

const WRITES: Readonly<Record<string, Method>> = {
  PUT: put,
  DELETE: remove,
  PROPPATCH: proppatch,
  MKCOL: mkcol,
  COPY: copy,
  MOVE: move,
  LOCK: lock,
  UNLOCK: unlock,
};

const METHODS = ['OPTIONS', 'GET', 'HEAD', 'PROPFIND', ...Object.keys(WRITES)];

/** Every method, for routes and for OPTIONS. */
export const DAV_METHODS: readonly string[] = METHODS;

/**
 * Makes a responder for a folder: class 1, 2 and 3 of RFC 4918. Put authentication before it: whoever may ask may write.
 *
 * Throws a TypeError that names the option when `root` is no directory or an option is wrong. The options are provisional.
 *
 * @example
 * const respond = webdav({ root: './files' });
 * const response = await respond({ method: 'PROPFIND', pathInfo: '/', fields: [['depth', '1']] });
 */
export function webdav(options: WebdavOptions): DavResponder {
  const folder = new Folder(settingsOf(options));
  const respond = async (request: DavRequest): Promise<DavResponse> => {
    checkMessage(request);
    const response = await answer(folder, request);
    return folder.tree.withCors(response, request, METHODS.join(', '));
  };
  return Object.assign(respond, { ready: () => folder.sweep() });
}

async function answer(folder: Folder, request: DavRequest): Promise<DavResponse> {
  const { method } = request;
  try {
    if (method === 'GET' || method === 'HEAD') return await read(folder, request);
    if (method === 'OPTIONS') return await options(folder, request);
    if (method === 'PROPFIND') return await propfind(folder, request);
    const write = Object.hasOwn(WRITES, method) ? WRITES[method] : undefined;
    if (write === undefined) return refusal(405, undefined, [['allow', METHODS.join(', ')]]);
    await folder.sweep();
    return await write(folder, request);
  } catch (error) {
    if (error instanceof ContentFailed) throw error.cause;
    return refusalOf(error);
  }
}

async function read(folder: Folder, request: DavRequest): Promise<DavResponse> {
  const response = await folder.tree.respond(request);
  // A condition counts only for what could be done without it (RFC 9110 §13.2.1).
  if (response.status >= 400 || ifLists(request).length === 0) return response;
  try {
    await checkIf(folder, request);
    return response;
  } catch (error) {
    if (response.content !== undefined && !(response.content instanceof Uint8Array))
      await response.content[Symbol.asyncIterator]().return?.();
    throw error;
  }
}

/** Windows asks for the second field before it tries anything, and takes no 204 for an answer. */
const CLASSES: readonly Field[] = [
  ['dav', '1, 2, 3'],
  ['ms-author-via', 'DAV'],
];

async function options(folder: Folder, request: DavRequest): Promise<DavResponse> {
  const place = await lookAt(folder.tree, request.pathInfo);
  await place.close();
  return { status: 200, fields: [...CLASSES, ['allow', allowed(place.stats)]], content: new Uint8Array() };
}

function allowed(stats: { isDirectory(): boolean } | undefined): string {
  if (stats === undefined) return 'OPTIONS, PUT, MKCOL, LOCK';
  const isIn = (method: string): boolean => method !== 'MKCOL' && (method !== 'PUT' || !stats.isDirectory());
  return METHODS.filter(isIn).join(', ');
}
