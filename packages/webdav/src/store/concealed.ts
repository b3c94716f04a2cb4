// Whether a tree holds what no request may see: then no request may remove or move it with all that is in it. And whether it can be
// removed at all: what cannot go whole stays whole.

import { constants } from 'node:fs';
import { access, lstat, opendir, readFile, stat } from 'node:fs/promises';
import type { SiteTree, TreeFolder } from '@onezero/static/tree';
import { OWN_PREFIX } from '@onezero/static/tree';
import { join } from 'node:path';
import { codeOf, ignoreAbsent } from './folder.ts';
import { PASSING } from './staging.ts';

/**
 * Why a directory of a device cannot be moved, or removed, with all that is in it; undefined where it can. Links are entries like others; what they
 * lead to stays. What is moved or removed meanwhile is in nobody's way: whoever has the turn looks whether it is still there.
 */
export async function obstacleIn(
  tree: SiteTree,
  segments: readonly string[],
  fate: 'moved' | 'removed',
  device: number,
  coming?: Coming,
  seen?: Seen,
): Promise<string | undefined> {
  try {
    const folder = await tree.open(segments);
    if (folder === undefined) return hidden(segments);
    try {
      await seen?.note(folder);
      return await obstacleInFolder(tree, folder, { fate, device, coming, seen });
    } finally {
      await folder.close();
    }
  } catch (error) {
    ignoreAbsent(error);
    return undefined;
  }
}

/** A directory that changed so little ago may change once more without another time of change. */
const RESTED_MS = 2_100;

/** The directories of a tree as they were when it was looked through. */
export class Seen {
  readonly #changedAtMs = new Map<string, number>();

  async note({ path, place }: TreeFolder): Promise<void> {
    const { ctimeMs } = await stat(path);
    this.#changedAtMs.set(place, Date.now() - ctimeMs > RESTED_MS ? ctimeMs : Number.NaN);
  }

  /** Whether no name can have come to them since. */
  async isStill(): Promise<boolean> {
    for (const [place, changedAtMs] of this.#changedAtMs) {
      const now = await lstat(place).catch(() => undefined);
      if (now?.ctimeMs !== changedAtMs) return false;
    }
    return true;
  }
}

/** Where something is mounted in a directory, be it of the same file system, or a single file; undefined where nothing is. */
export async function mountBelow(place: string): Promise<string | undefined> {
  const list = await readFile('/proc/self/mountinfo', 'utf8').catch((error: unknown) => {
    // Where the kernel has no such list, other file systems are known by their device; what cannot be read just now may hold anything.
    if (PASSING.includes(codeOf(error))) throw error;
    return '';
  });
  const places = list.split('\n').map((line) => line.split(' ')[4] ?? '');
  const below = places.find((one) => unescaped(one).startsWith(`${place}/`));
  return below === undefined ? undefined : unescaped(below);
}

/** Blanks and backslashes are written as three octal digits. */
function unescaped(text: string): string {
  return text.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Where a tree comes to: the directory that it will lie in, its name there, and how many names lead to where it lies now. */
export interface Coming {
  readonly parent: TreeFolder;
  readonly name: string;
  readonly depth: number;
}

/** Why what is in a tree must not come there: no request could name it any more, or it would be a secret, or be run. */
export async function hiddenThere(
  tree: SiteTree,
  path: readonly string[],
  { parent, name, depth }: Coming,
): Promise<string | undefined> {
  const way = [name, ...path.slice(depth)];
  const segments = [...parent.segments, ...way];
  const folder = { ...parent, segments: segments.slice(0, -1), place: join(parent.place, ...way.slice(0, -1)) };
  const isHidden = typeof tree.locate(`/${segments.join('/')}`) === 'number';
  if (!isHidden && !(await tree.conceals(folder, segments.at(-1) ?? ''))) return undefined;
  return `${path.join('/')} would be hidden where it comes to`;
}

/** What Node reads where a name is not UTF-8: nothing has the name that comes out, so no request can ask for it. */
const UNREADABLE = '\ufffd';

const hidden = (path: readonly string[]): string => `${path.join('/')} is hidden, and would go with its collection`;

async function obstacleInFolder(
  tree: SiteTree,
  folder: TreeFolder,
  {
    fate,
    device,
    coming,
    seen,
  }: {
    readonly fate: 'moved' | 'removed';
    readonly device: number;
    readonly coming: Coming | undefined;
    readonly seen: Seen | undefined;
  },
): Promise<string | undefined> {
  const { segments } = folder;
  let mayRemove = fate === 'moved' ? anything : undefined;
  for await (const { name, isDirectory, isFile } of entriesOf(folder)) {
    mayRemove ??= await removalFrom(folder);
    if (!(await mayRemove(tree, name))) return `${name} cannot be removed from ${segments.join('/')}`;
    if (name.startsWith(OWN_PREFIX)) continue;
    const path = [...segments, name];
    if (name.includes(UNREADABLE) && (await tree.entry(folder, name)) === undefined) return hidden(path);
    if (typeof tree.locate(`/${path.join('/')}`) === 'number') return hidden(path);
    const there = coming && (await hiddenThere(tree, path, coming));
    if (there !== undefined) return there;
    const needsLook = isDirectory || (isFile && tree.hasSecrets);
    const stats = needsLook ? await tree.look(folder, name) : undefined;
    if (needsLook && stats === undefined) return hidden(path);
    if (!isDirectory) continue;
    if (fate === 'removed' && stats?.dev !== device) return `${path.join('/')} is another file system, which stays`;
    const below = await obstacleIn(tree, path, fate, device, coming, seen);
    if (below !== undefined) return below;
  }
  return undefined;
}

type MayRemove = (tree: SiteTree, name: string) => boolean | Promise<boolean>;

const anything: MayRemove = () => true;
const nothing: MayRemove = () => false;

const STICKY = 0o1000;

/** What can be removed from a directory: in a sticky one of somebody else only what is one's own. */
async function removalFrom(folder: TreeFolder): Promise<MayRemove> {
  try {
    const path = join(folder.path, '/');
    await access(path, constants.W_OK | constants.X_OK);
    const user = process.geteuid?.() ?? 0;
    const { mode, uid } = await stat(path);
    if ((mode & STICKY) === 0 || user === 0 || uid === user) return anything;
    // What is gone by now is in nobody's way.
    return async (tree, name) => ((await tree.entry(folder, name))?.uid ?? user) === user;
  } catch (error) {
    if (codeOf(error) === 'EACCES' || codeOf(error) === 'EROFS') return nothing;
    throw error;
  }
}

async function* entriesOf(folder: TreeFolder) {
  for await (const entry of await opendir(join(folder.path, '/'), { bufferSize: 256 })) {
    yield { name: entry.name, isDirectory: entry.isDirectory(), isFile: entry.isFile() };
  }
}
