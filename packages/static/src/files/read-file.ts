// An open file becomes an entry: bytes read, validators made of the state those bytes had, siblings looked up.

import type { Coding } from '../http/content-coding.ts';
import { contentTypeOf, isCompressible, ownCoding } from '../http/content-type.ts';
import { contentTag, digestTag, exactStateTag, hasRested, stateTag } from '../http/validators.ts';
import type { Settings } from '../options/settings.ts';
import { shrinks } from './coded-content.ts';
import type { DirectoryView } from './directories.ts';
import type { FileEntry } from './entry.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { type FileState, readState } from './file-state.ts';
import type { OpenFile } from './open-file.ts';
import { Representation } from './representation.ts';
import { findSiblings, NO_SIBLINGS, type Siblings } from './siblings.ts';
import type { Storage } from './storage.ts';

/** What else a lookup learned that the entry depends on. */
export interface Surroundings {
  /** The directory that the file is in; undefined when it could not be looked at. */
  readonly directory: DirectoryView | undefined;
  /** Locations that come first and are absent. */
  readonly earlier: readonly string[];
}

/** Makes the entry for an open file. The caller closes the file. */
export function readFileEntry(
  opened: OpenFile,
  segments: readonly string[],
  surroundings: Surroundings,
  storage: Storage,
): Eventually<FileEntry> {
  return whenReady(readState(opened, storage), (state) => {
    const contentType = contentTypeOf(segments.at(-1) ?? '', storage.settings, state.start);
    const file = { state, segments, contentType, surroundings };
    const isCoded = ownCoding(segments.at(-1) ?? '', state.start) !== undefined;
    if (isCoded || !storage.settings.precompressed || !isCompressible(contentType))
      return makeEntry(file, NO_SIBLINGS, storage);
    const siblings = findSiblings(state, segments, surroundings.directory, storage);
    return whenReady(siblings, (found) => makeEntry(file, found, storage));
  });
}

interface ReadFile {
  readonly state: FileState;
  readonly segments: readonly string[];
  readonly contentType: string;
  readonly surroundings: Surroundings;
}

function makeEntry(
  { state, segments, contentType, surroundings: { directory, earlier } }: ReadFile,
  { siblings, absent, unfit }: Siblings,
  storage: Storage,
): FileEntry {
  const path = segments.join('/');
  // Names cut from the path, which stands for itself, instead of from the request.
  const file = path.split('/');
  const coding = ownCoding(path, state.start);
  const codings = coding === undefined ? codingsOf(state, contentType, storage.settings) : [];
  const isNegotiable = siblings.length > 0 || codings.length > 0;
  const { stamp, location, isWhole } = state;
  const hasNeighbours = absent.length > 0 || earlier.length > 0 || unfit.length > 0;
  return {
    kind: 'file',
    location,
    stamp,
    identity: represent(state, { path, file, contentType, coding, isNegotiable }, storage),
    stored:
      siblings.length === 0
        ? NONE
        : siblings.map((one) => {
            const sibling = [...file.slice(0, -1), one.name];
            return represent(
              one.state,
              { path, file: sibling, contentType, coding: one.coding, isNegotiable: true },
              storage,
            );
          }),
    codings,
    made: undefined,
    chosen: undefined,
    isCacheable: isWhole && hasRested(Math.max(stamp.mtimeMs, stamp.ctimeMs), Date.now()),
    neighbours: hasNeighbours ? { directory, suffixes: absent, earlier, unfit, version: undefined } : undefined,
  };
}

/** Of files without siblings, which is most, all have this one. */
const NONE: Representation[] = [];

function codingsOf(state: FileState, contentType: string, { compress }: Settings): readonly Coding[] {
  const { stamp, sample } = state;
  const { minBytes, maxBytes } = compress;
  const size = state.bytes?.length ?? stamp.size;
  if (size < minBytes || size > maxBytes || compress.codings.length === 0 || !isCompressible(contentType)) return [];
  // Small files show when they are coded whether it was worth it; a large one is on its way by then.
  return sample === undefined || shrinks(sample.bytes) ? compress.codings : [];
}

/** A file as a coding of a resource: `path` is the resource's, for rules. */
interface CodedFile {
  readonly path: string;
  readonly file: readonly string[];
  readonly contentType: string;
  readonly isNegotiable: boolean;
  readonly coding?: Coding | undefined;
}

/** The representation that a file's state is. */
function represent(state: FileState, coded: CodedFile, storage: Storage): Representation {
  const { location, stamp, bytes, isWhole } = state;
  const { path, file, contentType, isNegotiable, coding } = coded;
  const { etag, formerEtag } = tagsOf(state, coding, storage);
  const mtimeMs = isWhole ? stamp.mtimeMs : undefined;
  const length = bytes?.length ?? stamp.size;
  const source = { location, stamp };
  // Spreading would make a hidden class for each file, and the heap would fill with them.
  const facts = { path, file, contentType, isNegotiable, coding, etag, formerEtag, mtimeMs, length, bytes, source };
  return new Representation(facts, storage.settings);
}

interface Tags {
  readonly etag: string | undefined;
  readonly formerEtag: string | undefined;
}

function tagsOf(
  { stamp, bytes, sample, location }: FileState,
  coding: Coding | undefined,
  { settings, digests }: Storage,
): Tags {
  if (settings.etag === false) return { etag: undefined, formerEtag: undefined };
  const suffix = coding === undefined ? '' : `-${coding}`;
  if (settings.etag === 'state') return { etag: exactStateTag(stamp, suffix), formerEtag: undefined };
  if (settings.etag === 'weak') return { etag: stateTag(stamp, suffix), formerEtag: undefined };
  if (bytes !== undefined) return { etag: contentTag(bytes, suffix), formerEtag: undefined };
  const hash = `.${sample?.hash ?? ''}`;
  const weak = stateTag(stamp, `${hash}${digests.discriminator(location, stamp, stateTag(stamp, hash))}${suffix}`);
  const sha256 = digests.find(location, stamp);
  if (sha256 === undefined) return { etag: weak, formerEtag: undefined };
  return { etag: digestTag(stamp.size, sha256, suffix), formerEtag: weak };
}
