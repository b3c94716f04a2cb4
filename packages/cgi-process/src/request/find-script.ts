// From a path to the script that answers it, and what is left of the path as PATH_INFO.
//
// The walk goes down segment by segment and stops at the first thing that is no directory. A segment that begins with a dot
// is never entered, symbolic links must stay inside unless told otherwise, and whatever is not a script is refused before
// anything is started, so its source can never be the answer. The looks are synchronous: they take microseconds, and the
// run that follows takes a thousand times that. Requests of one turn of the loop share them.
//
// Where there is a front controller, a directory without an index is its: nobody wants `/uploads/` listed behind one.
//
// A mount by extension shares its root with the files there, so what has no such extension is "nothing here", and so is a
// directory without an index script: other routes may have something. In a directory of scripts it is refused.

import { realpathSync, statSync, lstatSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { basename, delimiter, dirname, extname, join, resolve } from 'node:path';
import { CgiError } from '../cgi-error.ts';
import type { CgiOptions } from '../options.ts';
import { KnownWalks } from './known-walks.ts';
import { isAtOrBelow, placeOf } from './place.ts';
import { forTurn } from './turn-memo.ts';

/** A script and how the path led to it. */
export interface FoundScript {
  readonly kind: 'script';
  readonly file: string;
  /** The directory that it was looked for in, without links; undefined where no file is looked for. */
  readonly root: string | undefined;
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
    const root = dirname(file);
    return (pathInfo) => ({ kind: 'script', file, root, interpreter: undefined, scriptName: '', pathInfo });
  }
  const symlinks = options.symlinks ?? 'inside';
  if ('directory' in options) return finderIn('directory', options.directory, { symlinks });
  const interpreters = new Map(
    Object.entries(options.extensions).map(([extension, command]) => [extension, command && resolveCommand(command)]),
  );
  const { front } = options;
  const index = indexNames(options);
  return finderIn('root', options.root, { symlinks, interpreters, index, front });
}

type Links = 'deny' | 'inside' | 'all';

/** Which files an application in another process runs. */
export interface FileOptions {
  readonly root?: string | undefined;
  readonly extensions?: readonly string[] | undefined;
  readonly index?: readonly string[] | undefined;
  readonly front?: string | undefined;
  readonly directory?: string | undefined;
  readonly symlinks?: Links | undefined;
}

/** The same search for files that an application runs; without a root or directory every path is the application's. */
export function fileFinder(options: FileOptions): FindScript {
  const { root, directory, symlinks = 'inside', extensions = ['.php'], front } = options;
  if (directory !== undefined) return finderIn('directory', directory, { symlinks });
  if (root === undefined) {
    return (pathInfo) => ({ kind: 'script', file: '', root, interpreter: undefined, scriptName: '', pathInfo });
  }
  // The application runs them all, whether or not they are executable.
  const run = Object.fromEntries(extensions.map((extension) => [extension, 'application']));
  const index = indexNames({ root, extensions: run, index: options.index });
  const interpreters = new Map(Object.entries(run));
  return finderIn('root', root, { symlinks, interpreters, index, front });
}

/** The names that answer for a directory: a page goes before scripts, as under Apache. */
function indexNames({ index, extensions }: Extract<CgiOptions, { extensions: unknown }>): readonly string[] {
  return index ?? ['index.html', ...Object.keys(extensions).map((extension) => `index${extension}`)];
}

