import { describe, expect, test } from 'vitest';
import { SpoolBudget } from '@onezero/cgi-process';
import { noContent } from '../../src/content/request-content.ts';
import { RequestQueue } from '../../src/exchange/request-queue.ts';
import { PythonError } from '../../src/python-error.ts';
import { exchangeOf, type PromisedExchange, request } from '../harness.ts';

const spool = { readAheadBytes: 1, fileBytes: 0, budget: new SpoolBudget(0), failed: () => {} };

function from(address: string, signal?: AbortSignal): PromisedExchange {
  return exchangeOf(request('/', { remote: { address, port: 1 }, signal }), noContent, spool);
}

/** Why an exchange was refused; undefined where it was not. */
async function refusal(exchange: PromisedExchange): Promise<unknown> {
  if (!exchange.hasAnswered) return undefined;
  return ((await exchange.answer).cause as PythonError).code;
}

describe('RequestQueue', () => {
  test('lets the addresses of clients take turns', () => {
    const queue = new RequestQueue(10, Infinity);
    const [a1, a2, a3, b1, c1] = [from('a'), from('a'), from('a'), from('b'), from('c')];
    for (const exchange of [a1, a2, a3, b1, c1]) queue.add(exchange);
    expect(Array.from({ length: 6 }, () => queue.next())).toEqual([a1, b1, c1, a2, a3, undefined]);
    expect(queue.length).toBe(0);
  });

  test('refuses the last of the client with the most where it is full', async () => {
    const queue = new RequestQueue(3, Infinity);
    const [a1, a2, a3, b1] = [from('a'), from('a'), from('a'), from('b')];
    for (const exchange of [a1, a2, a3, b1]) queue.add(exchange);
    expect(await Promise.all([a1, a2, a3, b1].map(refusal))).toEqual([undefined, undefined, 'queue-full', undefined]);
    expect(await a3.answer).toMatchObject({ status: 503, fields: [['retry-after', '2']] });
  });

  test('refuses the one that comes where no client has more', async () => {
    const queue = new RequestQueue(2, Infinity);
    const [a1, b1, c1, a2] = [from('a'), from('b'), from('c'), from('a')];
    for (const exchange of [a1, b1, c1, a2]) queue.add(exchange);
    expect(await Promise.all([a1, b1, c1, a2].map(refusal))).toEqual([
      undefined,
      undefined,
      'queue-full',
      'queue-full',
    ]);
  });

  test('refuses everybody where there is no room at all', async () => {
    const only = from('a');
    new RequestQueue(0, Infinity).add(only);
    expect(await refusal(only)).toBe('queue-full');
  });

  test('sends those away who have waited for its time, and no others', async () => {
    const queue = new RequestQueue(5, 1000);
    const [old, young] = [from('a'), from('b')];
    const now = performance.now();
    old.lastProgress = now - 1000;
    young.lastProgress = now - 999;
    queue.add(old);
    queue.add(young);
    queue.expire(now);
    expect(await Promise.all([old, young].map(refusal))).toEqual(['queue-timed-out', undefined]);
    expect(await old.answer).toMatchObject({ status: 503, cause: { message: 'no thread was free for 1000 ms' } });
    expect(queue.next()).toBe(young);
  });

  test('lets those go whose client has left, once it is looked for', async () => {
    const queue = new RequestQueue(5, 1000);
    const client = new AbortController();
    const [left, gone, stays] = [from('a', client.signal), from('b', AbortSignal.abort()), from('c')];
    for (const exchange of [left, gone, stays]) queue.add(exchange);
    queue.expire(performance.now());
    expect(await Promise.all([left, gone, stays].map(refusal))).toEqual([undefined, 'client-gone', undefined]);
    client.abort();
    expect(await refusal(left)).toBe('client-gone');
    expect([queue.length, queue.next()]).toEqual([1, stays]);
  });

  test('does not refuse one that has left it', async () => {
    const queue = new RequestQueue(5, 1000);
    const taken = from('a');
    queue.add(taken);
    queue.next();
    queue.dismiss(taken, new PythonError('closing', 'it stops'));
    expect(await refusal(taken)).toBeUndefined();
  });

  test('sends everybody away', async () => {
    const queue = new RequestQueue(5, 1000);
    const all = ['a', 'b', 'a'].map((address) => from(address));
    for (const exchange of all) queue.add(exchange);
    queue.dismissAll(new PythonError('closing', 'it stops'));
    expect(await Promise.all(all.map(refusal))).toEqual(['closing', 'closing', 'closing']);
    expect(queue.length).toBe(0);
  });
});
