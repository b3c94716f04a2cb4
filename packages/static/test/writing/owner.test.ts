// A name says which process chose it, and the kernel says whether that one lives.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { livenessOf, ownName } from '../../src/writing/owner.ts';

/** The parts of a name: kernel and namespace, process, its start time, a token, a count. */
const PARTS = /^([0-9a-f]+\.\d+)\.(\d+)\.(\d+)\.([0-9a-f]{12})-(\d+)$/;

function parts(): readonly string[] {
  const match = PARTS.exec(ownName());
  if (match === null) throw new Error('no name of that form');
  return match.slice(1);
}

/** The name that a process of this kernel would have chosen. */
const nameOf = (processId: number, start: string, token = 'ffffffffffff'): string =>
  `${parts()[0]}.${processId}.${start}.${token}-1`;

const startOf = (processId: number): string => {
  const stat = readFileSync(`/proc/${processId}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
};

describe.skipIf(process.platform !== 'linux')('a name of one’s own', () => {
  test('says who and when, and is never chosen twice', () => {
    const [, processId, start] = parts();
    expect([processId, start]).toEqual([String(process.pid), startOf(process.pid)]);
    const names = Array.from({ length: 1000 }, ownName);
    expect(new Set(names).size).toBe(1000);
    expect(names.every((name) => livenessOf(name) === 'alive')).toBe(true);
    expect(livenessOf(`${names[0]}.claim`)).toBe('alive');
  });

  test('of the same number and time with another token is alive too: this process has it', () => {
    expect(livenessOf(nameOf(process.pid, startOf(process.pid)))).toBe('alive');
  });
});

describe.skipIf(process.platform !== 'linux')('the name of another process', () => {
  test('is that of a living one until it ends', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'inherit'] });
    await once(child, 'spawn');
    const name = nameOf(child.pid ?? 0, startOf(child.pid ?? 0));
    expect(livenessOf(name)).toBe('alive');
    child.stdin.end();
    await once(child, 'exit');
    expect(livenessOf(name)).toBe('dead');
  });

  test('is that of a dead one where its number was given to another', () => {
    expect(livenessOf(nameOf(process.pid, String(Number(startOf(process.pid)) - 1)))).toBe('dead');
    expect(livenessOf(nameOf(1, '999999999999'))).toBe('dead');
  });

  test('says nothing where the kernel or the namespace is another', () => {
    const [place = ''] = parts();
    const [boot, namespace] = place.split('.');
    const rest = `${process.pid}.${startOf(process.pid)}.ffffffffffff-1`;
    expect(livenessOf(`${boot}.${Number(namespace) + 1}.${rest}`)).toBe('unknown');
    expect(livenessOf(`${boot?.replace(/./, (digit) => (digit === '0' ? '1' : '0'))}.${namespace}.${rest}`)).toBe(
      'unknown',
    );
    // Where /proc says nothing, all names are alike.
    expect(livenessOf(`0.0.${rest}`)).toBe('unknown');
  });

  test.each([
    '',
    'used',
    'a.txt',
    '.claim',
    'deadbeef.1.2.3',
    'x.1.2.3.ffffffffffff-1',
    '0.0.1.2.FFFFFFFFFFFF-1',
    '../../etc',
  ])('is none, and says nothing: %j', (name) => {
    expect(livenessOf(name)).toBe('unknown');
  });
});
