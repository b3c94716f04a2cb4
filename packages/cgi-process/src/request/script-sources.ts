// Which files are the sources of a mount's scripts: servers of files must not send them, whatever name led there.

import { realpathSync } from 'node:fs';
import { extname, resolve, sep } from 'node:path';
import type { CgiOptions } from '../options.ts';

export interface ScriptSources {
  readonly isSource: (file: string) => boolean;
  readonly sources: readonly string[];
}

/** The sources of a mount, whose directory, root or script exists. */
export function scriptSources(options: CgiOptions): ScriptSources {
  const places = (path: string): readonly string[] => [resolve(path), realpathSync(resolve(path))];
  if ('extensions' in options) {
    const roots = places(options.root);
    const extensions = new Set(Object.keys(options.extensions).map((extension) => extension.toLowerCase()));
    const isRun = (file: string): boolean => extensions.has(extname(file).toLowerCase());
    return { sources: [], isSource: (file) => isRun(file) && roots.some((root) => isAtOrBelow(file, root)) };
  }
  const path = 'directory' in options ? options.directory : options.script;
  const covered = places(path);
  return { sources: [resolve(path)], isSource: (file) => covered.some((place) => isAtOrBelow(file, place)) };
}

function isAtOrBelow(file: string, place: string): boolean {
  return file === place || file.startsWith(place.endsWith(sep) ? place : place + sep);
}
