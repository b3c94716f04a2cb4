// From names to an entry: the file itself, the index file of a directory, a file that a clean URL means, or nothing.
//
// A directory that was looked at in this turn vouches for what is absent in it, so most missing names cost no call at all.

import type { DirectoryView } from './directories.ts';
import type { Entry, MissingEntry } from './entry.ts';
import { type Eventually, whenReady } from './eventually.ts';
import { locationOf, type NotFound, openFile, openLocation, type OpenFile, type Outcome } from './open-file.ts';
import { isVisible, type SitePath } from './path.ts';
import { closing } from './file-state.ts';
import { readFileEntry, readKnownEntry } from './read-file.ts';
import { NOT_FOUND, refusal } from '../refusals.ts';
import type { Storage } from './storage.ts';

/** Nothing is there, or a policy hides it. */
export const MISSING: MissingEntry = { kind: 'missing', response: NOT_FOUND };

const NO_EARLIER: readonly string[] = [];

/** Looks a permitted path up. Rejects or throws when reading fails. */
export function findEntry(path: SitePath, storage: Storage): Eventually<Entry> {
  const { onlyFile } = storage.settings;
  if (onlyFile !== undefined) return findOnlyFile(path, onlyFile, storage);
  const { segments, isDirectory } = path;
  return isDirectory ? findDirectory(segments, storage) : findNamed(segments, storage);
}

/** With one file for a root, `/` and the file's own name are all there is. */
function findOnlyFile({ segments, isDirectory }: SitePath, name: string, storage: Storage): Eventually<Entry> {
  const isIt = segments.length === 0 || (segments.length === 1 && segments[0] === name && !isDirectory);
  return isIt ? findNamed([name], storage) : MISSING;
}

/** A path without a slash at its end: a file, a directory that wants the slash, or a clean URL. */
function findNamed(segments: readonly string[], storage: Storage): Eventually<Entry> {
  const location = locationOf(storage.settings.root, segments);
  return whenReady(readKnownEntry(location, segments, storage), (known) => {
    if (known !== undefined) return known;
    if (!storage.directories.expects(location)) return findUnexpected(segments, storage);
    return whenReady(openLocation(location, storage), (found) =>
      found.kind === 'file'
        ? readAndClose(found, segments, NO_EARLIER, storage)
        : findUnexpected(segments, storage, found),
    );
  });
}

/** The same for what is not, or not known to be, a file: its directory has a say. `opened` is what opening the path gave, if it was. */
function findUnexpected(
  segments: readonly string[],
  storage: Storage,
  opened?: Exclude<Outcome, OpenFile>,
): Eventually<Entry> {
  return whenReady(lookAt(segments.slice(0, -1), storage), (directory) => {
    if (directory === 'absent') return MISSING;
    const opening = opened === undefined ? open(segments, directory, storage) : noted(opened, directory, storage);
    return whenReady(opening, (found) => {
      if (found.kind === 'file') return readAndClose(found, segments, NO_EARLIER, storage);
      if (found.kind === 'directory') return findBesideDirectory(segments, directory, storage);
      if (found.status !== 404) return missing(found);
      return whenReady(findCleanUrl(segments, directory, storage), (entry) => entry ?? MISSING);
    });
  });
}

/** A directory asked for without its slash leads to its index file, gives way to a page of its name, or is listed. */
function findBesideDirectory(
  segments: readonly string[],
  parent: DirectoryView | undefined,
  storage: Storage,
): Eventually<Entry> {
  const entry: Entry = { kind: 'directory', segments, isAskedAsDirectory: false };
  return whenReady(lookAt(segments, storage), (directory) => {
    const index = directory === 'absent' ? undefined : openFirst(indexOf(segments, storage), directory, storage);
    return whenReady(index, (first) => {
      if (first?.kind === 'file') storage.disk.close(first.file.descriptor);
      if (first !== undefined) return entry;
      return whenReady(findCleanUrl(segments, parent, storage), (page) => {
        return page ?? (storage.settings.listing === undefined ? MISSING : entry);
      });
    });
  });
}

/** A path with a slash at its end: the index file, or the directory for a listing. */
function findDirectory(segments: readonly string[], storage: Storage): Eventually<Entry> {
  const [first] = indexOf(segments, storage);
  if (first === undefined) return findInDirectory(segments, storage);
  const known = readKnownEntry(locationOf(storage.settings.root, first), first, storage);
  return whenReady(known, (entry) => entry ?? findInDirectory(segments, storage));
}

