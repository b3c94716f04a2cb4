// Names this process so that others can ask the kernel whether it lives.
//
// A process number alone says nothing: numbers start over, and every container has a process 1. So the name has the kernel's
// boot id, the PID namespace, the number and the start time of the process. A process of the same kernel and namespace is
// asked for by number and start time; of any other nothing is known, and only its files can show whether it goes on.

import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { isErrorOf } from '../files/disk.ts';
import { throwOurs } from '../files/system-errors.ts';

/** Whether the process that made a file runs; `unknown` where the kernel of this process cannot say. */
export type Liveness = 'alive' | 'dead' | 'unknown';

const NAME = /^([0-9a-f]+\.\d+)\.(\d+)\.(\d+)\.([0-9a-f]{12})-\d+(?:\.[\w-]{16})?(?:\.claim)?$/;

const TOKEN = randomBytes(6).toString('hex');

let place: string | undefined;
let own: string | undefined;
let written = 0;

/** A name that no other writer will choose, and that says who chose it. */
export function ownName(): string {
  place ??= kernelPlace();
  own ??= `${place}.${process.pid}.${startTime('self') ?? 0}.${TOKEN}`;
  written++;
  return `${own}-${written}`;
}

/** Whether this process chose a name. */
export function isOwnName(name: string): boolean {
  return NAME.exec(name)?.[4] === TOKEN;
}

/** Whether the process that chose a name runs. */
export function livenessOf(name: string): Liveness {
  const [, where, number, start, token] = NAME.exec(name) ?? [];
  if (token === TOKEN) return 'alive';
  place ??= kernelPlace();
  if (where === undefined || where !== place || where === NO_PLACE) return 'unknown';
  const now = startTime(String(number));
  if (now !== undefined) return now === start ? 'alive' : 'dead';
  // Some systems hide the processes of other users in /proc.
  return isNumberTaken(Number(number)) ? 'unknown' : 'dead';
}

/** Where /proc does not say who we are, no file of another process can be judged by its name. */
const NO_PLACE = '0.0';

function kernelPlace(): string {
  const boot = read('/proc/sys/kernel/random/boot_id')?.replaceAll(/[^0-9a-f]/g, '');
  const namespace = /\d+/.exec(readLink('/proc/self/ns/pid') ?? '')?.[0];
  return boot === undefined || boot === '' || namespace === undefined ? NO_PLACE : `${boot}.${namespace}`;
}

/** Field 22 of `/proc/<pid>/stat`, in clock ticks since boot; the name before it may hold blanks and parentheses. */
function startTime(processId: string): string | undefined {
  const stat = read(`/proc/${processId}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function isNumberTaken(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (error) {
    return isErrorOf(error, 'EPERM');
  }
}

function read(path: string): string | undefined {
  return unlessAbsent(() => readFileSync(path, 'latin1'));
}

function readLink(path: string): string | undefined {
  return unlessAbsent(() => readlinkSync(path));
}

function unlessAbsent(look: () => string): string | undefined {
  try {
    return look();
  } catch (error) {
    throwOurs(error);
    return undefined;
  }
}
