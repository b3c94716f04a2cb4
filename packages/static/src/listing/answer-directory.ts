// A directory becomes a listing, or an archive of all in it. Loaded when the first is asked for.

import { throwOurs } from '../files/system-errors.ts';
import type { Field, StaticRequest, StaticResponse } from '../message.ts';
import { statusOf } from '../files/open-file.ts';
import type { Storage } from '../files/storage.ts';
import type { Settings } from '../options/settings.ts';
import { NOT_FOUND, refusal } from '../refusals.ts';
import { encodeSegment } from '../site/location.ts';
import { type Folder, Folders, isSameDirectory } from './folders.ts';
import { renderListing } from './page.ts';
import { listPage, type RememberedPage, rememberedPage, rememberPage } from './pages.ts';
import { type ArchiveFormat, archiveFormat, type ListingQuery, listingQuery } from './query.ts';
import { membersOf } from './members.ts';
import { LISTING_POLICY } from './style.ts';
import { tarOf } from './tar.ts';
import { UPLOAD_POLICY } from './upload.ts';
import { zipOf } from './zip.ts';

/** Answers GET and HEAD for a directory whose path ends in a slash, without which relative links would lead elsewhere. */
export function answerDirectory(
  segments: readonly string[],
  request: StaticRequest,
  storage: Storage,
  folders: Folders,
): StaticResponse | Promise<StaticResponse> {
  const { settings } = storage;
  const format = settings.listing?.archives === true ? archiveFormat(request.query) : undefined;
  if (format !== undefined) return answerArchive(segments, format, request, storage, folders);
  return answerListing(segments, request, settings, folders);
}

/** Remembers folders for one site. */
export function makeFolders(settings: Settings): Folders {
  return new Folders(settings);
}

function answerArchive(
  segments: readonly string[],
  format: ArchiveFormat,
  { method, scriptName }: StaticRequest,
  storage: Storage,
  folders: Folders,
): StaticResponse {
  const name = segments.at(-1) ?? scriptName?.split('/').findLast((part) => part !== '') ?? 'files';
  const fields: readonly Field[] = [
    ['content-type', format === 'zip' ? 'application/zip' : 'application/x-tar'],
    ['content-disposition', `attachment; filename*=UTF-8''${encodeSegment(`${name}.${format}`)}`],
    ['cache-control', 'no-cache'],
    ['x-content-type-options', 'nosniff'],
  ];
  if (method === 'HEAD') return { status: 200, fields };
  const members = membersOf(segments, name, folders, storage);
  return { status: 200, fields, content: format === 'zip' ? zipOf(members) : tarOf(members) };
}

function answerListing(
  segments: readonly string[],
  request: StaticRequest,
  settings: Settings,
  folders: Folders,
): StaticResponse | Promise<StaticResponse> {
  const query = listingQuery(request);
  const key = JSON.stringify([request.scriptName, query]);
  const folder = folders.known(segments);
  const page = folder === undefined || folder instanceof Promise ? undefined : rememberedPage(folder, key);
  if (page !== undefined) return responseOf(page, request);
  const asked = { request, query, key, settings, folders };
  return folders
    .share(`${segments.join('/')} ${key}`, () => makePage(segments, asked))
    .then((made) => (made === undefined ? NOT_FOUND : responseOf(made, request)), refusalOf);
}

interface Asked {
  readonly request: StaticRequest;
  readonly query: ListingQuery;
  readonly key: string;
  readonly settings: Settings;
  readonly folders: Folders;
}

/** How often a directory that is replaced while it is listed is listed anew. */
const MAX_LOOKS = 4;

async function makePage(segments: readonly string[], asked: Asked): Promise<RememberedPage | undefined> {
  const { query, key, settings, folders } = asked;
  for (let looks = 1; ; looks++) {
    const known = await folders.known(segments);
    const remembered = known === undefined ? undefined : rememberedPage(known, key);
    if (remembered !== undefined) return remembered;
    const folder = known ?? (await folders.look(segments));
    if (folder === undefined) return undefined;
    const listed = await listPage(folder, query, settings.listing?.pageEntries ?? folder.sorted.length);
    // Entries are looked at by path: what was found there counts if the directory that was read is still at it.
    if (!(await isSameDirectory(folder)) && looks < MAX_LOOKS) continue;
    const page = await render(folder, listed, asked);
    rememberPage(folder, key, page);
    return page;
  }
}

async function render(
  folder: Folder,
  listed: RememberedPage['listed'],
  { request, query, settings }: Asked,
): Promise<RememberedPage> {
  const mount = (request.scriptName ?? '').split('/').filter((name) => name !== '');
  const names = [...mount, ...folder.segments];
  const isWritable = settings.write !== undefined;
  const hasArchive = settings.listing?.archives === true;
  const place = { names, depth: folder.segments.length, isWritable, hasArchive };
  const { contentType, text } = await renderListing({ ...listed, ...place, query });
  const content = Buffer.from(text);
  const fields: readonly Field[] = [
    ['content-type', contentType],
    ['cache-control', 'no-cache'],
    ['vary', 'accept'],
    ['content-security-policy', isWritable ? `${LISTING_POLICY}; ${UPLOAD_POLICY}` : LISTING_POLICY],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'same-origin'],
  ];
  return {
    listed,
    get: { status: 200, fields, content },
    head: { status: 200, fields: [...fields, ['content-length', String(content.length)]] },
    // The turn that comes looks at the entries again.
    turn: -1,
  };
}

function responseOf({ get, head }: RememberedPage, { method }: StaticRequest): StaticResponse {
  return method === 'HEAD' ? head : get;
}

function refusalOf(error: unknown): StaticResponse {
  throwOurs(error);
  const status = statusOf(error);
  return status === 404 ? NOT_FOUND : refusal(status, error);
}
