// How large the code is: for each package files, lines of code, the longest file, and how many lines test one line.
//
//   node scripts/measure.mjs [--files]     --files lists the files beyond the length that CONTRIBUTING.md names
//   node scripts/measure.mjs --check       prints nothing but these, and fails where there are any but those that may be long
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const MOST_LINES = 250;

// A worker of Python is one program that is read from its start to its end; parts of it would each be loaded at every start.
const MAY_BE_LONG = new Set(['asgi.py', 'wsgi.py'].map((name) => `packages/python/python/onezero_worker/${name}`));

/** Lines that are neither empty nor only a comment. */
function codeLines(text, file) {
  const comment = file.endsWith('.py') || file.endsWith('.sh') ? /^#/ : /^\/\//;
  let isInBlock = false;
  let count = 0;
  for (const given of text.split('\n')) {
    const line = given.trim();
    if (isInBlock) isInBlock = !line.includes('*/');
    else if (line.startsWith('/*')) {
      isInBlock = !line.includes('*/');
      if (!isInBlock && !line.endsWith('*/')) count++;
    } else if (line !== '' && !comment.test(line)) count++;
  }
  return count;
}

/** `{ file, lines }` of each source file below a folder. */
function measure(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true })
    .filter((file) => /\.(ts|mjs|js|py|sh)$/.test(file) && !/node_modules|(^|\/)(dist|fixtures|htdocs)\//.test(file))
    .map((file) => ({
      file: join(folder, file),
      lines: codeLines(readFileSync(join(root, folder, file), 'utf8'), file),
    }));
}

/** What a package is made of. */
function sourcesOf(name) {
  return [...measure(join('packages', name, 'src')), ...measure(join('packages', name, 'python'))];
}

const sum = (files) => files.reduce((total, { lines }) => total + lines, 0);

/** The middle of some lengths. */
function median(files) {
  const lengths = files.map(({ lines }) => lines).toSorted((a, b) => a - b);
  return lengths[lengths.length >> 1] ?? 0;
}

if (process.argv.includes('--check')) {
  const files = readdirSync(join(root, 'packages')).flatMap((name) => sourcesOf(name));
  const tooLong = files.filter(({ file, lines }) => lines > MOST_LINES && !MAY_BE_LONG.has(file));
  for (const { file, lines } of tooLong) console.error(`${file} has ${lines} lines of code, more than ${MOST_LINES}`);
  process.exit(tooLong.length > 0 ? 1 : 0);
}

const names = readdirSync(join(root, 'packages'));
const long = [];
console.log('package          files   lines  median  longest   tests  tests/source');
const totals = { source: 0, tests: 0 };
for (const name of names) {
  const source = sourcesOf(name);
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
