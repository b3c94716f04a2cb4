import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { tunnel } from '../../src/asgi/tunnel.ts';
import { ResponseContent } from '../../src/content/response-content.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import { SpoolBudget } from '@onezero/cgi-process';
import { noContent } from '../../src/content/request-content.ts';
import { RequestQueue } from '../../src/exchange/request-queue.ts';
import type { PythonError } from '../../src/python-error.ts';
import { exchangeOf, type PromisedExchange, request } from '../harness.ts';

const spool = { readAheadBytes: 1, fileBytes: 0, budget: new SpoolBudget(0), failed: () => {} };

/** A request whose client leaves with `abort()`, and what its connection was told. */
function begin(): { exchange: PromisedExchange; client: AbortController; abandoned: Exchange[] } {
  const client = new AbortController();
  const exchange = exchangeOf(request('/', { signal: client.signal }), noContent, spool);
  const abandoned: Exchange[] = [];
  exchange.begin({ hold: () => {}, abandon: (one) => abandoned.push(one) });
  return { exchange, client, abandoned };
}

describe('Exchange', () => {
  test('lends an answer that is small and whole to who asked for that', async () => {
    const isLent = async (size: number, mayLend: boolean, method = 'GET'): Promise<boolean | undefined> => {
      const exchange = exchangeOf(request('/', { method }), noContent, spool, mayLend);
      exchange.begin({ hold: () => {}, abandon: () => {} });
      exchange.lastOutput(Buffer.from(`Status: 200 OK\n\n${'x'.repeat(size)}`));
      exchange.flush();
      return (await exchange.answer).isLent;
    };
    expect([await isLent(0x8000, true), await isLent(0x8000, false)]).toEqual([true, undefined]);
    expect([await isLent(0x8001, true), await isLent(1, true, 'HEAD')]).toEqual([undefined, undefined]);
  });
});

describe('Exchange.watchClient', () => {
  test('gives a request up at the moment in which its client leaves', async () => {
    const { exchange, client, abandoned } = begin();
    exchange.watchClient();
    exchange.watchClient();
    expect(exchange.hasAnswered).toBe(false);
    client.abort();
    expect(abandoned).toEqual([exchange]);
    expect(await exchange.answer).toMatchObject({ status: 400, cause: { code: 'client-gone' } });
  });

  test('gives a request up whose client has left before', () => {
    const { exchange, client, abandoned } = begin();
    client.abort();
    expect(abandoned).toEqual([]);
    exchange.watchClient();
    expect(abandoned).toEqual([exchange]);
  });

  test('leaves the client to whoever reads the content once there is an answer', async () => {
    const { exchange, client, abandoned } = begin();
    exchange.watchClient();
    exchange.output(Buffer.from('Status: 200 OK\n\nhello'));
    exchange.flush();
    client.abort();
    exchange.watchClient();
    expect(abandoned).toEqual([]);
    expect(await exchange.answer).toMatchObject({ status: 200 });
  });

  test('asks for no signal once there is an answer, nor for a change of protocol that happens in this turn', async () => {
    let asked = 0;
    const lazy = Object.defineProperty(request('/'), 'signal', { get: () => void asked++ });
    for (const status of ['200 OK', '101 Switching Protocols']) {
      const exchange = exchangeOf(lazy, noContent, spool);
      exchange.begin({ hold: () => {}, abandon: () => {} });
      exchange.output(Buffer.from(`Status: ${status}\n\n`));
      exchange.flush();
      const { upgrade } = await exchange.answer;
      upgrade?.(new Socket());
      await new Promise((resolve) => setImmediate(resolve));
      exchange.watchClient();
    }
    expect(asked).toBe(0);
  });

  test('gives a change of protocol up whose client leaves before it happens', async () => {
    for (const isEarly of [true, false]) {
      const { exchange, client, abandoned } = begin();
      exchange.output(Buffer.from('Status: 101 Switching Protocols\n\n'));
      exchange.flush();
      if (isEarly) client.abort();
      await new Promise((resolve) => setImmediate(resolve));
      if (!isEarly) {
        expect(abandoned).toEqual([]);
        client.abort();
      }
      expect(abandoned).toEqual([exchange]);
    }
  });

  test('takes a request out of the queue, and lets its content go', async () => {
    const queue = new RequestQueue(2, Infinity);
    const client = new AbortController();
    let discarded = 0;
    const discard = (): void => void discarded++;
    const content = { ...noContent, discard };
    const leaving = exchangeOf(request('/', { signal: client.signal }), content, spool);
    const staying = exchangeOf(request('/'), content, spool);
    queue.add(leaving);
    queue.add(staying);
    queue.expire(performance.now());
    client.abort();
    expect(queue.length).toBe(1);
    expect((await leaving.answer).cause).toMatchObject({ code: 'client-gone' } satisfies Partial<PythonError>);
    expect(discarded).toBe(1);
    expect(queue.next()).toBe(staying);
    expect(queue.next()).toBe(undefined);
  });
});

describe('a change of protocol', () => {
  test('whose client leaves before it has happened gives back what is kept of the content', async () => {
    const client = new AbortController();
    const budget = new SpoolBudget(1_000_000);
    const spooling = { readAheadBytes: 1, fileBytes: 1_000_000, budget, failed: () => {} };
    const exchange = exchangeOf(request('/', { signal: client.signal }), noContent, spooling);
    const abandoned: Exchange[] = [];
    exchange.begin({ hold: () => {}, abandon: (one) => abandoned.push(one) });
    exchange.output(Buffer.from('Status: 101 Switching Protocols\n\n'));
    exchange.flush();
    expect(await exchange.answer).toMatchObject({ status: 101 });
    exchange.output(Buffer.alloc(100_000));
    exchange.flush();
    await expect.poll(() => budget.take(1_000_000)).toBe(false);
    client.abort();
    await expect.poll(() => abandoned).toEqual([exchange]);
    await expect.poll(() => budget.take(1_000_000)).toBe(true);
  });

  test('on a connection that has closed meanwhile is given up', async () => {
    const stream = new Socket();
    stream.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    const told = await new Promise((resolve) => {
      const target = { write: () => true, end: () => {}, abandon: () => resolve('abandoned') };
      tunnel(stream, new ResponseContent(spool), target);
    });
    expect(told).toBe('abandoned');
  });
});