function existing(name: string, path: string): () => string {
  try {
    return placeOf(path);
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
  throw new Error(`cgi: ${command} is not in PATH`);
}

/** The state of a path, and whether that is its own: no symbolic link. */
interface Seen {
  readonly stats: Stats;
  readonly isPlain: boolean;
}

/** What a look at a path came to: its state, or why there is none. */
type Look = Seen | { readonly code: 'script-forbidden' | 'script-not-found'; readonly why: string };

interface TreeOptions {
  readonly symlinks: Links;
  /** Undefined: every executable file is a script. */
  readonly interpreters?: ReadonlyMap<string, string | null>;
  readonly index?: readonly string[];
  readonly front?: string | undefined;
}

/** What was found in one place says nothing of another. */
function finderIn(name: string, path: string, options: TreeOptions): FindScript {
  const place = existing(name, path);
  if (!statSync(place()).isDirectory()) throw new Error(`cgi: ${name} ${path} is not a directory`);
  let tree = new ScriptTree(place(), options);
  return (pathInfo) => {
    const root = place();
    if (root !== tree.root) tree = new ScriptTree(root, options);
    return tree.find(pathInfo);
  };
}

class ScriptTree {
  readonly root: string;
  readonly #symlinks: Links;
  readonly #interpreters: ReadonlyMap<string, string | null> | undefined;
  readonly #index: readonly string[];
  readonly #front: string | undefined;
  readonly #walks = new KnownWalks();

  constructor(root: string, { symlinks, interpreters, index = [], front }: TreeOptions) {
    this.root = root;
    this.#symlinks = symlinks;
    this.#interpreters = interpreters;
    this.#index = index;
    this.#front = front;
  }

  readonly find: FindScript = forTurn((pathInfo) => this.#walks.again(pathInfo) ?? this.#find(pathInfo));

  #find(pathInfo: string): FoundScript | MissingSlash {
    let path = this.root;
    const folders: string[] = [];
    let isPlain = true;
    for (const { name, end } of segments(pathInfo)) {
      // In its normal form, as its parts are.
      path = path.endsWith('/') ? path + name : `${path}/${name}`;
      const look = this.#look(path);
      isPlain &&= look.isPlain;
      if (look.stats.isDirectory()) {
        folders.push(path);
        continue;
      }
      const names = { scriptName: merged(pathInfo.slice(0, end)), pathInfo: pathInfo.slice(end) };
      const found = this.#script(path, look, names);
      if (isPlain) this.#walks.keep(pathInfo, { folders, found });
      return found;
    }
    return this.#indexOf(path, pathInfo);
  }

  #look(path: string): Seen {
    const look = this.#lookAt(path);
    if ('stats' in look) return look;
    const { code, why } = look;
    throw new CgiError(this.#isRun(path) ? code : 'script-not-found', `${path} ${why}`);
  }

  #lookAt(path: string): Look {
    try {
      const stats = lstatSync(path);
      if (!stats.isSymbolicLink()) return { stats, isPlain: true };
      if (this.#symlinks === 'deny') return { code: 'script-forbidden', why: 'is a symbolic link' };
      const target = realpathSync(path);
      if (this.#symlinks === 'all' || isAtOrBelow(target, this.root))
        return { stats: statSync(target), isPlain: false };
      return { code: 'script-forbidden', why: `is a symbolic link that leads out of ${this.root}` };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES') return { code: 'script-forbidden', why: 'may not be looked at' };
      return { code: 'script-not-found', why: code === 'ELOOP' ? 'is a symbolic link in a circle' : 'does not exist' };
    }
  }

  /** Whether a name is a script's, as far as the name says. */
  #isRun(path: string): boolean {
    return this.#interpreters === undefined || this.#interpreters.has(extname(path));
  }

  #script(file: string, { stats }: Seen, names: Pick<FoundScript, 'scriptName' | 'pathInfo'>): FoundScript {
    const interpreter = this.#interpreters === undefined ? null : this.#interpreters.get(extname(file));
    if (interpreter === undefined) {
      throw new CgiError('script-not-found', `${file} has no extension that is run`, { script: file });
    }
    if (!stats.isFile()) throw new CgiError('script-forbidden', `${file} is not a regular file`, { script: file });
    if (interpreter === null && (stats.mode & 0o111) === 0) {
      throw new CgiError('script-forbidden', `${file} is not executable (chmod +x)`, { script: file });
    }
    return { kind: 'script', file, root: this.root, interpreter: interpreter ?? undefined, ...names };
  }

  #indexOf(directory: string, pathInfo: string): FoundScript | MissingSlash {
    const code = this.#interpreters === undefined ? 'script-forbidden' : 'script-not-found';
    for (const name of this.#index) {
      const file = join(directory, name);
      if (!isThere(file)) continue;
      if (!this.#isRun(file)) throw new CgiError(code, `${directory} has ${name}, which is not a script`);
      if (!pathInfo.endsWith('/')) return { kind: 'missing-slash' };
      return this.#script(file, this.#look(file), { scriptName: merged(pathInfo + name), pathInfo: '' });
    }
    const front = this.#front === undefined ? undefined : join(this.root, this.#front);
    if (front !== undefined && this.#isRun(front) && isThere(front)) {
      return this.#script(front, this.#look(front), { scriptName: `/${this.#front}`, pathInfo: '' });
    }
    throw new CgiError(
      code,
      `${directory} is a directory${this.#index.length === 0 ? '' : ' without an index script'}`,
    );
  }
}

/**
 * The path of a script without empty segments, as under Apache: programs make links of it, and `//a.php` is one to the host
 * `a.php`. What is behind a script is its own, and stays as it came.
 */
function merged(scriptName: string): string {
  return scriptName.replaceAll(/\/{2,}/g, '/');
}

/** What is in a directory that may not be entered is not there. */
function isThere(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
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
      throw new CgiError('script-not-found', `${basename(name)} begins with a dot or has a NUL, so it names no script`);
    }
    yield { name, end };
  }
}
