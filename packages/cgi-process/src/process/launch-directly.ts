// Starts a child with `child_process.spawn`, as leader of its own session, on real pipes.
//
// The pipes come from FIFOs (see `fifo-directory.ts`); where `mkfifo` does not exist, Node's sockets stand in and only
// `/dev/stdin` and its like suffer. Whatever was opened is closed again on every way out.

import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fromByteString } from '../byte-string.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { checkPlan } from './program.ts';
import { FifoDirectory, openForReading, openForWriting } from './fifo-directory.ts';
import type { PipeEnds } from './fifo-directory.ts';
import { inputOf } from './fifo-streams.ts';
import type { Launched, LaunchPlan, Status } from './launch.ts';
import { OutputPipe, outputsOf } from './output-pipe.ts';
import { signalsOfSession } from './session.ts';
import { checkStrings, ProcessError, startFailure } from './process-error.ts';

const NO_BYTES = Buffer.alloc(0);

/** One for each user that commands run as: a process can open `/dev/stdin` and `/dev/stderr` if the FIFO is its user's. */
const directories = new Map<string, FifoDirectory>();
/**
 * Not in a worker thread: Node closes, when the thread ends, the numbers of descriptors that a socket there was made of and has
 * closed long before, and by then they are files of other threads.
 */
let hasFifos = process.platform !== 'win32' && isMainThread;

