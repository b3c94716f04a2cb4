import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { originalFileLimit, type ReadProcess } from '../../src/spawner/descriptor-limit.ts';
import { hasFittingShell, plain, Scripts } from '../mount.ts';

const scripts = new Scripts({ hello: plain('ulimit -S -n') });
afterAll(() => scripts.remove());

/** Processes by number: what each is called, who started it, and its limits. This one is 9. */
function reading(
  table: Readonly<Record<number, readonly [string, number, number | 'unlimited', number | 'unlimited']>>,
): ReadProcess {
  return (pid, file) => {
    const [name, parent, soft, hard] = table[pid === 'self' ? 9 : pid] ?? [];
    if (name === undefined) return undefined;
    if (file === 'comm') return `${name}\n`;
    if (file === 'stat') return `${pid} (a ) b) S ${parent} 1 1 0`;
    return `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}     ${hard}    files\n`;
  };
}

describe('originalFileLimit', () => {
  test.each([
    ['that of the shell', { 9: ['node', 5, 4096, 4096], 5: ['bash', 1, 1024, 4096], 1: ['init', 0, 4096, 4096] }, 1024],
    ['that before npm, which Node runs', { 9: ['node', 6, 99, 99], 6: ['npm', 5, 99, 99], 5: ['sh', 1, 64, 99] }, 64],
    [
      'that of a service of systemd',
      { 9: ['node', 1, 524_288, 524_288], 1: ['systemd', 0, 1_048_576, 1_048_576] },
      1024,
    ],
    ['nothing when it was not raised', { 9: ['node', 5, 1024, 4096], 5: ['bash', 1, 512, 4096] }, undefined],
    ['nothing when all have one limit', { 9: ['node', 1, 4096, 4096], 1: ['init', 0, 4096, 4096] }, undefined],
    ['nothing when a parent cannot be seen', { 9: ['node', 5, 4096, 4096] }, undefined],
    ['nothing above the hard limit', { 9: ['node', 5, 512, 512], 5: ['bash', 1, 1024, 4096] }, undefined],
    ['an unlimited hard limit', { 9: ['node', 5, 'unlimited', 'unlimited'], 5: ['sh', 1, 256, 'unlimited'] }, 256],
  ] as const)('is %s', (_, table, expected) => {
    expect(originalFileLimit(reading(table as never))).toBe(expected);
  });

  test.skipIf(!hasFittingShell)('is what scripts get that shells start', async () => {
    const runner = join(import.meta.dirname, '../fixtures/scarce.mjs');
    // The shell stays, as the parent that has the limit.
    const command = 'ulimit -S -n 300; "$0" "$@"; exit $?';
    const args = ['-c', command, process.execPath, runner, scripts.path, '1'];
    const { stdout } = await promisify(execFile)('/bin/sh', args);
    expect(JSON.parse(stdout)).toMatchObject({ after: { status: 200, text: '300\n' } });
  });
});
