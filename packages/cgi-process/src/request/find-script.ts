// From a path to the script that answers it, and what is left of the path as PATH_INFO.
//
// The walk goes down segment by segment and stops at the first thing that is no directory. A segment that begins with a dot
// is never entered, symbolic links must stay inside unless told otherwise, and whatever is not a script is refused before
// anything is started, so its source can never be the answer. The looks are synchronous: they take microseconds, and the
// run that follows takes a thousand times that.

import { realpathSync, statSync, lstatSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { basename, delimiter, dirname, extname, join, resolve, sep } from 'node:path';
import { CgiError } from '../cgi-error.ts';
import type { CgiOptions } from '../cgi-options.ts';

/** A script and how the path led to it. */
export interface FoundScript {
  readonly kind: 'script';
  readonly file: string;
  readonly interpreter: string | undefined;
  /** The part of the path that names the script, to be put after the mount's. */
  readonly scriptName: string;
  readonly pathInfo: string;
}

/** The path names a directory with an index script, but lacks the slash that relative links in it need. */
export interface MissingSlash {
  readonly kind: 'missing-slash';
}

/** Finds the script for a path. Throws CgiError (`script-not-found`, `script-forbidden`). */
export type FindScript = (pathInfo: string) => FoundScript | MissingSlash;

/** Makes the search for a mount. Throws at once when what the options name does not exist. */
export function scriptFinder(options: CgiOptions): FindScript {
  if ('script' in options) {
    // Not its real path: a program may look at the name it was called by.
    const file = resolve(options.script);
    existing('script', file);
    return (pathInfo) => ({ kind: 'script', file, interpreter: undefined, scriptName: '', pathInfo });
  }
  const followSymlinks = options.followSymlinks ?? false;
  if ('directory' in options) {
    return new ScriptTree(existing('directory', options.directory), followSymlinks, undefined, []).find;
  }
  const interpreters = new Map(
    Object.entries(options.extensions).map(([extension, command]) => [extension, command && resolveCommand(command)]),
  );
  return new ScriptTree(existing('root', options.root), followSymlinks, interpreters, options.index ?? []).find;
}

function existing(name: string, path: string): string {
  try {
    return realpathSync(resolve(path));
  } catch (error) {
    throw new Error(`cgi: ${name} ${path} does not exist`, { cause: error });
  }
}

/** The file that a command name stands for in this process's PATH, so that no script's PATH can change it. */
export function resolveCommand(command: string): string {
  if (command.includes('/')) return resolve(command);
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(directory, command);
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) return file;
  }
  throw new Error(`cgi: there is no command ${command} in PATH`);
}

/** The directory that is the base of PATH_TRANSLATED when none is given. */
export function defaultDocumentRoot(options: CgiOptions): string {
  if ('script' in options) return dirname(resolve(options.script));
  return 'directory' in options ? existing('directory', options.directory) : existing('root', options.root);
}

class ScriptTree {
  readonly #root: string;
  readonly #followSymlinks: boolean;
  /** Undefined: every executable file is a script. */
  readonly #interpreters: ReadonlyMap<string, string | null> | undefined;
  readonly #index: readonly string[];

  constructor(
    root: string,
    followSymlinks: boolean,
    interpreters: ReadonlyMap<string, string | null> | undefined,
    index: readonly string[],
  ) {
    this.#root = root;
    this.#followSymlinks = followSymlinks;
    this.#interpreters = interpreters;
    this.#index = index;
  }

  readonly find: FindScript = (pathInfo) => {
    let path = this.#root;
    for (const { name, end } of segments(pathInfo)) {
      // In its normal form, as its parts are.
      path = path.endsWith('/') ? path + name : `${path}/${name}`;
      const stats = this.#look(path);
      if (stats.isDirectory()) continue;
      return this.#script(path, stats, { scriptName: pathInfo.slice(0, end), pathInfo: pathInfo.slice(end) });
    }
    return this.#indexOf(path, pathInfo);
  };

  #look(path: string): Stats {
    try {
      const stats = lstatSync(path);
      if (!stats.isSymbolicLink()) return stats;
      const target = realpathSync(path);
      if (!this.#followSymlinks && !target.startsWith(this.#root + sep)) {
        throw new CgiError('script-forbidden', `${path} is a symbolic link that leads out of ${this.#root}`);
      }
      return statSync(target);
    } catch (error) {
      if (error instanceof CgiError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES') throw new CgiError('script-forbidden', `${path} may not be looked at`, { cause: error });
      throw new CgiError('script-not-found', `${path} does not exist`, { cause: error });
    }
  }

  #script(file: string, stats: Stats, names: Pick<FoundScript, 'scriptName' | 'pathInfo'>): FoundScript {
    if (!stats.isFile()) throw new CgiError('script-forbidden', `${file} is not a regular file`, { script: file });
    const interpreter = this.#interpreters === undefined ? null : this.#interpreters.get(extname(file));
    if (interpreter === undefined) {
      throw new CgiError('script-not-found', `${basename(file)} has no extension that is run`, { script: file });
    }
    // oxlint-disable-next-line no-bitwise
    if (interpreter === null && (stats.mode & 0o111) === 0) {
      throw new CgiError('script-forbidden', `${file} is not executable`, { script: file });
    }
    return { kind: 'script', file, interpreter: interpreter ?? undefined, ...names };
  }

  #indexOf(directory: string, pathInfo: string): FoundScript | MissingSlash {
    for (const name of this.#index) {
      const file = join(directory, name);
      if (lstatSync(file, { throwIfNoEntry: false }) === undefined) continue;
      if (!pathInfo.endsWith('/')) return { kind: 'missing-slash' };
      return this.#script(file, this.#look(file), { scriptName: pathInfo + name, pathInfo: '' });
    }
    throw new CgiError('script-forbidden', `${directory} is a directory`);
  }
}

/** The segments of a path that can name something, each with the index where it ends. */
function* segments(path: string): Generator<{ name: string; end: number }> {
  for (let end = 0; end < path.length;) {
    const start = end;
    const slash = path.indexOf('/', start);
    end = slash === -1 ? path.length : slash;
    if (end === start) {
      end++;
      continue;
    }
    const name = path.slice(start, end);
    if (name.startsWith('.') || name.includes('\0')) {
      throw new CgiError('script-not-found', `${JSON.stringify(name)} names no script`);
    }
    yield { name, end };
  }
}
