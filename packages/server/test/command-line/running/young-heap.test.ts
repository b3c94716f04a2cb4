// Whether V8 still heeds the flag: a young heap that may grow becomes many times as large under the same load.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MODULE = new URL('../../../build/command-line/running/young-heap.js', import.meta.url).href;

const MEBIBYTE = 1024 * 1024;

/**
 * The size of the young heap, both halves, of a process in which many objects live through its collections, some work after it grew.
 * Its timers run by the work that is done: a machine that has little processor time to give is no quiet process.
 */
function youngHeapOf(before: string): number {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    const looks = [];
    globalThis.setInterval = (look) => (looks.push(look), { unref() {} });
    ${before}
    const size = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space').space_size;
    const alive = [];
    let count = 0;
    const work = () => { for (let made = 0; made < 2_000; made++) alive[count++ % 2_000] = { count, text: String(count) }; };
    const workedMs = (since) => { const { user, system } = process.cpuUsage(since); return (user + system) / 1000; };
    let looked = process.cpuUsage();
    let grown;
    const turn = () => {
      work();
      if (workedMs(looked) > 400) {
        looked = process.cpuUsage();
        for (const look of looks) look();
      }
      if (size() > 2 * ${MEBIBYTE}) grown ??= process.cpuUsage();
      if (workedMs() < 10_000 && (grown === undefined || workedMs(grown) < 800)) return setImmediate(turn);
      console.log(size());
      process.exit();
    };
    turn();`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

test('the young heap of a busy server grows once', () => {
  const held = youngHeapOf(`const { holdYoungHeap } = await import('${MODULE}'); holdYoungHeap();`);
  expect(held).toBeGreaterThan(2 * MEBIBYTE);
  expect(held).toBeLessThanOrEqual(8 * MEBIBYTE);
  expect(youngHeapOf('')).toBeGreaterThan(2 * held);
});
