// Which representation of a file a client gets: the file, a precompressed sibling, or a coding made here.

import { bestCoding, type Coding } from '../http/content-coding.ts';
import { isRoomForEncoder, makeCoding } from './coded-content.ts';
import { type FileEntry, type MadeCoding, representationBytes } from './entry.ts';
import type { Eventually } from './eventually.ts';
import type { Representation } from './representation.ts';
import type { Storage } from './storage.ts';

/** Distinct Accept-Encoding values remembered per file. Browsers send a handful; a client that invents more pays itself. */
const MAX_CHOICES = 16;

/** What answering needs besides the entry and the request. */
export interface AnswerContext {
  readonly storage: Storage;
  /** Called with the bytes that a representation added to the entry of a path. */
  readonly onGrown: (path: string, entry: FileEntry, bytes: number) => void;
}

/** The best representation for an Accept-Encoding value; the file itself while too much is being coded. */
export function chooseRepresentation(
  entry: FileEntry,
  acceptEncoding: string,
  path: string,
  context: AnswerContext,
): Eventually<Representation> {
  const known = entry.chosen?.find((choice) => choice.acceptEncoding === acceptEncoding)?.representation;
  if (known !== undefined) return known.length === undefined && !isRoomForEncoder() ? entry.identity : known;
  const coding = bestCoding(acceptEncoding, availableIn(entry));
  if (coding === undefined) return choose(entry, acceptEncoding, entry.identity);
  const sibling = entry.stored.find((one) => one.coding === coding);
  if (sibling !== undefined) return choose(entry, acceptEncoding, sibling);
  const made = entry.made?.find((one) => one.coding === coding)?.representation ?? begin(entry, coding, path, context);
  return made instanceof Promise || made === undefined ? (made ?? entry.identity) : choose(entry, acceptEncoding, made);
}

/** The codings that a file is there in, and those it may be made in. */
function availableIn({ stored, codings }: FileEntry): readonly Coding[] {
  if (stored.length === 0) return codings;
  const there = stored.map(({ coding }) => coding).filter((coding) => coding !== undefined);
  return [...there, ...codings.filter((coding) => !there.includes(coding))];
}

function choose(entry: FileEntry, acceptEncoding: string, representation: Representation): Representation {
  entry.chosen ??= [];
  if (entry.chosen.length < MAX_CHOICES) entry.chosen.push({ acceptEncoding, representation });
  return representation;
}

function begin(
  entry: FileEntry,
  coding: Coding,
  path: string,
  { storage, onGrown }: AnswerContext,
): Eventually<Representation> | undefined {
  const making = makeCoding(entry, coding, storage);
  if (making === undefined) return undefined;
  const one: MadeCoding = { coding, representation: making };
  (entry.made ??= []).push(one);
  const keep = (representation: Representation): Representation => {
    one.representation = representation;
    if (representation !== entry.identity) onGrown(path, entry, representationBytes(representation));
    return representation;
  };
  if (!(making instanceof Promise)) return keep(making);
  const kept = making.then(keep, (error: unknown) => {
    entry.made = entry.made?.filter((other) => other !== one);
    throw error;
  });
  one.representation = kept;
  return kept;
}
