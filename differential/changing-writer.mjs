// Changes files as long as it lives: node changing-writer.mjs FOLDER SEED. Says `ready`, and at SIGTERM how many lines a second
// each log got.

import { openSync, renameSync, statSync, symlinkSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LINE_BYTES, logLine } from './changing.mjs';
import { randomSource } from './random.mjs';

const LINES_PER_SECOND = 3500;

const [folder, seed] = process.argv.slice(2);
const root = join(folder, 'root');
const random = randomSource(Number(seed));
const logs = ['small.log', 'large.log'].map((name) => {
  const path = join(root, name);
  return { descriptor: openSync(path, 'a'), first: statSync(path).size / LINE_BYTES };
});
const started = performance.now();
let lines = 0;
let version = 0;

function change() {
  const due = ((performance.now() - started) / 1000) * LINES_PER_SECOND;
  // Each line is a write of its own, as programs log.
  for (; lines < due; lines++) {
    for (const { descriptor, first } of logs) writeSync(descriptor, logLine(first + lines));
  }
  if (random.chance(0.2)) replace();
  if (random.chance(0.2)) swap();
  if (random.chance(0.2)) rewrite();
}

/** Some versions are as long as the ones before, and of the same time. */
function replace() {
  const line = `version ${version++ % 10}\n`;
  writeFileSync(join(folder, 'next'), line.repeat(random.pick([1, 1, 100, 10_000, random.int(1, 200_000)])));
  renameSync(join(folder, 'next'), join(root, 'version.txt'));
}

function swap() {
  symlinkSync(random.pick(['a', 'b']), join(folder, 'link'));
  renameSync(join(folder, 'link'), join(root, 'current'));
}

function rewrite() {
  truncateSync(join(root, 'place.bin'), random.int(0, 1000));
  writeFileSync(join(root, 'place.bin'), Buffer.alloc(random.length(300_000)));
}

console.log('ready');
const timer = setInterval(change, 1);
process.on('SIGTERM', () => {
  clearInterval(timer);
  console.log(Math.round(lines / ((performance.now() - started) / 1000)));
});
