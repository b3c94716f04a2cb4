// What a server holds: descriptors by kind, processes by command, temporary files, memory. Linux only.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

import { mebibytesOf, processTree } from '../process-tree.mjs';

/** `{ descriptors, children, files, mebibytes }` of a process and the folders that it may write to. */
export function holdingsOf(pid, folders) {
  const children = processTree(pid).slice(1);
  return {
    descriptors: countBy(descriptorsOf(pid)),
    children: countBy(children.flatMap(commandOf)),
    files: countBy(folders.flatMap((folder) => readdirSync(folder, { recursive: true })).map(nameless)),
    // Children of PHP come and go as it likes.
    mebibytes: Math.round(mebibytesOf([pid, ...children.filter((child) => !commandOf(child).some(isOfPool))])),
  };
}

/** Asks again until nothing has changed for `restMs`, or `patienceMs` are over. */
export async function holdingsAtRest(pid, folders, restMs, patienceMs = 60_000) {
  const still = (holdings) => JSON.stringify({ ...holdings, mebibytes: 0 });
  let last = holdingsOf(pid, folders);
  let since = performance.now();
  const end = since + patienceMs;
  while (performance.now() < end && performance.now() - since < restMs) {
    await delay(200);
    const now = holdingsOf(pid, folders);
    if (still(now) !== still(last)) since = performance.now();
    last = now;
  }
  return last;
}

/** A resting shell holds up to two pipes for its next run (decision 032), each with a name in the folder of pipes. */
const KEPT_PIPES = 2;

/** Shells that may rest: one for each script that may run at once. */
const MOST_SHELLS = Math.max(8, 4 * availableParallelism());

/** Children that a pool of PHP may start, and end when it likes; the site says so for each of our processes. */
export const PHP_CHILDREN = 4;

const isOfPool = (name) => name.startsWith('php-fpm: pool');
const isOfShells = (name) => name.endsWith('/onezero-pipes/N');

/**
 * What `after` holds that `before` did not, one line each. Shells rest as long as they like, and so do children of PHP: only more
 * of them than there are places count, and only more pipes than they keep in the folder that so many processes of ours share.
 */
export function gains(before, after, processes) {
  const pipes = KEPT_PIPES * MOST_SHELLS;
  const pools = Object.entries(before.children).find(([name]) => name.startsWith('php-fpm: master'))?.[1] ?? 0;
  const allowed = {
    descriptors: (name, count) => (isOfShells(name) ? count + pipes : count),
    files: (name, count) => (isOfShells(`/${name}`) ? count + pipes * processes : count),
    children: (name, count) => {
      if (isOfPool(name)) return PHP_CHILDREN * pools;
      return isOfShells(name) ? Math.max(MOST_SHELLS, count) : count;
    },
  };
  return Object.keys(allowed).flatMap((kind) =>
    Object.entries(after[kind]).flatMap(([name, count]) => {
      const more = count - allowed[kind](name, before[kind][name] ?? 0);
      return more > 0 ? [`${more} more ${kind}: ${name} (${count})`] : [];
    }),
  );
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
    .replaceAll(/(onezero-php)[0-9a-f]{10}/g, '$1')
    .replaceAll(/\/\d+(?=[/.]|$)/g, '/N');
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
