import { createHash } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FailedLogins } from '../../src/routing/failed-logins.ts';
import { parse, start, textResponse } from '../exchange.ts';

describe('FailedLogins', () => {
  test('lets ten go, and then one a second', () => {
    let now = 0;
    const failures = new FailedLogins(() => now);
    expect(Array.from({ length: 10 }, () => failures.failed('192.0.2.1'))).toEqual(Array.from({ length: 10 }, () => 0));
    expect([1, 2, 3].map(() => failures.failed('192.0.2.1'))).toEqual([1000, 2000, 3000]);
    expect(failures.failed('192.0.2.2')).toBe(0);
    expect(failures.isTooMany('192.0.2.1')).toBe(false);
    for (let count = 0; count < 7; count++) failures.failed('192.0.2.1');
    expect(failures.isTooMany('192.0.2.1')).toBe(true);
    now += 1000;
    expect(failures.isTooMany('192.0.2.1')).toBe(false);
    now += 60_000;
    expect(failures.failed('192.0.2.1')).toBe(0);
  });

  test('counts a network of IPv6 as one, and nobody without an address', () => {
    const failures = new FailedLogins(() => 0);
    const delays = Array.from({ length: 12 }, (_, index) => failures.failed(`2001:db8:1:2::${index + 1}`));
    expect(delays.at(-1)).toBe(2000);
    expect(Array.from({ length: 30 }, () => failures.failed('')).at(-1)).toBe(0);
    expect(failures.isTooMany('')).toBe(false);
  });

  test('remembers a bounded number of networks', () => {
    const failures = new FailedLogins(() => 0);
    for (let count = 0; count < 11; count++) failures.failed('192.0.2.1');
    for (let index = 0; index < 10_000; index++) failures.failed(`10.0.${index >> 8}.${index & 255}`);
    expect(failures.failed('192.0.2.1')).toBe(0);
  });
});

test('who guesses is slowed, and nobody else', async () => {
  const sha = `{SHA}${createHash('sha1').update('right').digest('base64')}`;
  // Who got in once stays in, so each attempt is by another user.
  const others = Array.from({ length: 500 }, (_, index) => `user-${index}`);
  const running = await start({
    trustedProxies: ['127.0.0.1'],
    auth: [{ users: { ann: sha, ben: sha, ...Object.fromEntries(others.map((name) => [name, sha])) } }],
    routes: [{ responder: () => textResponse('in') }],
  });
  onTestFinished(() => running.close());
  const login = async (pair: string, address: string): Promise<number> => {
    const fields = `Authorization: Basic ${Buffer.from(pair).toString('base64')}\r\nX-Forwarded-For: ${address}\r\n`;
    return parse(await running.exchange(`GET / HTTP/1.0\r\n${fields}\r\n`)).status;
  };
  expect(await login('ann:right', '192.0.2.1')).toBe(200);
  let answered = 0;
  const startMs = performance.now();
  const guess = async (index: number): Promise<void> => {
    const status = await login(`ann:wrong ${index}`, '192.0.2.1');
    if (status === 401) answered++;
  };
  for (let index = 0; index < 30; index++) void guess(index);
  await expect.poll(() => answered).toBeGreaterThanOrEqual(10);
  expect(await login('ben:right', '192.0.2.2')).toBe(200);
  // Ten are answered at once, and then one a second.
  const seconds = Math.ceil((performance.now() - startMs) / 1000);
  expect(answered).toBeLessThanOrEqual(10 + seconds);
  // Ten of the others wait for their answer; the rest, and what comes now, is not looked at, whether right or wrong.
  // On a busy machine the guesses come slower than they are forgotten, so more of them follow.
  const tryOnce = (): Promise<number> => {
    for (let count = 0; count < 5; count++) void login('ann:wrong again', '192.0.2.1');
    return login(`${others.pop()}:right`, '192.0.2.1');
  };
  await expect.poll(tryOnce, { interval: 10 }).toBe(503);
  // Who is in stays in, and others are not concerned.
  expect(await login('ann:right', '192.0.2.1')).toBe(200);
  expect(await login('ben:right', '192.0.2.2')).toBe(200);
});
