// Holds the part of the heap in which new objects are made at a size that suits a server.
//
// V8 begins with 1 MB, multiplies that as soon as some requests are under way at its collections, up to 16 MB and three times that of
// resident memory, and goes back to 1 MB after a quiet time. A server makes its objects for some microseconds: in 4 MB they still
// stay in the processor's cache, and a fourth of the collections copies what is under way.

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** What V8 begins with, and up to which it has not grown: both halves, of which one is empty. */
const SMALL_BYTES = 2 * 1024 * 1024;

/** From 1 MB to 4 MB at once. */
const GROWTH = 4;

/** How often is looked, and for how long growth is allowed then: some collections of a busy server, too few for growing twice. */
const LOOK_MS = 1_000;
const ALLOWED_MS = 100;

/** For all of the process from now on. */
export function holdYoungHeap(): void {
  allow(1);
  setInterval(look, LOOK_MS).unref();
}

function look(): void {
  if (youngHeapBytes() > SMALL_BYTES) return;
  allow(GROWTH);
  setTimeout(allow, ALLOWED_MS, 1).unref();
}

/** A factor of 1 leaves the young heap as large as it is. */
function allow(factor: number): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}

function youngHeapBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
