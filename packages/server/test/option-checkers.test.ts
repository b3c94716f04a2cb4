import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const packages = join(import.meta.dirname, '../..');

test.each([
  ['static/src/options/shape.ts', 'cgi-process/src/options/shape.ts'],
  ['static/src/options/checks.ts', 'cgi-process/src/options/checks.ts'],
  ['static/src/options/nearest.ts', 'cgi-process/src/options/nearest.ts'],
  ['static/src/options/nearest.ts', 'http-parser/src/nearest.ts'],
])('%s and %s are the same', (one, other) => {
  expect(readFileSync(join(packages, other), 'utf8')).toBe(readFileSync(join(packages, one), 'utf8'));
});
