// What a server holds: descriptors by kind, processes by command, temporary files, memory. Linux only.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { processTree, restingMebibytes } from '../process-tree.mjs';

/** `{ descriptors, children, files, mebibytes }` of a process and the folders that it may write to. */
export function holdingsOf(pid, folders) {
  return {
    descriptors: countBy(descriptorsOf(pid)),
    children: countBy(processTree(pid).slice(1).flatMap(commandOf)),
    files: folders.flatMap((folder) => readdirSync(folder, { recursive: true })).length,
    mebibytes: Math.round(restingMebibytes(pid)),
  };
}

/** Asks again until nothing has changed for three seconds, or `patienceMs` are over. */
export async function holdingsAtRest(pid, folders, patienceMs = 60_000) {
  const still = (holdings) => JSON.stringify({ ...holdings, mebibytes: 0 });
  let last = holdingsOf(pid, folders);
  let since = performance.now();
  const end = since + patienceMs;
  while (performance.now() < end && performance.now() - since < 3000) {
    await delay(200);
    const now = holdingsOf(pid, folders);
    if (still(now) !== still(last)) since = performance.now();
    last = now;
  }
  return last;
}

/** What `after` holds that `before` did not, one line each. */
export function gains(before, after) {
  const lines = [];
  for (const kind of ['descriptors', 'children']) {
    for (const [name, count] of Object.entries(after[kind])) {
      const more = count - (before[kind][name] ?? 0);
      if (more > 0) lines.push(`${more} more ${kind}: ${name} (${count})`);
    }
  }
  if (after.files > before.files) lines.push(`${after.files - before.files} more files`);
  return lines;
}

function countBy(names) {
  const counts = {};
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** A path without what is random in it, such as the name of a temporary folder, and without word of its removal. */
function nameless(path) {
  return path
    .replace(/ \(deleted\)$/, '')
    .replaceAll(/(onezero-[a-z]+)-\w{6}/g, '$1')
    .replaceAll(/\/\d+(?=\/|$)/g, '/N');
}

/** What each descriptor is: `socket`, `pipe`, or the path it leads to. */
function descriptorsOf(pid) {
  return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return [nameless(readlinkSync(`/proc/${pid}/fd/${name}`).replace(/:\[\d+\]$/, ''))];
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
      return [];
    }
  });
}

function commandOf(pid) {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return [nameless(words.slice(0, 2).join(' ')) || 'a process that has ended'];
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    return [];
  }
}
