// An open file becomes an entry: bytes read, validators made of the state those bytes had, siblings looked up.

import { type Coding, CODING_SUFFIX, CODINGS } from '../http/content-coding.ts';
import { contentTypeOf, isCompressible } from '../http/content-type.ts';
import type { FileEntry } from './entry.ts';
import { readWhole } from './file-content.ts';
import { closeDescriptor, isUnchanged, openFile, type OpenFile } from './open-file.ts';
import { isVisible } from './path.ts';
import { makeRepresentation, type Representation } from './representation.ts';
import type { Settings } from '../options/settings.ts';
import { contentTag, entityTag, hasRested } from '../http/validators.ts';

/** How often a file that changes while it is read is read again, before it is sent without validators. */
const MAX_READS = 3;

interface FileState {
  readonly file: OpenFile;
  readonly bytes: Uint8Array | undefined;
  /** Whether `bytes` are those of one moment. */
  readonly isWhole: boolean;
}

/** A file as a coding of a resource: `path` is the resource's, for rules; `segments` are those of the file that is read. */
interface CodedFile {
  readonly path: string;
  readonly contentType: string;
  readonly isNegotiable: boolean;
  readonly coding?: Coding | undefined;
  readonly segments: readonly string[];
}

/** Makes the entry for an open file and closes the file. */
export async function readFileEntry(
  opened: OpenFile,
  segments: readonly string[],
  settings: Settings,
  hasAlternatives: boolean,
): Promise<FileEntry> {
  const state = await readState(opened, segments, settings);
  const { file } = state;
  const name = segments.at(-1) ?? '';
  const contentType = contentTypeOf(name, settings);
  const isText = isCompressible(contentType);
  const stored = isText && settings.precompressed ? await storedSiblings(file, segments, contentType, settings) : [];
  const size = Number(file.stats.size);
  const { minBytes, maxBytes } = settings.compress;
  const codings = isText && size >= minBytes && size <= maxBytes ? settings.compress.codings : [];
  const isNegotiable = stored.length > 0 || codings.length > 0;
  return {
    kind: 'file',
    location: file.location,
    stamp: file.stamp,
    segments,
    identity: representationOf(state, { path: segments.join('/'), contentType, isNegotiable, segments }, settings),
    stored,
    codings,
    made: new Map(),
    chosen: new Map(),
    isCacheable: state.isWhole && hasRested(Math.max(file.stamp.mtimeMs, file.stamp.ctimeMs), Date.now()),
    hasAlternatives: hasAlternatives || (isText && settings.precompressed),
  };
}

/**
 * Reads a small file until what was read is one state of it; a large one is only described. Of one that is replaced by
 * nothing meanwhile, what was read counts. Closes the descriptor.
 */
async function readState(opened: OpenFile, segments: readonly string[], settings: Settings): Promise<FileState> {
  let file = opened;
  for (let reads = 1; ; reads++) {
    const size = Number(file.stats.size);
    let bytes: Uint8Array | undefined;
    let isWhole = true;
    try {
      if (size === 0 || size <= settings.maxCachedFileBytes) {
        bytes = await readWhole(file.descriptor, size);
        isWhole = bytes !== undefined && isUnchanged(file.descriptor, file.stamp);
      }
    } finally {
      closeDescriptor(file.descriptor);
    }
    if (isWhole || (reads === MAX_READS && bytes !== undefined)) return { file, bytes, isWhole };
    if (reads > 2 * MAX_READS) throw new Error('the file changed whenever it was read');
    const again = await openFile(segments, settings);
    if (again.kind === 'file') file = again;
    else if (bytes !== undefined) return { file, bytes, isWhole };
    else throw new Error('the file went away while it was read');
  }
}

function representationOf(
  { file, bytes, isWhole }: FileState,
  { segments, coding, ...facts }: CodedFile,
  settings: Settings,
): Representation {
  return makeRepresentation(
    {
      ...facts,
      coding,
      etag: isWhole ? tagOf(file, bytes, coding, settings) : undefined,
      mtimeMs: isWhole ? file.stamp.mtimeMs : 0,
      length: bytes?.length ?? Number(file.stats.size),
      bytes,
      source: { segments, stamp: file.stamp },
    },
    settings,
  );
}

function tagOf(file: OpenFile, bytes: Uint8Array | undefined, coding: Coding | undefined, settings: Settings) {
  if (settings.etag === false) return undefined;
  const suffix = coding === undefined ? '' : `-${coding}`;
  if (settings.etag === 'content' && bytes !== undefined) return contentTag(bytes, suffix);
  const tag = entityTag(file.stats, suffix);
  return settings.etag === 'weak' || !hasRested(file.stamp.mtimeMs, Date.now()) ? `W/${tag}` : tag;
}

/** Precompressed files beside the source that are at least as new. Policies hold for their names and places too. */
async function storedSiblings(
  source: OpenFile,
  segments: readonly string[],
  contentType: string,
  settings: Settings,
): Promise<readonly Representation[]> {
  const found = await Promise.all(
    CODINGS.map(async (coding) => {
      const sibling = [...segments.slice(0, -1), `${segments.at(-1)}${CODING_SUFFIX[coding]}`];
      if (!isVisible(sibling, settings)) return undefined;
      const opened = await openFile(sibling, settings);
      if (opened.kind !== 'file') return undefined;
      if (opened.stats.mtimeNs < source.stats.mtimeNs) {
        closeDescriptor(opened.descriptor);
        return undefined;
      }
      const state = await readState(opened, sibling, settings);
      const coded = { path: segments.join('/'), contentType, isNegotiable: true, coding, segments: sibling };
      return state.isWhole ? representationOf(state, coded, settings) : undefined;
    }),
  );
  return found.filter((representation) => representation !== undefined);
}
