// Adds up the reports that each package's test run left, and prints one closing line for the whole repository.
//
// A run that executed nothing is a failure: a green line must mean that tests ran.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const folders = ['packages', 'apps'].flatMap((parent) =>
  readdirSync(new URL(parent, root)).map((name) => `${parent}/${name}`),
);
folders.push('bench', 'cookbook');

let passed = 0;
let failed = 0;
let skipped = 0;
const skippedNames = [];
for (const folder of folders) {
  const report = new URL(`${folder}/.turbo/test-report.json`, root);
  if (!existsSync(report)) continue;
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  for (const test of testResults.flatMap((file) => file.assertionResults)) {
    if (test.status === 'passed') passed++;
    else if (test.status === 'failed') failed++;
    else {
      skipped++;
      skippedNames.push(`${folder}: ${test.fullName}`);
    }
  }
}
for (const name of skippedNames) console.log(`skipped  ${name}`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
if (passed === 0 || failed > 0) process.exitCode = 1;
