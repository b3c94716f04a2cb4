// Clients that people use, unmodified.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Served } from './served.ts';

function isInstalled(program: string): boolean {
  const isThere = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!isThere && process.env['CI'] !== undefined) throw new Error(`${program} is not installed`);
  return isThere;
}

interface Output {
  readonly code: number | null;
  readonly text: string;
}

let served: Served;
let home: string;

beforeEach(async () => {
  served = await Served.start({}, { path: '/dav' });
  home = mkdtempSync(join(tmpdir(), 'onezero-webdav-home-'));
});

afterEach(async () => {
  await served.close();
  rmSync(home, { recursive: true, force: true });
});

function run(program: string, args: readonly string[], { input = '', env = {} } = {}): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: home, env: { ...process.env, HOME: home, ...env } });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text }));
    child.stdin.end(input);
  });
}

describe.skipIf(!isInstalled('litmus'))('litmus', () => {
  test.each([
    ['basic', 16],
    ['copymove', 13],
    ['props', 30],
    ['locks', 41],
    ['http', 4],
  ])('has nothing to object to in its suite %s', async (suite, count) => {
    const { text } = await run('litmus', ['-k', `${served.url}/dav/`], { env: { TESTS: suite } });
    expect(text).toContain(`of ${count} tests run: ${count} passed, 0 failed`);
    expect(text).not.toMatch(/WARNING|FAIL|SKIPPED/);
  });
});

describe.skipIf(!isInstalled('cadaver'))('cadaver', () => {
  test('makes, moves, locks, edits properties, and removes', async () => {
    writeFileSync(join(home, 'up.txt'), 'up and away');
    const input = [
      'mkcol papers',
      'cd papers',
      'put up.txt',
      'copy up.txt copy.txt',
      'move copy.txt moved.txt',
      'propset moved.txt colour blue',
      'propget moved.txt colour',
      'lock up.txt',
      'discover up.txt',
      'put up.txt up.txt',
      'unlock up.txt',
      'get moved.txt down.txt',
      'ls',
      'cd ..',
      'mkcol empty',
      'rmcol empty',
      'quit',
      '',
    ].join('\n');
    const { text } = await run('cadaver', [`${served.url}/dav/`], { input });
    expect(text).not.toContain('failed');
    expect(text).toContain('blue');
    expect(readFileSync(join(home, 'down.txt'), 'utf8')).toBe('up and away');
    expect(served.paths().filter((path) => !path.includes('.onezero'))).toEqual([
      'papers/',
      'papers/moved.txt',
      'papers/up.txt',
    ]);
  });
});
