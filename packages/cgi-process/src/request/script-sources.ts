// Which files are the sources of a mount's scripts: servers of files must not send them, whatever name led there.

import { resolve } from 'node:path';
import type { CgiOptions } from '../options.ts';
import { isAtOrBelow, placeOf } from './place.ts';
import { sourceNames } from './source-names.ts';

export interface ScriptSources {
  /** Whether a file is one. `asked` is the path that led there, where links may have led out of the root. */
  readonly isSource: (file: string, asked?: string) => boolean;
  readonly sources: readonly string[];
}

/** The sources of a mount, whose directory, root or script exists. */
export function scriptSources(options: CgiOptions): ScriptSources {
  if ('extensions' in options) {
    const isInside = insideTest(options.root);
    const isRun = sourceNames(Object.keys(options.extensions));
    return { sources: [], isSource: (file, asked = file) => isRun(file) && (isInside(file) || isInside(asked)) };
  }
  const path = 'directory' in options ? options.directory : options.script;
  return { sources: [resolve(path)], isSource: insideTest(path) };
}

/** By the path itself, and by where it leads now. */
function insideTest(path: string): (file: string) => boolean {
  const named = resolve(path);
  const place = placeOf(path);
  return (file) => isAtOrBelow(file, named) || isAtOrBelow(file, place());
}
