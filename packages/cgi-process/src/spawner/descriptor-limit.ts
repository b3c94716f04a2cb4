// The limit on open files that this process was started with.
//
// Node raises its own soft limit to the hard one and forgets what it was. Scripts are to have what they would have under any
// other server: programs that use `select`, or close every possible descriptor, suffer from a limit of a million. The
// limit was inherited, so it is looked for in the processes that started this one.

import { readFileSync } from 'node:fs';

/** What systemd gives to services that say nothing of it; its own limit says nothing about theirs. */
const SYSTEMD_LIMIT = 1024;

/** Numbers of descriptors. */
interface FileLimits {
  readonly soft: number;
  readonly hard: number;
}

/** What is read of a process; undefined when it has gone or may not be seen. */
export type ReadProcess = (pid: number | 'self', file: 'limits' | 'stat' | 'comm') => string | undefined;

/** The soft limit to give back to commands; undefined when it is not known to have been another than the present one. */
export function originalFileLimit(read: ReadProcess = readProc): number | undefined {
  const own = limitsIn(read('self', 'limits'));
  if (own === undefined || own.soft < own.hard) return undefined;
  let pid = parentIn(read('self', 'stat'));
  while (pid !== undefined && pid > 0) {
    const limits = limitsIn(read(pid, 'limits'));
    if (limits === undefined) return undefined;
    // A process with its soft limit at its own hard one tells nothing: it may have raised it, as Node does.
    if (limits.soft < limits.hard) return limits.soft < own.hard ? limits.soft : undefined;
    if (read(pid, 'comm')?.trim() === 'systemd') return own.hard > SYSTEMD_LIMIT ? SYSTEMD_LIMIT : undefined;
    pid = parentIn(read(pid, 'stat'));
  }
  return undefined;
}

function limitsIn(text: string | undefined): FileLimits | undefined {
  const [, soft, hard] = /^Max open files +(\d+|unlimited) +(\d+|unlimited)/m.exec(text ?? '') ?? [];
  if (soft === undefined || hard === undefined) return undefined;
  const numberOf = (word: string): number => (word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word));
  return { soft: numberOf(soft), hard: numberOf(hard) };
}

function parentIn(stat: string | undefined): number | undefined {
  // The name in parentheses may contain anything, also parentheses.
  const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
  return parent === undefined ? undefined : Number(parent);
}

function readProc(pid: number | 'self', file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return undefined;
  }
}
