// A small file that is known, for a caller that is done with it at once: nothing is made of it that a cache would keep.
//
// It is what `findEntry` finds at a location, and the cache has no room for: the file as it was when it was checked, read anew, or a
// coding that was made of its content before, for which one look at the file is enough. All that has to be found, checked or
// coded is left to the usual way, and so is everything while storage is slow.

import { dirname } from 'node:path';
import { bestCoding, type Coding } from '../http/content-coding.ts';
import { isCompressible } from '../http/content-type.ts';
import { digestTag, isSameState, namesContent, weakTag } from '../http/validators.ts';
import { usualEntryBytes } from './entry.ts';
import type { Eventually } from './eventually.ts';
import { stateAgain } from './file-state.ts';
import type { FileCache } from './file-cache.ts';
import type { KnownFile } from './known-files.ts';
import { abandonLent, lendBytes, MAX_PIECE_BYTES } from './lent-buffers.ts';
import { codingsOf, isAsJudged, represent } from './read-file.ts';
import { Representation } from './representation.ts';
import type { Storage } from './storage.ts';

/** A file that is asked for by its own name. */
export interface AskedFile {
  readonly location: string;
  /** The names that lead there from the root. */
  readonly segments: readonly string[];
  readonly acceptEncoding: string | undefined;
}

/** What a client gets, its bytes lent; undefined where the usual way has to be gone, also because the cache would take the file. */
export function knownPage(asked: AskedFile, storage: Storage, cache: FileCache): Representation | undefined {
  const { location } = asked;
  const file = storage.known.find(location);
  if (file?.contentType === undefined || file.stamp.size > MAX_PIECE_BYTES) return undefined;
  const size = usualEntryBytes(file.stamp.size, location);
  if (cache.admits(size)) return undefined;
  const page = pageOf(asked, file, storage);
  // The usual way counts those that it takes itself.
  if (page !== undefined) cache.refused(size);
  return page;
}

function pageOf(asked: AskedFile, file: KnownFile, storage: Storage): Representation | undefined {
  const { location, acceptEncoding } = asked;
  const { contentType = '' } = file;
  const { settings } = storage;
  const codings = codingsOf(file.stamp.size, contentType, settings);
  // Without a coding that is made here, Vary depends on the siblings for all clients.
  const matterSiblings = acceptEncoding !== undefined || codings.length === 0;
  const mayHaveSiblings = settings.precompressed && isCompressible(contentType);
  if (matterSiblings && mayHaveSiblings && !lacksSiblings(location, storage)) return undefined;
  const coding = acceptEncoding === undefined ? undefined : bestCoding(acceptEncoding, codings);
  if (coding === undefined) return unencoded(asked, file, codings.length > 0, storage);
  if (!namesContent(settings.etag)) return undefined;
  const etag = weakTag(digestTag(file.stamp.size, file.sha256), `-${coding}`);
  const bytes = storage.codings.find(etag);
  if (bytes === undefined) return undefined;
  return bytes.length === 0
    ? unencoded(asked, file, true, storage)
    : coded(asked, file, { coding, etag, bytes }, storage);
}

function coded(
  { location, segments }: AskedFile,
  { stamp, contentType = '' }: KnownFile,
  { coding, etag, bytes }: { readonly coding: Coding; readonly etag: string; readonly bytes: Uint8Array },
  storage: Storage,
): Representation | undefined {
  const isJudged = isAsJudged(location, storage);
  if (!isNow(isJudged) || !isJudged) return undefined;
  const stats = storage.disk.stat(location);
  if (!isNow(stats) || stats === undefined || stats instanceof Error || !isSameState(stamp, stats)) return undefined;
  const facts = {
    path: segments.join('/'),
    name: undefined,
    contentType,
    isNegotiable: true,
    coding,
    etag,
    formerEtag: undefined,
    mtimeMs: stamp.mtimeMs,
    length: bytes.length,
    bytes,
    source: { location, stamp, place: undefined },
  };
  return new Representation(facts, storage.settings);
}

function unencoded(
  { location, segments }: AskedFile,
  file: KnownFile,
  isNegotiable: boolean,
  storage: Storage,
): Representation | undefined {
  const isJudged = isAsJudged(location, storage);
  if (!isNow(isJudged) || !isJudged) return undefined;
  const bytes = lendBytes(file.stamp.size);
  const read = storage.disk.readAgain(location, bytes);
  // Storage became slow at the last moment: the pool fills these bytes while others are sent.
  if (!isNow(read)) abandonLent();
  const state = isNow(read) ? stateAgain(location, file, bytes, read) : undefined;
  if (state === undefined) return undefined;
  const { contentType = '' } = file;
  return represent(state, { path: segments.join('/'), contentType, coding: undefined, isNegotiable }, storage);
}

/** Whether the directory vouches that no precompressed file is there, which would come first. */
function lacksSiblings(location: string, { directories }: Storage): boolean {
  const view = directories.look(dirname(location));
  return isNow(view) && view !== undefined && !(view instanceof Error) && directories.lacksCodings(view);
}

/** Whether something is there at once. */
function isNow<Value>(value: Eventually<Value>): value is Exclude<Value, Promise<unknown>> {
  if (!(value instanceof Promise)) return true;
  // Nobody waits for it: the usual way asks again, and answers with what fails.
  value.catch(() => {});
  return false;
}
