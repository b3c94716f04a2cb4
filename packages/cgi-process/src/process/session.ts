// The processes of a session, and how a signal reaches those of one run.
//
// Each child leads a session of its own. On Linux `/proc` names its members, also those in process groups of their own
// (`timeout`, shells with job control); elsewhere a signal reaches the process group alone. A process that starts a session
// of its own (`setsid`, daemons) has left it, and is out of reach.
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

/** What the system may have again in a moment. */
export const SHORTAGES: ReadonlySet<string | undefined> = new Set<string | undefined>(['EMFILE', 'ENFILE', 'ENOMEM']);

interface Member {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly startTick: number;
}

type Sessions = ReadonlyMap<number, readonly Member[]>;

let current: Promise<Sessions> | undefined;
let next: Promise<Sessions> | undefined;

/** Sends a signal to every process of one run; 0 only looks. Resolves to whether any was left. */
export type SignalAll = (signal: NodeJS.Signals | 0) => Promise<boolean>;

/** Signals a child that leads its session, and all other members. `ended` settles when the child was reaped. */
export function signalsOfSession(leader: number | undefined, ended: Promise<unknown>): SignalAll {
  if (leader === undefined || process.platform !== 'linux') return async (signal) => signalGroup(leader, signal);
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
  };
  ended.then(end, end);
  return async (signal) => {
    // Until its leader was reaped the number of a group is its own. One call reaches all of the group at once.
    const isGroupReached = !hasEnded && signal !== 0;
    if (isGroupReached) signalGroup(leader, signal);
    const members = await sessionOf(leader);
    // Without a look nothing is known of the others.
    if (members === undefined) return !hasEnded || signalGroup(leader, signal);
    for (const { pid, group } of members) if (!isGroupReached || group !== leader) signalOne(pid, signal);
    return members.length > 0 || !hasEnded;
  };
}

/** The living processes of a session, its leader among them; undefined when a shortage keeps us from looking. */
async function sessionOf(leader: number): Promise<readonly Member[] | undefined> {
  try {
    return (await freshLook()).get(leader) ?? [];
  } catch (error) {
    if (SHORTAGES.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

/** A process that was started after others of its session: numbers go up within one tick of the clock. */
interface Begin {
  readonly startTick: number;
  readonly pid: number;
}

/** What a run needs to know of the shell that runs it. */
interface RunningShell {
  readonly pid: number;
  kill(): void;
}

/** Signals the processes of one run, out of all that a shell has started in its session. */
export class RunSignals {
  readonly #shell: RunningShell;
  readonly #since: number;
  /** The command itself, once it has been seen. */
  #begin: Begin | undefined;
  #hasEnded = false;
  #isReleased = false;
  /** A signal that found no process: a shell that waits for the processor has yet to start its command. */
  #owed: NodeJS.Signals | undefined;

  /** @param since when the run began, of `performance.now()` */
  constructor(shell: RunningShell, since: number, ended: Promise<unknown>) {
    this.#shell = shell;
    this.#since = since;
    const end = (): void => {
      this.#hasEnded = true;
    };
    ended.then(end, end);
  }

  async signalAll(signal: NodeJS.Signals | 0): Promise<boolean> {
    if (this.#isReleased) return false;
    if (signal !== 0) this.#owed = signal;
    const members = await this.#members();
    for (const { pid } of members ?? []) signalOne(pid, this.#owed ?? 0);
    if (members !== undefined && members.length > 0) this.#owed = undefined;
    else if (signal === 'SIGKILL' && !this.#hasEnded) this.#shell.kill();
    return members?.length !== 0 || !this.#hasEnded;
  }

  /**
   * Before the command is seen, the shell has not started it, and whatever lives in the session is of earlier commands. One
   * that ended unseen may have left others: those that are later than its start for certain are its own. Undefined when a shortage
   * keeps us from looking.
   */
  async #members(): Promise<readonly Member[] | undefined> {
    const { pid: leader } = this.#shell;
    const all = await sessionOf(leader);
    this.#begin ??= all?.find(({ parent }) => parent === leader);
    if (this.#begin === undefined && !this.#hasEnded) return [];
    const begin = this.#begin ?? beginAfter(this.#since);
    if (begin === undefined) return undefined;
    return all?.filter((member) => member.pid !== leader && isSince(member, begin));
  }

  /** The shell is about to run another command. */
  release(): void {
    this.#isReleased = true;
  }
}

function isSince({ pid, startTick }: Begin, begin: Begin): boolean {
  return startTick > begin.startTick || (startTick === begin.startTick && pid >= begin.pid);
}

/** What no process that was started before `time` (of `performance.now()`) is later than; undefined when a shortage hides the clock. */
function beginAfter(time: number): Begin | undefined {
  try {
    return { startTick: tickOf(time), pid: Number.POSITIVE_INFINITY };
  } catch (error) {
    if (SHORTAGES.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
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
  } catch (error) {
    if (SHORTAGES.has((error as NodeJS.ErrnoException).code)) throw error;
    // It has gone since the directory was read.
    return undefined;
  }
  // The name in parentheses may contain anything, also parentheses.
  const [state, parent, group, session, , , , , , , , , , , , , , , , startTick] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  return { pid, parent: Number(parent), group: Number(group), session: Number(session), startTick: Number(startTick) };
}

function tickOf(time: number): number {
  const uptimeMs = Number(readFileSync('/proc/uptime', 'latin1').split(' ', 1)[0]) * 1000;
  return Math.floor((uptimeMs - (performance.now() - time)) * TICKS_PER_MS);
}

/** Signals a process group; never one that could be our own or that of every process. False when none was there. */
export function signalGroup(group: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (group === undefined || group <= 1 || group === process.pid) return false;
  return signalOne(-group, signal);
}

function signalOne(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // ESRCH: it has ended meanwhile. EPERM: it runs as another user by now, and this process may not end it.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
}
