// An open file becomes an entry: bytes read, validators made of the state those bytes had, siblings looked up.

import type { Coding } from '../http/content-coding.ts';
import { contentTypeOf, isCompressible, ownCoding } from '../http/content-type.ts';
import { digestTag, exactStateTag, sha256Of, stateTag } from '../http/validators.ts';
import type { Settings } from '../options/settings.ts';
import { shrinks } from './coded-content.ts';
import type { FileEntry, Neighbours } from './entry.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { type FileState, readState, stateAgain } from './file-state.ts';
import { READ_AT_ONCE_BYTES } from './disk.ts';
import type { KnownFile } from './known-files.ts';
import { lendBytes, ownBytes } from './lent-buffers.ts';
import type { OpenFile } from './open-file.ts';
import { Representation } from './representation.ts';
import { findSiblings, NO_SIBLINGS, type Siblings } from './siblings.ts';
import type { Storage } from './storage.ts';

/** Makes the entry for an open file; `earlier` are locations that come first and are absent. The caller closes the file. */
export function readFileEntry(
  opened: OpenFile,
  segments: readonly string[],
  earlier: readonly string[],
  storage: Storage,
): Eventually<FileEntry> {
  return whenReady(readState(opened, storage), (state) =>
    whenReady(entryOf(state, segments, earlier, storage), (entry) => {
      const { revision } = opened;
      const isSmall = state.bytes !== undefined && state.bytes.length <= READ_AT_ONCE_BYTES;
      if (revision !== undefined && isSmall && entry.isCacheable) {
        const { stamp, location, identity } = entry;
        // What is coded already is not to be taken for what its type says.
        const contentType = identity.coding === undefined ? identity.contentType : undefined;
        storage.known.add(location, { stamp, sha256: state.sha256 ?? '', contentType }, revision);
      }
      return entry;
    }),
  );
}

/**
 * The entry for a file at a location that is known and in the same state still, by one read; undefined for all others.
 */
export function readKnownEntry(
  location: string,
  segments: readonly string[],
  storage: Storage,
): Eventually<FileEntry | undefined> {
  const file = storage.known.find(location);
  if (file === undefined) return undefined;
  return whenReady(isAsJudged(location, storage), (isJudged) =>
    isJudged ? readAgain(file, location, segments, storage) : undefined,
  );
}

/** Whether what is known of a location may be served if it is in the same state: root, secrets and the way there are as they were. */
export function isAsJudged(
  location: string,
  { settings, secrets, root, known, ancestors }: Storage,
): Eventually<boolean> {
  return whenReady(root.place(), (place) => {
    if (place instanceof Error) return false;
    const judged = secrets.revisionFor(place + location.slice(settings.root.length), location);
    return whenReady(judged, (revision) =>
      revision !== undefined && known.isOf(revision) ? ancestors.isOwn(ancestors.of(location)) : false,
    );
  });
}

function readAgain(
  file: KnownFile,
  location: string,
  segments: readonly string[],
  storage: Storage,
): Eventually<FileEntry | undefined> {
  const bytes = lendBytes(file.stamp.size);
  return whenReady(storage.disk.readAgain(location, bytes), (read) => {
    const state = stateAgain(location, file, bytes, read);
    return state && entryOf(state, segments, NO_EARLIER, storage, file.contentType);
  });
}

function entryOf(
  state: FileState,
  segments: readonly string[],
  earlier: readonly string[],
  storage: Storage,
  knownType?: string,
): Eventually<FileEntry> {
  const path = segments.join('/');
  const contentType = knownType ?? contentTypeOf(segments.at(-1) ?? '', storage.settings, state.start);
  const { precompressed, write } = storage.settings;
  // On a drive what is read is what was put: clients compare its length with that of the file, and undo codings before.
  const coding = precompressed || write === undefined ? ownCoding(path, state.start) : undefined;
  const codings = coding === undefined ? worthwhileCodings(state, contentType, storage.settings) : NO_CODINGS;
  const isAlone = coding !== undefined || !precompressed || !isCompressible(contentType);
  const file = { state, path, contentType, coding, codings, earlier };
  // Where codings are made, Vary is sent in any case, and siblings can wait for a client that takes one.
  if (isAlone || codings.length > 0) return makeEntry(file, NO_SIBLINGS, isAlone, storage);
  return whenReady(findSiblings(state, segments, storage), (found) => makeEntry(file, found, true, storage));
}

interface ReadFile {
  readonly state: FileState;
  readonly path: string;
  readonly contentType: string;
  readonly coding: Coding | undefined;
  readonly codings: readonly Coding[];
  readonly earlier: readonly string[];
}

function makeEntry(
  { state, path, contentType, coding, codings, earlier }: ReadFile,
  found: Siblings,
  hasSiblingsRead: boolean,
  storage: Storage,
): FileEntry {
  const { stamp, location, place, isWhole, isRested } = state;
  const isNegotiable = found.siblings.length > 0 || codings.length > 0;
  return {
    kind: 'file',
    location,
    stamp,
    place,
    identity: represent(state, { path, contentType, coding, isNegotiable }, storage),
    stored: storedOf(found, path, contentType, storage),
    hasSiblingsRead,
    codings,
    made: undefined,
    chosen: undefined,
    isCacheable: isWhole && isRested && haveRested(found),
    neighbours: neighboursOf(found, earlier),
  };
}

