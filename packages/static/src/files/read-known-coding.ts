// The coding of a file that is known, by one look at the file: its content was coded before, so nothing of it has to be read.

import { dirname } from 'node:path';
import { bestCoding } from '../http/content-coding.ts';
import { isCompressible } from '../http/content-type.ts';
import { digestTag, isSameState, namesContent, weakTag } from '../http/validators.ts';
import type { Eventually } from './eventually.ts';
import type { KnownFile } from './known-files.ts';
import { isAsJudged } from './read-file.ts';
import { Representation } from './representation.ts';
import type { Storage } from './storage.ts';

/**
 * What a client that sends `acceptEncoding` gets of the file that the names lead to, as far as it can be told at once; undefined for
 * all that has to be found, read or coded, and for what is not sent in a coding.
 */
export function readKnownCoding(
  location: string,
  segments: readonly string[],
  acceptEncoding: string,
  storage: Storage,
): Representation | undefined {
  const file = storage.known.find(location);
  if (file?.contentType === undefined) return undefined;
  const coding = codingFor(file, acceptEncoding, storage);
  if (coding === undefined) return undefined;
  const etag = weakTag(digestTag(file.stamp.size, file.sha256), `-${coding}`);
  const bytes = storage.codings.find(etag);
  if (bytes === undefined || bytes.length === 0) return undefined;
  if (!lacksSiblings(location, storage) || !isUnchanged(location, file, storage)) return undefined;
  const facts = {
    path: segments.join('/'),
    name: undefined,
    contentType: file.contentType,
    isNegotiable: true,
    coding,
    etag,
    formerEtag: undefined,
    mtimeMs: file.stamp.mtimeMs,
    length: bytes.length,
    bytes,
    source: { location, stamp: file.stamp, place: undefined },
  };
  return new Representation(facts, storage.settings);
}

function codingFor({ stamp, contentType = '' }: KnownFile, acceptEncoding: string, { settings }: Storage) {
  const { codings, minBytes, maxBytes } = settings.compression;
  if (stamp.size < minBytes || stamp.size > maxBytes || !namesContent(settings.etag)) return undefined;
  return isCompressible(contentType) ? bestCoding(acceptEncoding, codings) : undefined;
}

/** Whether the directory vouches that no precompressed file is there, which would come first. */
function lacksSiblings(location: string, { settings, directories }: Storage): boolean {
  if (!settings.precompressed) return true;
  const view = directories.look(dirname(location));
  return isNow(view) && view !== undefined && !(view instanceof Error) && directories.lacksCodings(view);
}

function isUnchanged(location: string, { stamp }: KnownFile, storage: Storage): boolean {
  if (isAsJudged(location, storage) !== true) return false;
  const stats = storage.disk.stat(location);
  return isNow(stats) && stats !== undefined && !(stats instanceof Error) && isSameState(stamp, stats);
}

/** Whether something is there at once. Where it is not, storage is slow, and the usual way asks again. */
function isNow<Value>(value: Eventually<Value>): value is Exclude<Value, Promise<unknown>> {
  return !(value instanceof Promise);
}
