// Scripts that will not run, or that others could change, found before the first request finds them.

import { closeSync, type Dirent, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { delimiter, extname, join } from 'node:path';
import { kindOf } from './file-kind.ts';
import { unlessRefused } from '../../paths.ts';

// A script directory with more files than this is looked at no further: `check` is to answer at once.
const MAX_SCRIPTS = 1000;

/** Among so many files scripts are looked for by their extension. */
const MAX_FILES = 50_000;

/** Adds a warning for each oddity of a directory of CGI scripts. `uid` is the user that they will run as, if given. */
export function inspectScripts(directory: string, uid: unknown, warnings: string[]): void {
  if ((statSync(directory).mode & 0o002) !== 0)
    warnings.push(`everybody on this machine can put scripts into ${directory}`);
  if (process.getuid?.() === 0 && uid === undefined) {
    warnings.push(
      `scripts in ${directory} will run as root; start onezero as another user, or give the mount a uid in the configuration file`,
    );
  }
  for (const path of filesBelow(directory, MAX_SCRIPTS)) inspectScript(path, warnings);
}

/**
 * The first files below a directory. Links are not followed: they may lead anywhere, and in circles (`readdirSync` does, from
 * Node 22 on). What cannot be listed is passed over.
 */
function filesBelow(directory: string, most: number): readonly string[] {
  const found: string[] = [];
  const waiting = [directory];
  for (let folder = waiting.pop(); folder !== undefined && found.length < most; folder = waiting.pop()) {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile()) found.push(path);
    }
  }
  return found.slice(0, most);
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** The same for scripts that are told by their extension and run by themselves. */
export function inspectByExtension(
  root: string | undefined,
  extensions: Readonly<Record<string, string | null>>,
  warnings: string[],
): void {
  const own = Object.keys(extensions).filter((extension) => extensions[extension] === null);
  if (own.length === 0 || root === undefined || kindOf(root) !== 'directory') return;
  const scripts = filesBelow(root, MAX_FILES).filter((path) => own.includes(extname(path)));
  for (const path of scripts.slice(0, MAX_SCRIPTS)) {
    inspectScript(path, warnings);
    const isPlain = (statSync(path).mode & 0o111) === 0 && !firstLine(path).startsWith('#!');
    if (isPlain) warnings.push(`${path} is not executable: chmod +x`);
  }
}

/** Adds a warning for each oddity of one script. */
export function inspectScript(path: string, warnings: string[]): void {
  const { mode } = statSync(path);
  const first = firstLine(path);
  const isScript = first.startsWith('#!');
  if ((mode & 0o111) === 0 && isScript) warnings.push(`${path} is not executable: chmod +x`);
  if ((mode & 0o002) !== 0) warnings.push(`everybody on this machine can change ${path}`);
  if (isScript && first.endsWith('\r'))
    warnings.push(`${path} has a carriage return at the end of its #! line and will not start`);
  const [interpreter = ''] = first
    .replace(/^#!\s*/, '')
    .trim()
    .split(/\s+/);
  if (isScript && interpreter.startsWith('/') && !existsSync(interpreter))
    warnings.push(`${path} will not start: its interpreter ${interpreter} does not exist`);
  const wanted = /^#!\s*\S*\/env\s+(?:-\S+\s+)*([^\s=]+)/.exec(first)?.[1];
  if (wanted !== undefined && !isInPath(wanted))
    warnings.push(`${path} will not start: its interpreter ${wanted} is not in PATH`);
  if ((mode & 0o111) !== 0 && !isScript && /^[\x20-\x7e\t]+$/.test(first)) {
    warnings.push(`${path} has no #! line and will not start`);
  }
}

function isInPath(program: string): boolean {
  if (program.includes('/')) return existsSync(program);
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** The first line without its line feed, as far as it stands in the first bytes; nothing of a file that this user may not read. */
function firstLine(path: string): string {
  const bytes = Buffer.alloc(256);
  const descriptor = openedOrNot(path);
  if (descriptor === undefined) return '';
  try {
    const length = readSync(descriptor, bytes);
    return bytes.toString('latin1', 0, length).split('\n', 1)[0] ?? '';
  } finally {
    closeSync(descriptor);
  }
}

/** A program may be run by those who may not read it. */
function openedOrNot(path: string): number | undefined {
  return unlessRefused(() => openSync(path, 'r'));
}