/** The entry with the siblings of its file, for a client that takes codings; itself when they are known. */
export function withSiblings(entry: FileEntry, storage: Storage): Eventually<FileEntry> {
  if (entry.hasSiblingsRead) return entry;
  const { identity, neighbours } = entry;
  return whenReady(findSiblings(entry, identity.path.split('/'), storage), (found) => ({
    kind: 'file',
    location: entry.location,
    stamp: entry.stamp,
    place: entry.place,
    identity,
    stored: storedOf(found, identity.path, identity.contentType, storage),
    hasSiblingsRead: true,
    codings: entry.codings,
    made: entry.made,
    // What was chosen without them may be another now.
    chosen: undefined,
    isCacheable: entry.isCacheable && haveRested(found),
    neighbours: neighboursOf(found, neighbours?.earlier ?? []),
  }));
}

function haveRested({ siblings }: Siblings): boolean {
  return siblings.every(({ state }) => state.isRested);
}

function neighboursOf({ absent, unfit }: Siblings, earlier: readonly string[]): Neighbours | undefined {
  if (absent.length === 0 && earlier.length === 0 && unfit.length === 0) return undefined;
  return { directory: undefined, suffixes: absent, earlier, unfit, version: undefined };
}

function storedOf({ siblings }: Siblings, path: string, contentType: string, storage: Storage): Representation[] {
  if (siblings.length === 0) return NONE;
  return siblings.map(({ state, name, coding }) => {
    const bytes = state.bytes && ownBytes(state.bytes);
    return represent({ ...state, bytes }, { path, name, contentType, coding, isNegotiable: true }, storage);
  });
}

const NO_EARLIER: readonly string[] = [];

/** Of files without siblings, which is most, all have this one. */
const NONE: Representation[] = [];

function worthwhileCodings({ bytes, stamp, sample }: FileState, contentType: string, settings: Settings) {
  const codings = codingsOf(bytes?.length ?? stamp.size, contentType, settings);
  // Small files show when they are coded whether it was worth it; a large one is on its way by then.
  return codings.length === 0 || sample === undefined || shrinks(sample.bytes) ? codings : NO_CODINGS;
}

/** The codings that a file of this size and type may be sent in. */
export function codingsOf(size: number, contentType: string, { compression }: Settings): readonly Coding[] {
  const { minBytes, maxBytes, codings } = compression;
  return size < minBytes || size > maxBytes || !isCompressible(contentType) ? NO_CODINGS : codings;
}

const NO_CODINGS: readonly Coding[] = [];

/** A file as a coding of a resource: `path` is the resource's, for rules. */
interface CodedFile {
  readonly path: string;
  readonly name?: string | undefined;
  readonly contentType: string;
  readonly isNegotiable: boolean;
  readonly coding?: Coding | undefined;
}

/** The representation that a file's state is. */
export function represent(state: FileState, coded: CodedFile, storage: Storage): Representation {
  const { location, stamp, place, bytes, isWhole } = state;
  const { path, name, contentType, isNegotiable, coding } = coded;
  const { etag, formerEtag } = tagsOf(state, coding, storage);
  const mtimeMs = isWhole ? stamp.mtimeMs : undefined;
  const length = bytes?.length ?? stamp.size;
  const source = { location, stamp, place };
  // Spreading would make a hidden class for each file, and the heap would fill with them.
  const facts = { path, name, contentType, isNegotiable, coding, etag, formerEtag, mtimeMs, length, bytes, source };
  return new Representation(facts, storage.settings);
}

interface Tags {
  readonly etag: string | undefined;
  readonly formerEtag: string | undefined;
}

function tagsOf(state: FileState, coding: Coding | undefined, { settings, digests }: Storage): Tags {
  const { stamp, bytes, sample, location } = state;
  if (settings.etag === false) return { etag: undefined, formerEtag: undefined };
  const suffix = coding === undefined ? '' : `-${coding}`;
  if (settings.etag === 'state') return { etag: exactStateTag(stamp, suffix), formerEtag: undefined };
  if (settings.etag === 'weak') return { etag: stateTag(stamp, suffix), formerEtag: undefined };
  if (bytes !== undefined) {
    state.sha256 ??= sha256Of(bytes);
    return { etag: digestTag(bytes.length, state.sha256, suffix), formerEtag: undefined };
  }
  const hash = `.${sample?.hash ?? ''}`;
  const weak = stateTag(stamp, `${hash}${digests.discriminator(location, stamp, stateTag(stamp, hash))}${suffix}`);
  const sha256 = digests.find(location, stamp);
  if (sha256 === undefined) return { etag: weak, formerEtag: undefined };
  return { etag: digestTag(stamp.size, sha256, suffix), formerEtag: weak };
}
