// Precompressed files beside their source: `page.html.br` holds `page.html`.

import { dirname } from 'node:path';
import { throwOurs } from './system-errors.ts';
import { type Coding, CODING_SUFFIX, CODINGS } from '../http/content-coding.ts';
import { type Stamp, stampOf } from '../http/validators.ts';
import type { DirectoryView } from './directories.ts';
import { type Eventually, orElse, whenReady } from './eventually.ts';
import { openLocation } from './open-file.ts';
import { isVisible } from './path.ts';
import { closing, type FileState, readState } from './file-state.ts';
import type { ContentSource } from './representation.ts';
import type { Storage } from './storage.ts';

/** What stands beside a file. */
export interface Siblings {
  readonly siblings: readonly Sibling[];
  /** Suffixes of siblings that are not there. */
  readonly absent: readonly string[];
  /** Siblings that are there and cannot stand for the file. */
  readonly unfit: readonly ContentSource[];
}

interface Sibling {
  readonly coding: Coding;
  readonly name: string;
  readonly state: FileState;
}

export const NO_SIBLINGS: Siblings = { siblings: [], absent: [], unfit: [] };

/** All suffixes, and the lists that begin like it: nearly every file has one of these, so they are not made for each. */
const SUFFIXES = CODINGS.map((coding) => CODING_SUFFIX[coding]);
const ABSENT = [0, 1, 2, 3].map((count) => SUFFIXES.slice(0, count));

/** What of a file decides which siblings can stand for it. */
type Source = Pick<FileState, 'location' | 'stamp'>;

/** Precompressed files beside the source that are at least as new. Policies hold for their names and places too. */
export function findSiblings(source: Source, segments: readonly string[], storage: Storage): Eventually<Siblings> {
  return whenReady(storage.directories.look(dirname(source.location)), (view) =>
    findIn(view instanceof Error ? undefined : view, source, segments, storage),
  );
}

function findIn(
  directory: DirectoryView | undefined,
  source: Source,
  segments: readonly string[],
  storage: Storage,
): Eventually<Siblings> {
  if (directory !== undefined && storage.directories.lacksCodings(directory)) return ALL_ABSENT;
  const name = segments.at(-1) ?? '';
  const lacks = (suffix: string): boolean =>
    directory !== undefined && storage.directories.lacks(directory, name + suffix);
  if (SUFFIXES.every(lacks)) return ALL_ABSENT;
  let found: Eventually<Siblings> = NO_SIBLINGS;
  for (const coding of CODINGS) {
    const suffix = CODING_SUFFIX[coding];
    if (!isVisible([...segments.slice(0, -1), name + suffix], storage.settings)) continue;
    found = whenReady(found, (earlier) =>
      whenReady(lacks(suffix) ? 'absent' : openSibling(source.location + suffix, source, storage), (sibling) => {
        if (sibling === 'absent' && directory !== undefined) storage.directories.probed(directory);
        return withSibling(earlier, coding, name + suffix, sibling);
      }),
    );
  }
  return found;
}

const ALL_ABSENT: Siblings = { siblings: [], absent: SUFFIXES, unfit: [] };

function withSibling(
  found: Siblings,
  coding: Coding,
  name: string,
  sibling: FileState | ContentSource | 'absent',
): Siblings {
  if (sibling === 'absent') {
    const { length } = found.absent;
    const isUsual = found.absent === ABSENT[length] || length === 0;
    const next = isUsual && CODINGS[length] === coding ? ABSENT[length + 1] : undefined;
    return { ...found, absent: next ?? [...found.absent, CODING_SUFFIX[coding]] };
  }
  if ('start' in sibling) return { ...found, siblings: [...found.siblings, { coding, name, state: sibling }] };
  return { ...found, unfit: [...found.unfit, sibling] };
}

/**
 * A sibling's state, what it is known by when it cannot stand for the source, or that it is not there. One that cannot be opened or read
 * for now is as good as none, and known by no state, so that it is looked at again.
 */
function openSibling(
  location: string,
  source: Source,
  storage: Storage,
): Eventually<FileState | ContentSource | 'absent'> {
  // Nearly always there is none, and `stat` says so at a third of the cost of `open`.
  return whenReady(storage.disk.stat(location), (stats) => {
    if (stats === undefined || stats instanceof Error) return 'absent';
    const seen: ContentSource = { location, stamp: stampOf(stats), place: undefined };
    if (!stats.isFile() || isOlder(seen.stamp, source.stamp)) return seen;
    return whenReady(openLocation(location, storage), (opened) => {
      if (opened.kind === 'refused' && opened.status >= 500) return unknown(seen);
      if (opened.kind !== 'file') return seen;
      const { stamp, place } = opened;
      const unfit: ContentSource = { location, stamp, place };
      return closing(opened, storage, () => {
        if (isOlder(stamp, source.stamp)) return unfit;
        return orElse<FileState | ContentSource>(
          () => whenReady(readState(opened, storage), (state) => (state.isWhole ? state : unknown(unfit))),
          (error) => {
            throwOurs(error);
            return unknown(unfit);
          },
        );
      });
    });
  });
}

function unknown(source: ContentSource): ContentSource {
  return { ...source, stamp: { ...source.stamp, ino: -1 } };
}

function isOlder(sibling: Stamp, source: Stamp): boolean {
  return sibling.mtimeMs < source.mtimeMs;
}
