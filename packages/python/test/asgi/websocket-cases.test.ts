// Frames to messages: the cases of the Autobahn suite that concern a server, each whole, byte by byte and cut at random, and random
// frames, which wsproto has to read alike where it is installed.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { fixtures, hasModule, python } from '../harness.ts';

const worker = fileURLToPath(new URL('../../python', import.meta.url));

function run(...words: string[]): { count: number; failures: unknown[] } {
  const out = execFileSync(python, [join(fixtures, 'websocket_cases.py'), worker, ...words], { encoding: 'utf8' });
  return JSON.parse(out) as { count: number; failures: unknown[] };
}

test('every case ends as it should, however its bytes are cut', () => {
  const { count, failures } = run('cases');
  expect(failures).toEqual([]);
  expect(count).toBeGreaterThan(250);
});

test(`random frames mean the same however they are cut${hasModule('wsproto') ? ', and to wsproto' : ''}`, () => {
  expect(run('random', '1', '2000')).toEqual({ count: 2000, failures: [] });
});
