// The thread that checks passwords, as the programs that write hashes know them.

import { execFileSync } from 'node:child_process';
import { randomBytes, scryptSync } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apr1 } from '../../src/routing/apr1.ts';
import type { PasswordQuestion } from '../../src/routing/password-thread.ts';
import { isInstalled } from '../programs.ts';

let thread: Worker;
beforeAll(() => {
  thread = new Worker(new URL('../../dist/routing/password-thread.js', import.meta.url), { workerData: 'passwords' });
});
afterAll(() => thread.terminate());

function ask(password: string, stored: string | undefined, others: readonly string[] = []): Promise<boolean> {
  const question: PasswordQuestion = { password, stored, others };
  return new Promise((resolve, reject) => {
    thread.once('error', reject);
    thread.once('message', (answer: boolean) => {
      thread.off('error', reject);
      resolve(answer);
    });
    thread.postMessage(question, []);
  });
}

/** Passwords as people and generators make them; none has a line end, which programs read no further than. */
const PASSWORDS = [
  'a',
  'secret',
  'correct horse battery staple',
  ' leading and trailing ',
  'with:colon:',
  'pässwörd',
  '密码🔑',
  '$apr1$looks$like a hash',
  'x'.repeat(15),
  'x'.repeat(16),
  'x'.repeat(17),
  'y'.repeat(71),
  '"quotes" \\and\\ \'others\'',
  ...Array.from({ length: 12 }, (_, index) => randomBytes(index + 3).toString('base64url')),
];

describe.skipIf(!isInstalled('htpasswd'))("what Apache's htpasswd writes", () => {
  test.each([
    ['-m', []],
    ['-s', []],
    ['-B', ['-C', '4']],
  ])('with %s is understood, and nothing else is', async (kind, more) => {
    for (const password of PASSWORDS) {
      const line = execFileSync('htpasswd', ['-nb', kind, ...more, 'ada', password], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
      const stored = line.trim().slice('ada:'.length);
      expect(await ask(password, stored), `${password} of ${stored}`).toBe(true);
      expect(await ask(password.slice(0, -1), stored)).toBe(false);
      expect(await ask(`${password.slice(0, 70)}.`, stored)).toBe(false);
    }
  });
});

describe.skipIf(!isInstalled('openssl'))('apr1', () => {
  test('is what openssl makes of any password and salt', () => {
    for (const salt of ['a', 'ab/.', 'saltsalt']) {
      const made = execFileSync('openssl', ['passwd', '-apr1', '-salt', salt, '-stdin'], {
        input: PASSWORDS.map((password) => `${password}\n`).join(''),
        encoding: 'utf8',
      });
      const hashes = made.trim().split('\n');
      expect(PASSWORDS.map((password) => `$apr1$${salt}$${apr1(password, salt)}`)).toEqual(hashes);
    }
  });
});

describe('the thread', () => {
  test('checks scrypt of any cost and length', async () => {
    for (const [ln, r, p, length] of [
      [1, 1, 1, 16],
      [4, 8, 1, 32],
      [10, 2, 3, 64],
    ] as const) {
      const salt = randomBytes(12);
      const key = scryptSync('right', salt, length, { N: 2 ** ln, r, p });
      const text = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
      const stored = `$scrypt$ln=${ln},r=${r},p=${p}$${text(salt)}$${text(key)}`;
      expect(await ask('right', stored)).toBe(true);
      expect(await ask('Right', stored)).toBe(false);
    }
  });

  test('lets nobody in by a hash of another, or by none', async () => {
    const sha = '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=';
    expect(await ask('password', sha)).toBe(true);
    expect(await ask('password', undefined, [sha])).toBe(false);
    expect(await ask('password', '{SHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA=', [sha])).toBe(false);
    expect(await ask('password', undefined)).toBe(false);
    expect(await ask('password', 'password')).toBe(false);
  });
});
