// Long work in pieces of some milliseconds, between which the loop turns and others are answered.

import { setImmediate as loopTurned } from 'node:timers/promises';

/** Names sorted or looked through before others get their turn: some milliseconds for names of all scripts. */
const SLICE = 512;

/** A merge sort whose runs are sorted one per turn of the loop. */
export async function sortInSlices<Value>(
  values: readonly Value[],
  compare: (a: Value, b: Value) => number,
): Promise<readonly Value[]> {
  let runs: (readonly Value[])[] = [];
  for (let start = 0; start < values.length; start += SLICE) {
    if (start > 0) await loopTurned();
    runs.push(values.slice(start, start + SLICE).toSorted(compare));
  }
  while (runs.length > 1) {
    const merged: (readonly Value[])[] = [];
    for (let index = 0; index < runs.length; index += 2) {
      merged.push(await merge(runs[index] ?? [], runs[index + 1] ?? [], compare));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<Value>(
  left: readonly Value[],
  right: readonly Value[],
  compare: (a: Value, b: Value) => number,
): Promise<readonly Value[]> {
  const merged: Value[] = [];
  let [fromLeft, fromRight] = [0, 0];
  for (let a = left[0], b = right[0]; a !== undefined || b !== undefined;) {
    if (b === undefined || (a !== undefined && compare(a, b) <= 0)) {
      if (a !== undefined) merged.push(a);
      a = left[++fromLeft];
    } else {
      merged.push(b);
      b = right[++fromRight];
    }
    if (merged.length % SLICE === 0) await loopTurned();
  }
  return merged;
}

/** The values that pass, in their order. */
export async function filterInSlices<Value>(
  values: readonly Value[],
  passes: (value: Value) => boolean,
): Promise<readonly Value[]> {
  const passed: Value[] = [];
  for (const [index, value] of values.entries()) {
    if (index > 0 && index % (8 * SLICE) === 0) await loopTurned();
    if (passes(value)) passed.push(value);
  }
  return passed;
}

/** What `make` makes of each slice of the values, in order. */
export async function mapInSlices<Value, Made>(
  values: readonly Value[],
  make: (slice: readonly Value[]) => Made,
): Promise<readonly Made[]> {
  const made: Made[] = [];
  for (let start = 0; start < values.length; start += SLICE) {
    if (start > 0) await loopTurned();
    made.push(make(values.slice(start, start + SLICE)));
  }
  return made;
}
