import { strictEqual } from 'node:assert';
import { test } from 'node:test';

import { complaintOf } from '../complaint.mjs';

await test('is the first error that no test caught', () => {
  const bars = '\u23af'.repeat(4);
  const output = [
    ` Tests  3 passed`,
    `${bars} Unhandled Errors ${bars}`,
    'Vitest caught 2 unhandled errors during the test run.',
    `\u001b[31m${bars}\u001b[1m Unhandled Rejection \u001b[22m${bars}\u001b[39m`,
    'Error: nobody waits',
    ' at test/a.test.ts:2:45',
    `${bars} Uncaught Exception ${bars}`,
    'Error: in a timer',
  ].join('\n');
  strictEqual(complaintOf(output), 'Unhandled Rejection Error: nobody waits at test/a.test.ts:2:45');
});

await test('is the last line where there is none, and says so where there is no output', () => {
  strictEqual(
    complaintOf('a\n\nError: Worker exited unexpectedly\n\nJSON report written to a.json\n'),
    'Error: Worker exited unexpectedly',
  );
  strictEqual(complaintOf('\n'), 'no output');
});
