import { describe, expect, test } from 'vitest';
import { SpoolBudget } from '@onezero/cgi-process';
import { Streams } from '../../src/asgi/streams.ts';
import { noContent } from '../../src/content/request-content.ts';
import { exchangeOf, request } from '../harness.ts';

const spool = { readAheadBytes: 1000, fileBytes: 0, budget: new SpoolBudget(0), failed: () => {} };
const exchange = exchangeOf(request('/'), noContent, spool);

describe('Streams', () => {
  test('finds a request by its number until it is taken out', () => {
    const streams = new Streams();
    const [first, second] = [streams.add(exchange), streams.add(exchange)];
    expect([first.id, second.id, streams.size]).toEqual([1, 2, 2]);
    expect([streams.get(1), streams.get(2), streams.get(3)]).toEqual([first, second, undefined]);
    streams.delete(first);
    expect([streams.get(1), streams.all(), streams.size]).toEqual([undefined, [second], 1]);
  });

  test('gives no number twice among those under way, and never 0', () => {
    const streams = new Streams();
    const kept = streams.add(exchange);
    for (let count = 0, last = 1; count < 3 * 0x10000; count++) {
      const stream = streams.add(exchange);
      const isNext = stream.id > last || last > 0xff00;
      if (stream.id < 2 || stream.id > 0xffff || !isNext) throw new Error(`${stream.id} follows ${last}`);
      last = stream.id;
      streams.delete(stream);
    }
    expect(streams.all()).toEqual([kept]);
  });

  test('does not take another for one that has ended and shares its place', () => {
    const streams = new Streams();
    const old = streams.add(exchange);
    streams.delete(old);
    while ((streams.add(exchange).id & 63) !== 63) streams.delete(streams.all().at(-1)!);
    streams.delete(streams.all()[0]!);
    const ids = Array.from({ length: 3 }, () => streams.add(exchange).id);
    expect(ids).toEqual([64, 65, 66]);
    expect([streams.get(old.id), streams.get(old.id + 64)?.id]).toEqual([undefined, 65]);
  });

  test('has room for as many as there are numbers', () => {
    const streams = new Streams();
    const ids = new Set(Array.from({ length: 0xffff }, () => streams.add(exchange).id));
    expect([ids.size, ids.has(0), streams.size]).toEqual([0xffff, false, 0xffff]);
    streams.delete(streams.get(700)!);
    expect(streams.add(exchange).id).toBe(700);
  });

  test('holds nothing of requests that have ended', () => {
    const streams = new Streams();
    for (let count = 0; count < 1000; count++) streams.delete(streams.add(exchange));
    expect(streams.all()).toEqual([]);
  });
});
