// Processor time and memory of a server and all its children, read from /proc. Linux only.

import { readdirSync, readFileSync } from 'node:fs';

// USER_HZ is 100 on every Linux that Node runs on.
const MICROSECONDS_PER_TICK = 10_000;

/** The process ids of `pid` and everything below it. */
export function processTree(pid) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statFields(name)?.[1]);
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(Number(name));
  }
  const found = [];
  const waiting = [pid];
  while (waiting.length > 0) {
    const next = waiting.pop();
    found.push(next);
    waiting.push(...(children.get(next) ?? []));
  }
  return found;
}

/** User plus system time of the tree so far, in microseconds, including children that were waited for. */
export function processorMicroseconds(pid) {
  let ticks = 0;
  for (const id of processTree(pid)) {
    const fields = statFields(id);
    if (fields) ticks += fields.slice(11, 15).reduce((sum, value) => sum + Number(value), 0);
  }
  return ticks * MICROSECONDS_PER_TICK;
}

/** The largest resident set that any process of the tree had, summed over the tree, in MiB. */
export function peakMebibytes(pid) {
  let kibibytes = 0;
  for (const id of processTree(pid)) {
    try {
      kibibytes += Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'latin1'))?.[1] ?? 0);
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    }
  }
  return kibibytes / 1024;
}

/** The memory that the tree holds now, in MiB; pages that processes share count once (the proportional set size). */
export function restingMebibytes(pid) {
  return mebibytesOf(processTree(pid));
}

/** The same for these processes. */
export function mebibytesOf(pids) {
  let kibibytes = 0;
  for (const id of pids) {
    try {
      kibibytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    }
  }
  return kibibytes / 1024;
}

// The fields of /proc/PID/stat behind the command name, which may hold spaces: [0] is the state, [1] the parent.
function statFields(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  }
}