function findInDirectory(segments: readonly string[], storage: Storage): Eventually<Entry> {
  return whenReady(lookAt(segments, storage), (directory) => {
    if (directory === 'absent') return MISSING;
    return whenReady(openFirst(indexOf(segments, storage), directory, storage), (index) => {
      if (index?.kind === 'file') return readAndClose(index.file, index.segments, index.earlier, storage);
      if (index?.kind === 'refused') return missing(index.refused);
      return whenReady(openFile(segments, storage), (found) => {
        if (found.kind === 'refused') return missing(found);
        if (found.kind === 'file') storage.disk.close(found.descriptor);
        if (found.kind === 'file' || storage.settings.listing === undefined) return MISSING;
        return { kind: 'directory', segments, isAskedAsDirectory: true };
      });
    });
  });
}

/** A page under its name without extension. */
function findCleanUrl(
  segments: readonly string[],
  directory: DirectoryView | undefined,
  storage: Storage,
): Eventually<Entry | undefined> {
  const { cleanUrls, extensions, onlyFile } = storage.settings;
  const name = segments.at(-1);
  if (cleanUrls === 'off' || name === undefined || onlyFile !== undefined) return undefined;
  const candidates = extensions.map((extension) => [...segments.slice(0, -1), `${name}.${extension}`]);
  return whenReady(openFirst(candidates, directory, storage), (first) => {
    if (first?.kind !== 'file') return undefined;
    const earlier = [locationOf(storage.settings.root, segments), ...first.earlier];
    return readAndClose(first.file, first.segments, earlier, storage);
  });
}

function indexOf(segments: readonly string[], { settings }: Storage): readonly (readonly string[])[] {
  return settings.index.map((name) => [...segments, name]);
}

type First =
  | {
      readonly kind: 'file';
      readonly file: OpenFile;
      readonly segments: readonly string[];
      /** Locations of the candidates before it, which are absent. */
      readonly earlier: readonly string[];
    }
  | { readonly kind: 'refused'; readonly refused: NotFound };

/** The first candidate that is a file, or that exists and cannot be read. Hidden ones do not exist. */
function openFirst(
  candidates: readonly (readonly string[])[],
  directory: DirectoryView | undefined,
  storage: Storage,
  earlier: readonly string[] = [],
): Eventually<First | undefined> {
  const [segments, ...others] = candidates;
  if (segments === undefined) return undefined;
  if (!isVisible(segments, storage.settings)) return openFirst(others, directory, storage, earlier);
  return whenReady(open(segments, directory, storage), (found) => {
    if (found.kind === 'file') return { kind: 'file', file: found, segments, earlier };
    if (found.kind === 'refused' && found.status !== 404) return { kind: 'refused', refused: found };
    return openFirst(others, directory, storage, [...earlier, locationOf(storage.settings.root, segments)]);
  });
}

/** Opens a path unless its directory is known to lack it. */
function open(segments: readonly string[], directory: DirectoryView | undefined, storage: Storage) {
  const name = segments.at(-1);
  const location = locationOf(storage.settings.root, segments);
  if (directory !== undefined && name !== undefined && storage.directories.lacks(directory, name)) {
    return { kind: 'refused', status: 404, location, isAbsent: true } as const;
  }
  return whenReady(openFile(segments, storage), (found) => noted(found, directory, storage));
}

function noted<Found extends Outcome>(found: Found, directory: DirectoryView | undefined, storage: Storage): Found {
  if (found.kind === 'refused' && found.isAbsent && directory !== undefined) storage.directories.probed(directory);
  return found;
}

/** The view of a directory; undefined when the system does not say, so that opening the path must show why. */
function lookAt(segments: readonly string[], storage: Storage): Eventually<DirectoryView | 'absent' | undefined> {
  return whenReady(storage.directories.look(locationOf(storage.settings.root, segments)), (view) => {
    if (view === undefined) return 'absent';
    return view instanceof Error ? undefined : view;
  });
}

function readAndClose(
  file: OpenFile,
  segments: readonly string[],
  earlier: readonly string[],
  storage: Storage,
): Eventually<Entry> {
  return closing(file, storage, () => readFileEntry(file, segments, earlier, storage));
}

function missing({ status, cause }: NotFound): MissingEntry {
  return status === 404 ? MISSING : { kind: 'missing', response: refusal(status, cause) };
}
