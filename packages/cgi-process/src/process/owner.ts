// Who a command runs as. A user without a group would run in the group of this process, which is root's when it matters.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ProcessError } from './process-error.ts';

/** A user and a group by number, as far as they are not those of this process. */
export interface RunAs {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

const groups = new Map<number, number | undefined>();

/**
 * The user with a group: the one that was given, or else the user's own as the system's databases have it. Throws
 * ProcessError `bad-argument` for a user that they do not know.
 */
export function withOwnGroup({ uid, gid }: RunAs): RunAs {
  if (uid === undefined || gid !== undefined || uid === process.getuid?.()) return { uid, gid };
  if (!groups.has(uid)) groups.set(uid, ownGroup(uid));
  const own = groups.get(uid);
  if (own !== undefined) return { uid, gid: own };
  throw new ProcessError('bad-argument', `uid ${uid} is not a user of this system, so its gid has to be given`);
}

function ownGroup(uid: number): number | undefined {
  return groupIn(passwd(), uid) ?? askedGroup(uid);
}

/** The group of a user in the text of `/etc/passwd`. Pure. */
export function groupIn(text: string, uid: number): number | undefined {
  const user = text.split('\n').find((line) => line.split(':')[2] === String(uid));
  const group = user?.split(':')[3];
  return group === undefined || !/^\d+$/.test(group) ? undefined : Number(group);
}

/** Nothing where the file is missing or may not be read. */
function passwd(): string {
  try {
    return readFileSync('/etc/passwd', 'latin1');
  } catch {
    return '';
  }
}

/** Users may come from elsewhere (LDAP): `id` asks for them. */
function askedGroup(uid: number): number | undefined {
  try {
    const answer = execFileSync('id', ['-g', String(uid)], { encoding: 'latin1', stdio: ['ignore', 'pipe', 'ignore'] });
    return /^\d+\n$/.test(answer) ? Number(answer) : undefined;
  } catch {
    // No such user, or no such command.
    return undefined;
  }
}
