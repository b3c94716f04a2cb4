// Which representation of a file a client gets: the file, a precompressed sibling, or a coding made here.

import { acceptedCodings, type Coding } from '../http/content-coding.ts';
import type { Settings } from '../options/settings.ts';
import { isRoomForEncoder, makeCoding } from './coded-content.ts';
import { type FileEntry, representationBytes } from './entry.ts';
import type { Eventually } from './eventually.ts';
import type { Representation } from './representation.ts';

/** Distinct Accept-Encoding values remembered per file. Browsers send a handful; a client that invents more pays itself. */
const MAX_CHOICES = 16;

/** Called with the bytes that a representation added to an entry. */
export type OnGrown = (path: string, entry: FileEntry, bytes: number) => void;

/** The best representation for an Accept-Encoding value; the file itself while too much is being coded. */
export function chooseRepresentation(
  entry: FileEntry,
  acceptEncoding: string,
  settings: Settings,
  grown: (bytes: number) => void,
): Eventually<Representation> {
  const known = entry.chosen?.get(acceptEncoding);
  if (known !== undefined) return known.length === undefined && !isRoomForEncoder() ? entry.identity : known;
  const stored = entry.stored.map(({ coding }) => coding).filter((coding) => coding !== undefined);
  const available = [...stored, ...entry.codings.filter((coding) => !stored.includes(coding))];
  const coding = acceptedCodings(acceptEncoding, available)[0];
  if (coding === undefined) return choose(entry, acceptEncoding, entry.identity);
  const sibling = entry.stored.find((one) => one.coding === coding);
  if (sibling !== undefined) return choose(entry, acceptEncoding, sibling);
  const made = entry.made?.get(coding) ?? begin(entry, coding, settings, grown);
  return made instanceof Promise || made === undefined ? (made ?? entry.identity) : choose(entry, acceptEncoding, made);
}

function choose(entry: FileEntry, acceptEncoding: string, representation: Representation): Representation {
  entry.chosen ??= new Map();
  if (entry.chosen.size < MAX_CHOICES) entry.chosen.set(acceptEncoding, representation);
  return representation;
}

function begin(
  entry: FileEntry,
  coding: Coding,
  settings: Settings,
  grown: (bytes: number) => void,
): Eventually<Representation> | undefined {
  const making = makeCoding(entry, coding, settings);
  if (making === undefined) return undefined;
  const made = (entry.made ??= new Map<Coding, Eventually<Representation>>());
  const keep = (representation: Representation): Representation => {
    made.set(coding, representation);
    if (representation !== entry.identity) grown(representationBytes(representation));
    return representation;
  };
  if (!(making instanceof Promise)) return keep(making);
  const kept = making.then(keep, (error: unknown) => {
    made.delete(coding);
    throw error;
  });
  made.set(coding, kept);
  return kept;
}
