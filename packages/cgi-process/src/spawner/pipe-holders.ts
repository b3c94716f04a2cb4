// Whether anybody still has an output open, from `/proc`. Linux only.
//
// A shell that runs a command has its redirections open itself, so the pipe cannot tell when the command closes its output
// and goes on. That is looked for in commands that run for long, and there the first look is nearly always the last: the
// command has its output where it got it.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { SHORTAGES } from '../process/session.ts';

/**
 * Whether a process other than this one and a shell has `path` open. True when the shell runs nothing: all is said then; when
 * descriptors are wanting: a later look tells; and when its command may not be looked at.
 */
export function isHeld(shell: number, path: string): boolean {
  try {
    return isSeen(shell, path);
  } catch (error) {
    if (SHORTAGES.has((error as NodeJS.ErrnoException).code)) return true;
    throw error;
  }
}

function isSeen(shell: number, path: string): boolean {
  const [command] = childrenOf(shell);
  if (command === undefined || has(command, '1', path) || isHidden(command) || hasEnded(command)) return true;
  const own = new Set([shell, process.pid]);
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (Number.isInteger(pid) && !own.has(pid) && filesOf(pid).some((file) => has(pid, file, path))) return true;
  }
  return false;
}

function childrenOf(pid: number): number[] {
  const text = orGone(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'));
  return text === undefined || text === '' ? [] : text.trim().split(' ').map(Number);
}

/** One of another user or with more rights than we have, as of a setuid wrapper, or of a file that may not be read. */
function isHidden(pid: number): boolean {
  return orGone(() => readlinkSync(`/proc/${pid}/cwd`), '') === '';
}

/** A process that nobody has waited for yet has no files any more. */
function hasEnded(pid: number): boolean {
  const status = orGone(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return status === undefined || /^ [ZX]/.test(status.slice(status.lastIndexOf(')') + 1));
}

function filesOf(pid: number): string[] {
  return orGone(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
}

/** Also where the name of the pipe has been removed. */
function has(pid: number, file: string, path: string): boolean {
  const found = orGone(() => readlinkSync(`/proc/${pid}/fd/${file}`));
  return found === path || found === `${path} (deleted)`;
}

/** Processes and their files go at any moment; those of other users are not ours to see, which `hidden` stands for. */
function orGone<T>(look: () => T, hidden?: T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['EACCES', 'EPERM'].includes(code)) return hidden;
    if (['ENOENT', 'ESRCH'].includes(code)) return undefined;
    throw error;
  }
}
