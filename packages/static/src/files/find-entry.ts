// From names to an entry: the file itself, the index file of a directory, a file that a clean URL means, or nothing.

import type { Entry, MissingEntry } from './entry.ts';
import { closeDescriptor, type FoundDirectory, type NotFound, openFile, type OpenFile } from './open-file.ts';
import { isVisible, type SitePath } from './path.ts';
import { readFileEntry } from './read-file.ts';
import { NOT_FOUND, refusal } from '../refusals.ts';
import type { Settings } from '../options/settings.ts';

const NOTHING: MissingEntry = {
  kind: 'missing',
  response: NOT_FOUND,
  absentLocation: undefined,
  hasAlternatives: false,
};

/** Looks a permitted path up. */
export async function findEntry(path: SitePath, settings: Settings): Promise<Entry> {
  if (settings.onlyFile !== undefined) return findOnlyFile(path, settings.onlyFile, settings);
  const { segments, isDirectory } = path;
  const found = await openFile(segments, settings);
  if (found.kind === 'file') {
    if (!isDirectory) return readFileEntry(found, segments, settings, false);
    closeDescriptor(found.descriptor);
    return NOTHING;
  }
  if (found.kind === 'directory' && isDirectory) return findIndex(segments, settings);
  if (found.kind === 'directory' && (await hasPage(segments, settings))) {
    return { kind: 'directory', segments, isAskedAsDirectory: false };
  }
  const clean = isDirectory ? undefined : await openCleanUrl(segments, settings);
  if (clean !== undefined) return readFileEntry(clean.file, clean.segments, settings, true);
  return found.kind === 'directory' ? NOTHING : missing(found, settings);
}

/** With one file for a root, `/` and the file's own name are all there is. */
async function findOnlyFile({ segments, isDirectory }: SitePath, name: string, settings: Settings): Promise<Entry> {
  const isIt = segments.length === 0 || (segments.length === 1 && segments[0] === name && !isDirectory);
  if (!isIt) return NOTHING;
  const found = await openFile([name], settings);
  if (found.kind === 'file') return readFileEntry(found, [name], settings, false);
  return found.kind === 'directory' ? NOTHING : missing(found, settings);
}

async function findIndex(segments: readonly string[], settings: Settings): Promise<Entry> {
  const index = await openFirst(
    settings.index.map((name) => [...segments, name]),
    settings,
  );
  if (index?.kind === 'file') {
    const isFirst = index.segments.at(-1) === settings.index[0];
    return readFileEntry(index.file, index.segments, settings, !isFirst);
  }
  if (index?.kind === 'refused') return missing(index.refused, settings);
  return settings.listing === undefined ? NOTHING : { kind: 'directory', segments, isAskedAsDirectory: true };
}

/** Whether a directory answers with something, so that adding its slash leads somewhere. */
async function hasPage(segments: readonly string[], settings: Settings): Promise<boolean> {
  if (settings.listing !== undefined) return true;
  const index = await openFirst(
    settings.index.map((name) => [...segments, name]),
    settings,
  );
  if (index?.kind === 'file') closeDescriptor(index.file.descriptor);
  return index !== undefined;
}

async function openCleanUrl(segments: readonly string[], settings: Settings) {
  const name = segments.at(-1);
  if (settings.cleanUrls === 'off' || name === undefined) return undefined;
  const candidates = settings.extensions.map((extension) => [...segments.slice(0, -1), `${name}.${extension}`]);
  const first = await openFirst(candidates, settings);
  return first?.kind === 'file' ? first : undefined;
}

/** The first candidate that is a file, or that exists and cannot be read. Hidden ones do not exist. */
async function openFirst(candidates: readonly (readonly string[])[], settings: Settings) {
  for (const segments of candidates) {
    if (!isVisible(segments, settings)) continue;
    const found: OpenFile | FoundDirectory | NotFound = await openFile(segments, settings);
    if (found.kind === 'file') return { kind: 'file', file: found, segments } as const;
    if (found.kind === 'refused' && found.status !== 404) return { kind: 'refused', refused: found } as const;
  }
  return undefined;
}

function missing({ status, cause, isAbsent, location }: NotFound, settings: Settings): MissingEntry {
  return {
    kind: 'missing',
    response: status === 404 ? NOT_FOUND : refusal(status, cause),
    absentLocation: isAbsent ? location : undefined,
    hasAlternatives: settings.cleanUrls !== 'off',
  };
}
