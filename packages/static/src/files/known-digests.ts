// When the hash of a large file becomes known, its weak tag gives way to the strong one.

import type { SelectionFields } from '../http/request-fields.ts';
import { digestTag, isSameState, mayNameContent } from '../http/validators.ts';
import { SMALL_FILE_BYTES } from './digests.ts';
import type { FileEntry } from './entry.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { openLocation } from './open-file.ts';
import { closing } from './file-state.ts';
import type { Representation } from './representation.ts';
import type { Storage } from './storage.ts';

/** The entry with the tags that are known by now. */
export function withDigests(entry: FileEntry, storage: Storage): FileEntry {
  const identity = withDigest(entry.identity, storage);
  if (identity !== entry.identity) {
    entry.identity = identity;
    // Tags of codings follow from it.
    entry.made = undefined;
    entry.chosen = undefined;
  }
  for (const [index, stored] of entry.stored.entries()) {
    const known = withDigest(stored, storage);
    if (known === stored) continue;
    entry.stored[index] = known;
    entry.chosen = undefined;
  }
  return entry;
}

function withDigest(representation: Representation, { digests, settings }: Storage): Representation {
  const { isInMemory, etag, source, coding } = representation;
  if (isInMemory || settings.etag === 'weak' || etag?.startsWith('W/') !== true) return representation;
  const sha256 = digests.find(source.location, source.stamp);
  if (sha256 === undefined) return representation;
  const suffix = coding === undefined ? '' : `-${coding}`;
  return representation.withTag(digestTag(source.stamp.size, sha256, suffix), settings);
}

/** Whether a request names a tag that may be the file's, so that reading the file costs less than sending it in vain. */
export function isDigestWanted(
  { identity, stored }: FileEntry,
  { ifMatch, ifNoneMatch, ifRange }: SelectionFields,
  { settings }: Storage,
): boolean {
  if (settings.etag === 'weak' || settings.etag === false) return false;
  return [identity, ...stored].some(
    ({ isInMemory, etag, source }) =>
      !isInMemory &&
      etag?.startsWith('W/') === true &&
      [ifMatch, ifNoneMatch, ifRange].some((value) => mayNameContent(value, source.stamp.size)),
  );
}

/**
 * Whether hashing a file that is not in memory takes no time that anybody notices: small ones are hashed before they are sent for the
 * first time, unless others are waiting for that already. It takes 15 ms, and the tag is strong from the first response on.
 */
export function isDigestCheap({ identity, stored }: FileEntry, { digests, settings }: Storage): boolean {
  if (settings.etag === 'weak' || settings.etag === false || digests.isBusy) return false;
  const unknown = [identity, ...stored].filter(
    ({ isInMemory, etag, source }) =>
      !isInMemory && etag?.startsWith('W/') === true && digests.canLearn(source.location, source.stamp),
  );
  return unknown.length > 0 && unknown.every(({ source }) => source.stamp.size <= SMALL_FILE_BYTES);
}

/** Reads the file, and its large siblings, to know their hashes. What cannot be read keeps its weak tag. */
export function learnDigest({ identity, stored }: FileEntry, storage: Storage): Eventually<void> {
  const large = [identity, ...stored].filter(({ isInMemory }) => !isInMemory);
  const learning = large.map(async ({ source }) =>
    whenReady(openLocation(source.location, storage), (opened) => {
      if (opened.kind !== 'file') return undefined;
      return closing(opened, storage, () => {
        if (!isSameState(source.stamp, opened.stamp)) return undefined;
        return storage.digests.compute(source.location, source.stamp, opened.descriptor);
      });
    }),
  );
  return Promise.allSettled(learning).then(() => undefined);
}
