// Holds the part of the heap in which new objects are made at a size that suits a server.
//
// V8 begins with 1 MB, which the start may double, multiplies that as soon as some requests are under way at its collections, up to
// 16 MB and three times that of resident memory, and goes back to 1 MB after a quiet time. A server makes its objects for some
// microseconds: in halves of 2 MB they still stay in the processor's cache, and half of the collections copies what is under way.

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** Both halves, of which one is empty. */
const WANTED_BYTES = 4 * 1024 * 1024;

/** How often is looked, and how much of that time a process has to have worked to be busy. */
const LOOK_MS = 1_000;
const BUSY_MS = 200;

/** What is kept alive until the young heap grows: lists of 8 KB, of which it takes about as much as one half has. */
const MOST_LISTS = 600;
const LIST_LENGTH = 1_000;

/** For all of the process from now on. */
export function holdYoungHeap(): void {
  allow(1);
  let worked = process.cpuUsage();
  setInterval(() => {
    const { user, system } = process.cpuUsage(worked);
    worked = process.cpuUsage();
    if (user + system > BUSY_MS * 1000 && size() < WANTED_BYTES) grow();
  }, LOOK_MS).unref();
}

/** Growth comes with a collection that many objects live through. Here it comes at once, so that it comes once. */
function grow(): void {
  const alive: unknown[] = [];
  const before = size();
  // Not less: a factor of 1 would leave it small, and this would be tried again each second.
  allow(Math.ceil(WANTED_BYTES / before));
  while (size() === before && alive.length < MOST_LISTS)
    alive.push(Array.from({ length: LIST_LENGTH }, () => alive.length));
  allow(1);
}

/** A factor of 1 leaves the young heap as large as it is. */
function allow(factor: number): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}

function size(): number {
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return young?.space_size ?? WANTED_BYTES;
}
