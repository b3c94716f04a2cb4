// Whether the kernel can execute a file, from its first bytes.
//
// What it cannot execute (ENOEXEC) `execvp` and shells hand to /bin/sh, as commands. A text file with an execute bit, which every
// file has on some file systems, would be run as a script of commands; so a file is looked at before it is started.

import { accessSync, closeSync, constants, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessError } from './process-error.ts';

/** The kernel reads this much of a file to find its format (BINPRM_BUF_SIZE). */
const HEAD_BYTES = 256;
/** Interpreters of interpreters: the kernel gives up after as many. */
const MAX_INTERPRETERS = 5;
/** Where execvp looks when the environment has no PATH. */
const DEFAULT_PATH = '/bin:/usr/bin';

const ELF = '\x7fELF';
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

const head = Buffer.alloc(HEAD_BYTES);

/** What of a plan is executed. */
interface Executed {
  readonly command: string;
  readonly program?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

/** Refuses a plan whose command, or the program that the command is to execute, is no program. See `checkProgram`. */
export function checkPlan({ command, program, environment, cwd }: Executed): void {
  checkProgram(command, environment['PATH'], cwd);
  if (program !== undefined) checkProgram(program, undefined, cwd);
}

/**
 * Refuses a command that is a file which the kernel cannot execute. Says nothing of one that does not exist or may not be
 * read: the system's own answer is better. Throws ProcessError `bad-format`.
 */
function checkProgram(command: string, path: string | undefined, cwd: string | undefined): void {
  if (process.platform === 'win32') return;
  const file = command.includes('/') ? atDirectory(command, cwd) : found(command, path ?? DEFAULT_PATH);
  if (file !== undefined) checkFile(file, cwd);
}

function checkFile(program: string, cwd: string | undefined): void {
  let file = program;
  for (let depth = 0; depth <= MAX_INTERPRETERS; depth++) {
    const begun = firstBytes(file);
    if (begun === undefined || begun.startsWith(ELF)) return;
    const interpreter = begun.startsWith('#!') ? interpreterIn(begun) : undefined;
    if (interpreter === undefined) {
      // What may not be executed fails before its format matters.
      if (!isExecutable(file) || isRegistered(begun, file)) return;
      throw new ProcessError(
        'bad-format',
        `${program}: ${reasonFor(begun, file === program ? '' : `its interpreter ${file} `)}`,
      );
    }
    file = atDirectory(interpreter, cwd);
  }
}

/** The interpreter of a script, as the kernel reads it; undefined where it finds none and takes the file for no program. */
export function interpreterIn(begun: string): string | undefined {
  const line = begun.slice(2).split('\n', 1)[0] ?? '';
  const [, interpreter = '', rest = ''] = /^[ \t]*([^ \t\0]*)(.*)$/s.exec(line) ?? [];
  // A name that goes on beyond what the kernel reads is cut, and the kernel does not execute it.
  const isCut = rest === '' && begun.length >= HEAD_BYTES && !begun.includes('\n');
  return interpreter === '' || isCut ? undefined : interpreter;
}

function reasonFor(begun: string, subject: string): string {
  if (begun.startsWith(BYTE_ORDER_MARK)) return `${subject}begins with a byte order mark, not with #!`;
  if (begun.startsWith('#!')) return `${subject}has a #! line without an interpreter`;
  return begun === '' ? `${subject}is empty` : `${subject}is no program: it has no #! line and no known format`;
}

function atDirectory(path: string, cwd: string | undefined): string {
  return path.startsWith('/') || cwd === undefined ? path : join(cwd, path);
}

/** The file that a bare name stands for. */
function found(name: string, path: string): string | undefined {
  return path
    .split(':')
    .map((folder) => join(folder === '' ? '.' : folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** As a byte string; undefined when it cannot be read. */
function firstBytes(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    return head.toString('latin1', 0, readSync(descriptor, head, 0, HEAD_BYTES, 0));
  } catch {
    // A directory, or a pipe: the system refuses it in its own words.
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

const FORMATS = '/proc/sys/fs/binfmt_misc';

/** Whether the kernel was told of a format of its own for this file (binfmt_misc): by extension, or by magic bytes. */
function isRegistered(begun: string, file: string): boolean {
  let names: readonly string[];
  try {
    if (readFileSync(join(FORMATS, 'status'), 'latin1').trim() !== 'enabled') return false;
    names = readdirSync(FORMATS);
  } catch {
    return false;
  }
  return names.some((name) => {
    if (name === 'status' || name === 'register') return false;
    try {
      return isOfFormat(readFileSync(join(FORMATS, name), 'latin1'), begun, file);
    } catch {
      return false;
    }
  });
}

/** Whether a format's description, as the kernel prints it, takes a file. */
export function isOfFormat(description: string, begun: string, file: string): boolean {
  const lines = description.split('\n');
  const valueOf = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  if (lines[0] !== 'enabled') return false;
  const extension = valueOf('extension');
  if (extension !== undefined) return file.endsWith(extension);
  const magic = Buffer.from(valueOf('magic') ?? '', 'hex');
  const mask = Buffer.from(valueOf('mask') ?? 'ff'.repeat(magic.length), 'hex');
  const offset = Number(valueOf('offset') ?? 0);
  const bytes = Buffer.from(begun, 'latin1').subarray(offset, offset + magic.length);
  return (
    magic.length > 0 &&
    bytes.length === magic.length &&
    magic.every((byte, index) => ((bytes[index] ?? 0) & (mask[index] ?? 0)) === byte)
  );
}
