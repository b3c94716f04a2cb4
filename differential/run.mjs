// Runs one comparison for as long as wished:
//
//   node differential/run.mjs NAME [--seed S] [--count N] [--verbose]
//
// Ends with 1 where there are differences that nobody has explained. The seed is printed, so a run can be repeated.

import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, count: { type: 'string' }, verbose: { type: 'boolean' } },
});
const [name] = positionals;
if (name === undefined) throw new Error('which comparison? node differential/run.mjs NAME [--seed S] [--count N]');

const seed = Number(values.seed ?? Date.now() % 2 ** 32);
const { compare } = await import(`./${name}.mjs`);
console.log(`${name}: seed ${seed}`);
const { checked, differences } = await compare({
  seed,
  ...(values.count === undefined ? {} : { count: Number(values.count) }),
  log: values.verbose ? console.log : () => undefined,
});
for (const difference of differences) {
  console.log(typeof difference === 'string' ? difference : JSON.stringify(difference));
}
console.log(`${checked} checked, ${differences.length} differences`);
if (differences.length > 0 || checked === 0) process.exitCode = 1;
