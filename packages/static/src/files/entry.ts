// What the site has at a path: the outcome of looking, kept as long as the file system says the same.

import type { Coding } from '../http/content-coding.ts';
import type { StaticResponse } from '../message.ts';
import type { DirectoryView } from './directories.ts';
import { type ContentSource, MAX_LINES_BYTES, type Representation } from './representation.ts';
import type { Stamp } from '../http/validators.ts';

/** Other names that had a say in an outcome. */
export interface Neighbours {
  /** The directory that all of them and the file are in, as it was when it was last known to lack the absent ones. */
  directory: DirectoryView | undefined;
  /** Its version then; undefined when they have to be asked for one by one. */
  version: number | undefined;
  /** Suffixes of precompressed siblings that are not there. */
  readonly suffixes: readonly string[];
  /** Siblings that are there and cannot stand for the file, such as older ones. */
  readonly unfit: readonly ContentSource[];
  /** Locations that would have come first and are absent: earlier index files, a file under a clean URL's own name. */
  readonly earlier: readonly string[];
}

/** A coding of a file; a promise while it is being made. */
export interface MadeCoding {
  readonly coding: Coding;
  representation: Representation | Promise<Representation>;
}

/** What an Accept-Encoding value gets. */
interface Choice {
  readonly acceptEncoding: string;
  readonly representation: Representation;
}

/** A file that answers, with the codings it exists in. */
export interface FileEntry {
  readonly kind: 'file';
  readonly location: string;
  readonly stamp: Stamp;
  /** Where it lies, if a link is on the way. */
  readonly place: string | undefined;
  /** The unencoded file. Made again when the hash of a large file becomes known. */
  identity: Representation;
  /** Precompressed siblings, as far as they were looked for. */
  readonly stored: Representation[];
  /** False while nobody has asked for a coding: then siblings make no difference. */
  readonly hasSiblingsRead: boolean;
  /** Codings that may be made from it. */
  readonly codings: readonly Coding[];
  /** Codings made so far. Lists, as most entries have one member in each, and a map for each page keeps the collector busy. */
  made: MadeCoding[] | undefined;
  /** For the values seen. */
  chosen: Choice[] | undefined;
  /** False while a further change might not show in the file's times. */
  readonly isCacheable: boolean;
  readonly neighbours: Neighbours | undefined;
}

/** A directory without an index file, or any directory asked for without its slash. */
export interface DirectoryEntry {
  readonly kind: 'directory';
  readonly segments: readonly string[];
  readonly isAskedAsDirectory: boolean;
}

/** Nothing that may be served. Not remembered: looking again costs as little as looking up. */
export interface MissingEntry {
  readonly kind: 'missing';
  readonly response: StaticResponse;
}

export type Entry = FileEntry | DirectoryEntry | MissingEntry;

/**
 * What an entry keeps alive beside content and path, measured as growth of the resident set: objects, strings, and the share of
 * the heap that garbage takes until it is collected.
 */
const ENTRY_BYTES = 1_400 + MAX_LINES_BYTES / 2;
const REPRESENTATION_BYTES = 1_024;

/** How many bytes of memory an entry keeps alive. */
export function entryBytes(entry: FileEntry): number {
  const { identity, stored, location, place } = entry;
  return [...stored, ...madeOf(entry)].reduce(
    (sum, one) => sum + representationBytes(one),
    ENTRY_BYTES + contentBytes(identity) + location.length + (place?.length ?? 0),
  );
}

/** No less than a cache counts for a file of this size without siblings or links. */
export function usualEntryBytes(size: number, location: string): number {
  return ENTRY_BYTES + size + 2 * location.length;
}

/** The codings of a file that were made and are smaller than it. */
export function madeOf({ identity, made }: FileEntry): readonly Representation[] {
  if (made === undefined) return NONE;
  return made
    .map(({ representation }) => representation)
    .filter((one): one is Representation => !(one instanceof Promise) && one !== identity);
}

const NONE: readonly Representation[] = [];

/** How many bytes a further representation of an entry adds. */
export function representationBytes(representation: Representation): number {
  return REPRESENTATION_BYTES + contentBytes(representation);
}

function contentBytes({ isInMemory, length = 0 }: Representation): number {
  return isInMemory ? length : 0;
}
