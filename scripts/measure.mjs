// How large the code is: for each package files, lines of code, the longest file, and how many lines test one line.
//
//   node scripts/measure.mjs [--files]     --files lists the files beyond the length that CONTRIBUTING.md names
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const MOST_LINES = 250;

/** Lines that are neither empty nor only a comment. */
function codeLines(text) {
  const withoutBlocks = text.replaceAll(/^\s*\/\*\*?[^]*?\*\/\s*$/gm, '');
  return withoutBlocks.split('\n').filter((line) => line.trim() !== '' && !/^\s*(\/\/|#)/.test(line)).length;
}

/** `{ file, lines }` of each source file below a folder. */
function measure(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true })
    .filter((file) => /\.(ts|mjs|js|py|sh)$/.test(file) && !/node_modules|(^|\/)(dist|fixtures|htdocs)\//.test(file))
    .map((file) => ({ file: join(folder, file), lines: codeLines(readFileSync(join(root, folder, file), 'utf8')) }));
}

const sum = (files) => files.reduce((total, { lines }) => total + lines, 0);

/** The middle of some lengths. */
function median(files) {
  const lengths = files.map(({ lines }) => lines).toSorted((a, b) => a - b);
  return lengths[lengths.length >> 1] ?? 0;
}

const names = readdirSync(join(root, 'packages'));
const long = [];
console.log('package          files   lines  median  longest   tests  tests/source');
const totals = { source: 0, tests: 0 };
for (const name of names) {
  const source = [...measure(join('packages', name, 'src')), ...measure(join('packages', name, 'python'))];
  const tests = measure(join('packages', name, 'test'));
  const longest = Math.max(0, ...source.map(({ lines }) => lines));
  long.push(...source.filter(({ lines }) => lines > MOST_LINES));
  totals.source += sum(source);
  totals.tests += sum(tests);
  const cells = [source.length, sum(source), median(source), longest, sum(tests)].map((value, at) =>
    String(value).padStart([6, 8, 8, 9, 8][at]),
  );
  console.log(`${name.padEnd(16)}${cells.join('')}${(sum(tests) / sum(source)).toFixed(2).padStart(14)}`);
}
console.log(
  `${'together'.padEnd(22)}${String(totals.source).padStart(8)}${''.padStart(17)}${String(totals.tests).padStart(8)}${(totals.tests / totals.source).toFixed(2).padStart(14)}`,
);
for (const folder of ['apps', 'bench', 'cookbook', 'differential', 'docs', 'scripts']) {
  console.log(`${folder.padEnd(16)}${String(sum(measure(folder))).padStart(14)}`);
}
if (process.argv.includes('--files')) for (const { file, lines } of long) console.log(`${lines} ${file}`);
