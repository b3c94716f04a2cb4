// Which files are the sources of a mount's scripts: servers of files must not send them, whatever name led there.

import { realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { CgiOptions } from '../options.ts';
import { sourceNames } from './source-names.ts';

export interface ScriptSources {
  /** Whether a file is one. `asked` is the path that led there, where links may have led out of the root. */
  readonly isSource: (file: string, asked?: string) => boolean;
  readonly sources: readonly string[];
}

/** The sources of a mount, whose directory, root or script exists. */
export function scriptSources(options: CgiOptions): ScriptSources {
  const places = (path: string): readonly string[] => [resolve(path), realpathSync(resolve(path))];
  if ('extensions' in options) {
    const roots = places(options.root);
    const isRun = sourceNames(Object.keys(options.extensions));
    const isInside = (file: string): boolean => roots.some((root) => isAtOrBelow(file, root));
    return { sources: [], isSource: (file, asked = file) => isRun(file) && (isInside(file) || isInside(asked)) };
  }
  const path = 'directory' in options ? options.directory : options.script;
  const covered = places(path);
  return { sources: [resolve(path)], isSource: (file) => covered.some((place) => isAtOrBelow(file, place)) };
}

function isAtOrBelow(file: string, place: string): boolean {
  return file === place || file.startsWith(place.endsWith(sep) ? place : place + sep);
}
