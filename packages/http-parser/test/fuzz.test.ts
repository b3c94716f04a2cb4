import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

// `pnpm run fuzz` sets COUNT to ten million. A failure names the SEED that repeats it.
const count = Number(process.env['COUNT'] ?? 5000);
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

test(`any input gives events in order or one error, however it is cut (SEED=${seed})`, async () => {
  await fuzz(seed, count, (done) => console.log(`SEED=${seed}: ${done} inputs`));
  expect(count).toBeGreaterThan(0);
});
