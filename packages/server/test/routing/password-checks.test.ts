import { createHash } from 'node:crypto';
import { hash, hashSync } from 'bcryptjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { apr1 } from '../../src/routing/apr1.ts';
import { checkPassword, networkOf } from '../../src/routing/password-checks.ts';
import { hashClass } from '../../src/routing/password-hash.ts';
import { parse, start, textResponse } from '../exchange.ts';

const sha = (password: string): string => `{SHA}${createHash('sha1').update(password).digest('base64')}`;
const slow = hashSync('right', 5);
const basic = (credentials: string): string =>
  `Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

describe('checkPassword', () => {
  test('lets other networks have their turn between the guesses of one', async () => {
    const order: string[] = [];
    const ask = async (who: string, address: string): Promise<void> => {
      await checkPassword({ password: who, stored: slow, others: [] }, address);
      order.push(who);
    };
    const guesses = Array.from({ length: 8 }, (_, index) => ask(`guess ${index}`, '192.0.2.1'));
    await Promise.all([...guesses, ask('visitor', '198.51.100.1')]);
    // Behind those that were being checked when it came, and one more; not behind all eight.
    expect(order.indexOf('visitor')).toBeLessThan(7);
    expect(order.filter((who) => who !== 'visitor')).toEqual(guesses.map((_, index) => `guess ${index}`));
  });

  test('refuses what waits in too great a number, of one network and of all together', async () => {
    const ask = (address: string): Promise<boolean | 'busy'> =>
      checkPassword({ password: 'x', stored: sha('y'), others: [slow] }, address);
    const one = Array.from({ length: 64 }, () => ask('192.0.2.1'));
    const other = ask('198.51.100.1');
    const answers = await Promise.all(one);
    expect(answers.filter((answer) => answer === 'busy').length).toBeGreaterThan(20);
    expect(answers.filter((answer) => answer === false).length).toBeGreaterThanOrEqual(32);
    expect(await other).toBe(false);
  });
});

describe('networkOf', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['', ''],
  ])('%s → %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('hashClass', () => {
  test('tells apart what takes different times, and nothing else', () => {
    const classes = [sha('a'), sha('b'), hashSync('a', 4), hashSync('b', 4), hashSync('a', 5)].map(hashClass);
    expect(classes).toEqual(['sha', 'sha', 'bcrypt 4', 'bcrypt 4', 'bcrypt 5']);
  });
});

describe('apr1', () => {
  // Made with `openssl passwd -apr1`.
  test.each([
    ['password', 'saltsalt', 'yAAkm4libquA.ZWLHbSBq/'],
    ['', 'x.9', 'znm.rFiY3a/DuM9wqd6uF/'],
    ['a', 'x.9', 'HsS7kd.xUvKbCpEh26dyC.'],
    ['abcdefghijklmnop', 'x.9', '2Axa8OOdb/iuNDyXL7HO4.'],
    ['pässwörd with more than sixteen bytes', 'x.9', 'HyEGMBfrm7Sk02CoO9pCG1'],
  ])('%j with %s', (password, salt, expected) => {
    expect(apr1(password, salt)).toBe(expected);
  });
});

test('what is open is answered while passwords are checked', async () => {
  const users = { ann: await hash('right', 12) };
  const running = await start({
    auth: [{ path: '/secret', users }],
    routes: [{ responder: () => textResponse('open') }],
  });
  onTestFinished(() => running.close());
  let isChecked = false;
  const guess = running
    .exchange(get('/secret', `${basic('ann:wrong')}Connection: close\r\n`), { halfClose: false })
    .then((answer) => {
      isChecked = true;
      return parse(answer).status;
    });
  let answered = 0;
  for (; !isChecked; answered++) expect(parse(await running.exchange(get('/open'))).content).toBe('open');
  expect(await guess).toBe(401);
  // A hash of this cost takes a processor a quarter of a second. Done in slices on the event loop, three would get through.
  expect(answered).toBeGreaterThan(10);
});
