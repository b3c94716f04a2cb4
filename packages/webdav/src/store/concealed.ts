// Whether a tree holds what no request may see: then no request may remove or move it with all that is in it.

import { opendir } from 'node:fs/promises';
import type { SiteTree, TreeFolder } from '@onezero/static/tree';
import { OWN_PREFIX } from '@onezero/static/tree';
import { join } from 'node:path';
import { ignoreAbsent } from './folder.ts';

/**
 * The path of something in a directory that is hidden, or undefined. Links are entries like others; what they lead to stays. What is
 * moved or removed meanwhile hides nothing: whoever has the turn looks whether it is still there.
 */
export async function concealedIn(tree: SiteTree, segments: readonly string[]): Promise<string | undefined> {
  try {
    const folder = await tree.open(segments);
    if (folder === undefined) return segments.join('/');
    try {
      return await concealedInFolder(tree, folder);
    } finally {
      await folder.close();
    }
  } catch (error) {
    ignoreAbsent(error);
    return undefined;
  }
}

async function concealedInFolder(tree: SiteTree, folder: TreeFolder): Promise<string | undefined> {
  const { segments } = folder;
  for await (const { name, isDirectory, isFile } of entriesOf(folder)) {
    if (name.startsWith(OWN_PREFIX)) continue;
    const path = [...segments, name];
    if (typeof tree.locate(`/${path.join('/')}`) === 'number') return path.join('/');
    const needsLook = isDirectory || (isFile && tree.hasSecrets);
    const isSeen = !needsLook || (await tree.look(folder, name)) !== undefined;
    if (!isSeen) return path.join('/');
    const below = isDirectory ? await concealedIn(tree, path) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}

async function* entriesOf(folder: TreeFolder) {
  for await (const entry of await opendir(join(folder.path, '/'), { bufferSize: 256 })) {
    yield { name: entry.name, isDirectory: entry.isDirectory(), isFile: entry.isFile() };
  }
}
