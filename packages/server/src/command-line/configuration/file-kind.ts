// What stands at a path that somebody wrote: it may be missing, lie below a file, run in a circle of links, be too long, or out of reach.

import { type Stats, statSync } from 'node:fs';
import { unlessRefused } from '../../paths.ts';

/** What a path is, links followed; undefined when it is not there or out of reach. */
export function kindOf(path: string): 'file' | 'directory' | 'other' | undefined {
  const found = statOf(path);
  if (found === undefined) return undefined;
  return found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
}

/** The same in detail. */
export function statOf(path: string): Stats | undefined {
  return unlessRefused(() => statSync(path, { throwIfNoEntry: false }));
}
