// Why a command did not start, in words that a reader of the log can act on. The system's ENOENT stands for three different mistakes and
// EACCES for two, so the file is looked at afterwards; only failures pay for that.

import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';

/** Why a command did not start, or was ended by the one who started it. */
export type ProcessErrorCode =
  | 'not-found'
  | 'not-executable'
  | 'bad-interpreter'
  | 'bad-format'
  | 'file-busy'
  | 'bad-directory'
  | 'bad-argument'
  | 'argument-list-too-long'
  | 'too-many-files'
  | 'too-many-processes'
  | 'out-of-memory'
  | 'aborted'
  | 'output-too-long'
  | 'spawn-failed';

/** A command that could not be started, or that was ended before it ended itself. `code` is stable, the text is not. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly code: ProcessErrorCode;

  constructor(code: ProcessErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Linux takes no single argument or variable beyond 32 pages, whatever the total (MAX_ARG_STRLEN). */
const MAX_STRING_BYTES = 131_072;
/** The kernel reads this much of a script's first line (BINPRM_BUF_SIZE). */
const SHEBANG_BYTES = 256;

/** Refuses strings that cannot be passed to any process. */
export function checkStrings(args: readonly string[], environment: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(environment)) {
    if (name === '' || name.includes('=') || name.includes('\0')) {
      throw new ProcessError('bad-argument', `no variable can be named "${name}"`);
    }
    checkString(environment[name] ?? '', name.length + 1);
  }
  for (const argument of args) checkString(argument, 0);
}

function checkString(value: string, more: number): void {
  if (value.includes('\0')) throw new ProcessError('bad-argument', 'an argument or variable contains NUL');
  // Values are byte strings already; in an argument no code unit takes more than three bytes, so most need no measuring.
  if ((value.length + more) * 3 >= MAX_STRING_BYTES && Buffer.byteLength(value) + more >= MAX_STRING_BYTES) {
    throw new ProcessError(
      'argument-list-too-long',
      `an argument or variable is longer than ${MAX_STRING_BYTES} bytes`,
    );
  }
}

/** The typed error for what spawning threw or emitted. */
export function startFailure(error: NodeJS.ErrnoException, command: string, cwd: string | undefined): ProcessError {
  const options = { cause: error };
  switch (error.code) {
    case 'E2BIG':
      return new ProcessError('argument-list-too-long', `${command}: arguments and environment are too long`, options);
    case 'EMFILE':
    case 'ENFILE':
      return new ProcessError('too-many-files', `${command}: no file descriptor is free`, options);
    case 'EAGAIN':
      return noProcess(command, options);
    case 'ETXTBSY':
      return fileBusy(command, options);
    case 'ENOMEM':
      return new ProcessError('out-of-memory', `${command}: not enough memory to start it`, options);
    default: {
      // Where a user may not be changed to, or a descriptor is none, there is nothing that a look at the command could find.
      const found = /EPERM|EBADF/.test(`${error.code}`) ? undefined : diagnose(command, cwd, options);
      return found ?? new ProcessError('spawn-failed', `${command}: ${error.message}`, options);
    }
  }
}

/** There are as many processes as there may be. */
export function noProcess(command: string, options?: ErrorOptions): ProcessError {
  return new ProcessError('too-many-processes', `${command}: no process can be started now`, options);
}

/** A process has the file open for writing. */
export function fileBusy(command: string, options?: ErrorOptions): ProcessError {
  return new ProcessError('file-busy', `${command}: it is being written to`, options);
}

/** Looks for what keeps a file from being run; undefined when nothing is found. Paths only: a bare name is looked up by the system. */
export function diagnose(command: string, cwd: string | undefined, options?: ErrorOptions): ProcessError | undefined {
  if (cwd !== undefined && !isDirectory(cwd)) {
    return new ProcessError('bad-directory', `${cwd}: not a directory to start ${command} in`, options);
  }
  if (!command.includes('/')) {
    const advice = /\s/.test(command) ? '; arguments go into a list of their own' : '';
    return new ProcessError('not-found', `${command}: no such command in PATH${advice}`, options);
  }
  const path = command.startsWith('/') || cwd === undefined ? command : `${cwd}/${command}`;
  try {
    if (!statSync(path).isFile()) return new ProcessError('not-executable', `${command}: not a regular file`, options);
    accessSync(path, constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EACCES'
      ? new ProcessError('not-executable', `${command}: not executable`, options)
      : new ProcessError('not-found', `${command}: no such file`, options);
  }
  return interpreterFailure(path, options);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function interpreterFailure(path: string, options: ErrorOptions | undefined): ProcessError | undefined {
  const line = firstLine(path);
  if (line === undefined || !line.startsWith('#!')) return undefined;
  if (line.endsWith('\r')) {
    return new ProcessError('bad-interpreter', `${path}: its #! line ends with a carriage return`, options);
  }
  const interpreter = line.slice(2).trim().split(/\s/, 1)[0] ?? '';
  try {
    accessSync(interpreter, constants.X_OK);
    return undefined;
  } catch {
    return new ProcessError('bad-interpreter', `${path}: its interpreter ${interpreter} cannot be run`, options);
  }
}

/** Undefined when the file may be run but not read. */
function firstLine(path: string): string | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(SHEBANG_BYTES);
      const length = readSync(file, bytes);
      return bytes.toString('latin1', 0, length).split('\n', 1)[0];
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
