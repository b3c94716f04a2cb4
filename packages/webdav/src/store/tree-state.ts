// One text for the state of a whole tree, to see whether anything in it was changed meanwhile.

import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OWN_PREFIX } from '@onezero/static/tree';
import { FOLDER, unlessGone } from './folder.ts';

/** The state of all that is below a path. Of our own folders only the records of properties count: the others come and go. */
export async function treeState(path: string): Promise<string> {
  const lines: string[] = [];
  const directories = [''];
  for (let below = directories.pop(); below !== undefined; below = directories.pop()) {
    const names = (await unlessGone(readdir(join(path, below)))) ?? [];
    const entries = names.filter((name) => (below.endsWith(FOLDER) ? name.endsWith('.json') : isOfVisitors(name)));
    for (let from = 0; from < entries.length; from += AT_ONCE) {
      const looks = entries.slice(from, from + AT_ONCE).map(async (name) => {
        const inner = join(below, name);
        const stats = await unlessGone(lstat(join(path, inner)));
        if (stats?.isDirectory() === true) directories.push(inner);
        if (name !== FOLDER) lines.push(`${inner}\0${stateOf(stats)}`);
      });
      await Promise.all(looks);
    }
  }
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('base64');
}

const AT_ONCE = 256;

function isOfVisitors(name: string): boolean {
  return name === FOLDER || !name.startsWith(OWN_PREFIX);
}

/** The times of a directory say no more than the names in it. */
function stateOf(stats: Stats | undefined): string {
  if (stats === undefined) return '';
  const { ino, size, mtimeMs, ctimeMs } = stats;
  return (stats.isDirectory() ? [ino] : [ino, size, mtimeMs, ctimeMs]).join(' ');
}
