// What a path leads to now: the directory that it lies in, held open, and the state of what is there.

import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type SiteTree, type TreeFolder, WriteRefused } from '@onezero/static/tree';
import { refusal, refused } from '../refusals.ts';
import { unlessGone } from './folder.ts';
import { isBelow, lockPath } from './locks.ts';
import type { Subject } from './records.ts';

export interface Place {
  readonly segments: readonly string[];
  /** The path as locks have it. */
  readonly path: string;
  /** Whether it was asked for with a slash at its end. */
  readonly hasSlash: boolean;
  readonly name: string;
  /** Where it lies; undefined for the root, and where no directory is. */
  readonly parent: TreeFolder | undefined;
  /** What is there for those who ask: a file or a directory, links followed. */
  readonly stats: Stats | undefined;
  /** What there is, be it visible or not: a link as such. */
  readonly entry: Stats | undefined;
  close(): Promise<void>;
}

/** A place at which something is. */
export interface Found extends Place {
  readonly stats: Stats;
}

/** Looks at a path. Throws a refusal with 400 or 404 for one that names nothing. */
export async function lookAt(tree: SiteTree, pathInfo: string): Promise<Place> {
  const located = tree.locate(pathInfo);
  if (located === 400 || located === 404) throw new WriteRefused(refusal(located));
  const { segments, isDirectory } = located;
  const name = segments.at(-1);
  const common = { segments, path: lockPath(segments), hasSlash: isDirectory || name === undefined };
  if (name === undefined) {
    const stats = await stat(tree.root);
    return { ...common, name: '', parent: undefined, stats, entry: stats, close: async () => {} };
  }
  const parent = await unlessGone(tree.open(segments.slice(0, -1)));
  if (parent === undefined)
    return { ...common, name, parent, stats: undefined, entry: undefined, close: async () => {} };
  try {
    const states = await statesOf(tree, parent, name);
    return { ...common, name, parent, ...states, close: () => parent.close() };
  } catch (error) {
    await parent.close();
    throw error;
  }
}

/** What a name stands for, and what there is. What comes or goes between the two looks is not taken for hidden. */
async function statesOf(
  tree: SiteTree,
  parent: TreeFolder,
  name: string,
): Promise<{ readonly stats: Stats | undefined; readonly entry: Stats | undefined }> {
  const entry = await tree.entry(parent, name);
  if (entry === undefined) return { stats: undefined, entry };
  const stats = await tree.look(parent, name);
  if (stats === undefined && (await tree.entry(parent, name))?.ino !== entry.ino) return statesOf(tree, parent, name);
  return { stats, entry };
}

/** Looks at a path, does something, and lets go of its directory. */
export async function withPlace<Value>(
  tree: SiteTree,
  pathInfo: string,
  action: (place: Place) => Promise<Value>,
): Promise<Value> {
  const place = await lookAt(tree, pathInfo);
  try {
    return await action(place);
  } finally {
    await place.close();
  }
}

/** The place, if something is there. Throws a refusal with 404. */
export function found(place: Place): Found {
  const { stats, hasSlash } = place;
  // A file has no members, and none of no name.
  if (stats === undefined || (hasSlash && !stats.isDirectory())) throw new WriteRefused(refusal(404));
  return place as Found;
}

/** The directory that something can be put into. Throws a refusal: 409 where there is none, 403 for what is there and not shown. */
export function parentOf({ parent, stats, entry, segments }: Place): TreeFolder {
  if (parent === undefined) throw refused(segments.length === 0 ? 403 : 409, 'the parent collection is missing');
  if (stats === undefined && entry !== undefined)
    throw refused(403, 'the path is of a file that is hidden from requests');
  return parent;
}

/** The same for something that is about to get its name there. Throws a refusal with 404 for a name that is a secret's or a program's. */
export async function roomFor(tree: SiteTree, place: Place): Promise<TreeFolder> {
  const parent = parentOf(place);
  if (await tree.conceals(parent, place.name))
    throw new WriteRefused(refusal(404, new Error('the name is kept for files of the server')));
  return parent;
}

/** Throws a refusal with 403 where one end of a COPY or MOVE is the other, or lies in it: by its names, or by where these lead. */
export async function refuseRelated(source: Found, target: Place, takesMembers: boolean): Promise<void> {
  const [from, to = ''] = [placeOf(source), placeOf(target)];
  if (source.path === target.path || from === to) throw refused(403, 'Destination is the source itself');
  const isInSource = isBelow(target.path, source.path) || (from !== undefined && isBelow(to, from));
  if (isInSource && source.stats.isDirectory() && takesMembers) throw refused(403, 'Destination lies in the source');
  if (target.stats === undefined) return;
  // Of a link to what is replaced, or to something in it, the name alone would be left.
  const isLink = source.entry?.isSymbolicLink() === true;
  const goal = isLink ? await realpath(join(parentOf(source).path, source.name)) : from;
  if (isBelow(source.path, target.path) || (goal !== undefined && (goal === to || isBelow(goal, to))))
    throw refused(403, 'the source lies in Destination, which would be replaced');
}

/** Where an entry is, without links on the way to it. */
function placeOf({ parent, name }: Place): string | undefined {
  return parent && join(parent.place, name);
}

/** The place as its properties are kept. */
export function subjectOf({ parent, name, stats }: Found, tree: SiteTree): Subject {
  return { directory: parent?.path ?? tree.root, name, stats };
}
