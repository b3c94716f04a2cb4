// A launch plan as one command line for a shell. Pure.
//
// Every word that comes from outside stands in single quotes, inside which a shell knows no special character but the
// quote that ends them; that one is written as '\''. What cannot be said this way is not said: see `isExpressible`.

import { resolve } from 'node:path';
import { toByteString } from '../byte-string.ts';
import type { LaunchPlan } from '../process/launch.ts';

/** Names that a shell treats as its own when they are assigned to. */
const SHELL_NAMES = new Set([
  'LINENO',
  'OPTIND',
  'PPID',
  'PWD',
  'OLDPWD',
  'IFS',
  'UID',
  'EUID',
  'SHELLOPTS',
  'BASHOPTS',
]);
/** Half of what Linux allows with its usual stack limit; beyond it the system's own answer is wanted. */
const MAX_BYTES = 1_048_576;

/** The files that become the three standard streams. */
export interface Streams {
  /** Absent for the empty input that the shell itself has. */
  readonly input: string | undefined;
  readonly output: string;
  readonly errors: string;
}

/** Names that were looked at before, and what came of it: most come with every request. */
const knownNames = new Map<string, boolean>();
const MAX_KNOWN = 1024;

function isPlainName(name: string): boolean {
  let isPlain = knownNames.get(name);
  if (isPlain !== undefined) return isPlain;
  isPlain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !SHELL_NAMES.has(name);
  if (knownNames.size >= MAX_KNOWN) knownNames.clear();
  knownNames.set(name, isPlain);
  return isPlain;
}

/** Whether a shell can start this exactly as the system would. */
export function isExpressible({ command, args, environment }: LaunchPlan): boolean {
  let bytes = command.length;
  for (const argument of args) bytes += argument.length;
  for (const name of Object.keys(environment)) {
    if (!isPlainName(name)) return false;
    bytes += environment[name]?.length ?? 0;
  }
  return command.includes('/') && bytes < MAX_BYTES;
}

/**
 * The command line, as a byte string without its line end. `opened` is said on the shell's own output when the input is
 * open, if a word for it is given.
 *
 * A simple command is quickest: dash starts it with vfork, and has its streams open itself until it ends. Where somebody
 * writes to the input that would hide that the command has closed it, and a umask would stay behind: hence a subshell.
 */
export function commandLine(plan: LaunchPlan, { input, output, errors }: Streams, opened?: string): string {
  const { command, args, environment, cwd, umask } = plan;
  let call = '';
  for (const name of Object.keys(environment)) call += `${name}=${quoted(environment[name] ?? '')} `;
  call += [command, ...args].map((word) => quoted(toByteString(word))).join(' ');
  const outputs = `>${quoted(toByteString(output))} 2>${quoted(toByteString(errors))}`;
  const from = input === undefined ? '' : `<${quoted(toByteString(input))}`;
  // A directory is entered by its whole path: CDPATH and `-` have no say, and 126 is what a failed start looks like. The
  // path is in its normal form, so that no `-P` is needed, which would ask for the directory's name twice.
  const enter = `cd ${quoted(toByteString(normal(cwd ?? '.')))}`;
  if (opened === undefined && umask === undefined) {
    return `if ${enter};then unset PWD OLDPWD;${call}${from === '' ? '' : ` ${from}`} ${outputs};else (exit 126);fi`;
  }
  const steps = [
    ...(from === '' ? [] : [`exec ${from}`]),
    ...(opened === undefined ? [] : [`echo ${opened}`]),
    `${enter}||exit 126`,
    ...(umask === undefined ? [] : [`umask ${umask.toString(8)}`]),
    'unset PWD OLDPWD',
    `${call} ${outputs}`,
  ];
  return `(${steps.join(';')})`;
}

function normal(path: string): string {
  return path.startsWith('/') && !path.includes('/.') ? path : resolve(path);
}

function quoted(value: string): string {
  return !value.includes("'") ? `'${value}'` : `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
