// Which processes belong to a session, from `/proc`. Linux only.
//
// A command may start others in process groups of their own (`timeout`, shells with job control): they stay in its session.
// What starts a session of its own (`setsid`, daemons) has left it, and is out of reach.
//
// A shell that starts scripts one after another is the leader of the session of all of them, so a signal to all members
// would also reach what an earlier script has left running. The time at which a process was started tells them apart.
// Callers that ask while one look is under way share the next one.

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

/** The living processes of a session, its leader among them. */
export async function sessionOf(leader: number): Promise<number[]> {
  return ((await freshLook()).get(leader) ?? []).map(({ pid }) => pid);
}

/** A process that was started after others of its session: numbers go up within one tick of the clock. */
export interface Begin {
  readonly startTick: number;
  readonly pid: number;
}

/** The living child of a session's leader, by which what was started before it is told from what came after it. */
export async function childOf(leader: number): Promise<Begin | undefined> {
  return (await freshLook()).get(leader)?.find(({ parent }) => parent === leader);
}

/** The living processes of a session that were started with or after `begin`, without its leader. */
export async function membersSince(leader: number, begin: Begin): Promise<number[]> {
  const members = (await freshLook()).get(leader) ?? [];
  const isLater = ({ pid, startTick }: Member): boolean =>
    startTick > begin.startTick || (startTick === begin.startTick && pid >= begin.pid);
  return members.filter((member) => member.pid !== leader && isLater(member)).map(({ pid }) => pid);
}

/** What no process that was started before `time` (of `performance.now()`) is later than. */
export function beginAfter(time: number): Begin {
  return { startTick: tickOf(time), pid: Number.POSITIVE_INFINITY };
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

/** Signals a process; one that has ended meanwhile, or runs as another user by now, is left alone. */
export function signalOne(pid: number, signal: NodeJS.Signals | 0): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
