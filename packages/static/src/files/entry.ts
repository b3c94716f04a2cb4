// What the site has at a path: the outcome of looking, kept as long as the file system says the same.

import type { Coding } from '../http/content-coding.ts';
import type { StaticResponse } from '../message.ts';
import type { Representation } from './representation.ts';
import type { Stamp } from '../http/validators.ts';

/** A file that answers, with the codings it exists in. */
export interface FileEntry {
  readonly kind: 'file';
  readonly location: string;
  readonly stamp: Stamp;
  /** Names from the root to the file itself. */
  readonly segments: readonly string[];
  readonly identity: Representation;
  /** Precompressed siblings. */
  readonly stored: readonly Representation[];
  /** Codings that may be made from it. */
  readonly codings: readonly Coding[];
  /** Codings made so far; a promise while one is being made. */
  readonly made: Map<Coding, Representation | Promise<Representation>>;
  /** Which representation an Accept-Encoding value gets, for the values seen. */
  readonly chosen: Map<string, Representation>;
  /** False while a further change might not show in the file's times. */
  readonly isCacheable: boolean;
  /** Whether other names had a say in this outcome; these are looked at again after a while only. */
  readonly hasAlternatives: boolean;
}

/** A directory without an index file, or any directory asked for without its slash. */
export interface DirectoryEntry {
  readonly kind: 'directory';
  readonly segments: readonly string[];
  readonly isAskedAsDirectory: boolean;
}

/** Nothing that may be served. */
export interface MissingEntry {
  readonly kind: 'missing';
  readonly response: StaticResponse;
  /** Set when the outcome holds as long as nothing exists at this location. */
  readonly absentLocation: string | undefined;
  readonly hasAlternatives: boolean;
}

export type Entry = FileEntry | DirectoryEntry | MissingEntry;

/** How many bytes of memory an entry keeps alive, roughly; the constant stands for fields, strings and map slots. */
export function entryBytes(entry: Entry): number {
  if (entry.kind !== 'file') return 1024;
  const stored = entry.stored.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  return 4096 + (entry.identity.bytes?.length ?? 0) + stored;
}
