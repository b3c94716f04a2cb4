// Whether V8 still heeds the flag: a young heap that may grow becomes many times as large under the same load.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MODULE = new URL('../../../build/command-line/running/young-heap.js', import.meta.url).href;

const MEBIBYTE = 1024 * 1024;

/** The size of the young heap, both halves, of a process in which many objects live through its collections, some time after it grew. */
function youngHeapOf(before: string): number {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    ${before}
    const size = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_size;
    const alive = [];
    let count = 0;
    const work = () => { for (let made = 0; made < 2_000; made++) alive[count++ % 2_000] = { count, text: String(count) }; };
    const first = performance.now();
    let grown;
    const turn = () => {
      work();
      const now = performance.now();
      if (size() > 2 * ${MEBIBYTE}) grown ??= now;
      if (now - first < 20_000 && (grown === undefined || now - grown < 1_200)) return setImmediate(turn);
      console.log(size());
      process.exit();
    };
    turn();`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

test('the young heap of a busy server grows once', () => {
  const held = youngHeapOf(`import { holdYoungHeap } from '${MODULE}'; holdYoungHeap();`);
  expect(held).toBeGreaterThan(2 * MEBIBYTE);
  expect(held).toBeLessThanOrEqual(8 * MEBIBYTE);
  expect(youngHeapOf('')).toBeGreaterThan(2 * held);
});
