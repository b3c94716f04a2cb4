// Whether V8 still heeds the flag: a young heap that may grow becomes many times as large under the same load.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MODULE = new URL('../../../build/command-line/running/young-heap.js', import.meta.url).href;

/** The size of the young heap, in bytes, of a process in which many objects live through its collections. */
function youngHeapOf(before: string): number {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    ${before}
    const alive = [];
    for (let count = 0; count < 2_000_000; count++) alive[count % 50_000] = { count, text: String(count) };
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    console.log(young.space_size);`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

test('the young heap of a server does not grow', () => {
  const kept = youngHeapOf(`import { keepYoungHeapSmall } from '${MODULE}'; keepYoungHeapSmall();`);
  expect(kept).toBeLessThan(4 * 1024 * 1024);
  expect(youngHeapOf('')).toBeGreaterThan(2 * kept);
});
