// Which processes belong to a session, from `/proc`. Linux only.
//
// A shell that starts scripts one after another is the leader of the session of all of them, so signalling its process
// group would also reach what an earlier script has left running. The time a process was started tells them apart.
// Everybody who asks while one look is under way shares the next one.

import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Ticks per second in `/proc/<pid>/stat`: the same on every Linux, whatever the kernel's own clock. */
const TICKS_PER_MS = 0.1;
/** Processes looked at before others get a turn of the loop. */
const PROCESSES_PER_TURN = 64;

interface Member {
  readonly pid: number;
  readonly parent: number;
  readonly startTick: number;
}

type Sessions = ReadonlyMap<number, readonly Member[]>;

let current: Promise<Sessions> | undefined;
let next: Promise<Sessions> | undefined;

/** The living processes of a session that were started at or after `since` (of `performance.now()`), without its leader. */
export async function membersOf(session: number, since: number): Promise<number[]> {
  const sessions = await freshLook();
  const members = sessions.get(session) ?? [];
  if (members.length === 0) return [];
  // The command itself, a child of the leader, is the first of its run; within one tick its number tells who came later.
  const first = members.find(({ parent }) => parent === session);
  const firstTick = first?.startTick ?? tickOf(since);
  const isLater = ({ pid, startTick }: Member): boolean =>
    startTick > firstTick || (startTick === firstTick && pid >= (first?.pid ?? 0));
  return members.filter((member) => member.pid !== session && isLater(member)).map(({ pid }) => pid);
}

/** A look that began after the call. */
async function freshLook(): Promise<Sessions> {
  if (current === undefined) {
    current = look().finally(() => (current = undefined));
    return current;
  }
  next ??= current.then(async () => {
    next = undefined;
    return freshLook();
  });
  return next;
}

async function look(): Promise<Sessions> {
  const sessions = new Map<number, Member[]>();
  let seen = 0;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    if (++seen % PROCESSES_PER_TURN === 0) await nextTurn();
    const found = read(pid);
    if (found === undefined) continue;
    const members = sessions.get(found.session);
    if (members === undefined) sessions.set(found.session, [found]);
    else members.push(found);
  }
  return sessions;
}

function read(pid: number): (Member & { session: number }) | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // It has gone since the directory was read.
    return undefined;
  }
  // The name in parentheses may contain anything, also parentheses.
  const [state, parent, , session, , , , , , , , , , , , , , , , startTick] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  return { pid, parent: Number(parent), session: Number(session), startTick: Number(startTick) };
}

function tickOf(time: number): number {
  const uptimeMs = Number(readFileSync('/proc/uptime', 'latin1').split(' ', 1)[0]) * 1000;
  return Math.floor((uptimeMs - (performance.now() - time)) * TICKS_PER_MS);
}