/** There is no `mkfifo`, or no directory to put FIFOs in. */
const WITHOUT_PLACE = new Set<string | undefined>(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS']);

/** A directory, and three FIFOs in it. */
interface Taken {
  readonly directory: FifoDirectory;
  readonly names: readonly [string, string, string];
}

/** Three FIFO names, or undefined where there are none to be had. */
async function takeFifos({ uid, gid }: LaunchPlan): Promise<Taken | undefined> {
  if (!hasFifos) return undefined;
  const isOther = uid !== undefined && uid !== process.getuid?.();
  const key = isOther ? `${uid}:${gid}` : '';
  try {
    const directory = directories.get(key) ?? new FifoDirectory(isOther ? { uid, gid: gid ?? uid } : undefined);
    directories.set(key, directory);
    return { directory, names: [await directory.take(), await directory.take(), await directory.take()] };
  } catch (error) {
    const code: unknown = (error as NodeJS.ErrnoException).code;
    // The exit code of `mkfifo`: a file system without FIFOs, or without room for one now.
    if (typeof code === 'number') return undefined;
    if (!WITHOUT_PLACE.has(code as string | undefined)) throw error;
    // That another user cannot be given FIFOs says nothing about this one.
    if (!isOther) hasFifos = false;
    return undefined;
  }
}

/** Descriptors on their way to a child; `closeAll` closes those that were not handed over. */
class Descriptors {
  readonly #open = new Set<number>();

  addEnds(ends: PipeEnds): PipeEnds {
    this.#open.add(ends.readEnd);
    this.#open.add(ends.writeEnd);
    return ends;
  }

  handOver(descriptor: number): number {
    this.#open.delete(descriptor);
    return descriptor;
  }

  closeAll(): void {
    for (const descriptor of this.#open) closeSync(descriptor);
    this.#open.clear();
  }
}

/** A file that was just written is executed by no system while its writer has it open: usually for this long at most. */
export const BUSY_MS = 50;

/** Whether a command did not start because a process has its file open for writing, which passes. */
export function isBusy(error: unknown): boolean {
  return error instanceof ProcessError && error.code === 'file-busy';
}

/** Starts a command, and tries twice where its file is open for writing. See `Launched`. */
export async function launchDirectly(plan: LaunchPlan): Promise<Launched> {
  try {
    return await launchOnce(plan);
  } catch (error) {
    if (!isBusy(error)) throw error;
    await delay(BUSY_MS);
    return launchOnce(plan);
  }
}

async function launchOnce(plan: LaunchPlan): Promise<Launched> {
  checkStrings([plan.command, ...plan.args, plan.cwd ?? ''], plan.environment);
  checkPlan(plan);
  checkThread(plan);
  try {
    const taken = await takeFifos(plan);
    return await (taken === undefined ? launchOnSockets(plan) : launchOnFifos(plan, taken));
  } catch (error) {
    throw startFailure(error as NodeJS.ErrnoException, plan.command, plan.cwd);
  }
}

/** A umask belongs to the process, and Node lets only its main thread change it. */
function checkThread({ command, umask }: LaunchPlan): void {
  if (umask === undefined || isMainThread) return;
  throw new ProcessError('bad-argument', `${command}: a umask cannot be set from a worker thread`);
}

async function launchOnFifos(
  plan: LaunchPlan,
  { directory, names: [inPath, outPath, errPath] }: Taken,
): Promise<Launched> {
  const descriptors = new Descriptors();
  try {
    const output = descriptors.addEnds(openForReading(outPath));
    const errors = descriptors.addEnds(openForReading(errPath));
    const input = plan.stdin === 'pipe' ? descriptors.addEnds(openForWriting(inPath)) : undefined;
    const stdin = input?.readEnd ?? (plan.stdin as 'ignore' | number);
    const child = await spawned(plan, [stdin, output.writeEnd, errors.writeEnd]);
    const ended = endOf(child);
    if (input === undefined) directory.giveBack(inPath);
    const pipeOf = (path: string, { readEnd }: PipeEnds): OutputPipe =>
      new OutputPipe(directory, { path, readEnd: descriptors.handOver(readEnd), first: NO_BYTES, hasWriters: true });
    return {
      ...launchedOn(child.pid, ended, [pipeOf(outPath, output), pipeOf(errPath, errors)]),
      stdin: input === undefined ? undefined : inputOf(descriptors.handOver(input.writeEnd), directory, inPath, ended),
    };
  } catch (error) {
    for (const path of [inPath, outPath, errPath]) directory.discard(path);
    throw error;
  } finally {
    descriptors.closeAll();
  }
}

function launchedOn(
  pid: number | undefined,
  ended: Promise<Status>,
  [stdout, stderr]: readonly [OutputPipe, OutputPipe],
): Omit<Launched, 'stdin'> {
  return {
    pid,
    ended,
    signalAll: signalsOfSession(pid, ended),
    ...outputsOf(stdout, stderr),
  };
}

async function launchOnSockets(plan: LaunchPlan): Promise<Launched> {
  const child = await spawned(plan, [plan.stdin, 'pipe', 'pipe']);
  const [stdout, stderr] = [child.stdout as Socket, child.stderr as Socket];
  const ended = endOf(child);
  return {
    pid: child.pid,
    ended,
    signalAll: signalsOfSession(child.pid, ended),
    stdin: child.stdin ?? undefined,
    stdout,
    stderr,
    // Node itself reads what is left and closes them.
    settleOutputs: () => {},
    ignoreOutputs: () => {
      stdout.destroy();
      stderr.destroy();
    },
  };
}

/** Resolves when the system has started the command; rejects with its error. */
async function spawned(plan: LaunchPlan, stdio: NonNullable<SpawnOptions['stdio']>): Promise<ChildProcess> {
  const child = spawnWithUmask(plan, stdio);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return child;
}

function spawnWithUmask(plan: LaunchPlan, stdio: NonNullable<SpawnOptions['stdio']>): ChildProcess {
  const { command, args, environment, cwd, uid, gid, umask } = plan;
  const before = umask === undefined ? undefined : process.umask(umask);
  try {
    const ids = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    return spawn(command, args, { env: textOf(environment), cwd, stdio, detached: true, ...ids });
  } finally {
    if (before !== undefined) process.umask(before);
  }
}

/** Node writes variables as UTF-8 only: one whose bytes are something else cannot be passed and is left out. */
function textOf(environment: Readonly<Record<string, string>>): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    const text = fromByteString(value);
    if (text !== undefined) variables[name] = text;
  }
  return variables;
}

async function endOf(child: ChildProcess): Promise<Status> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
}
