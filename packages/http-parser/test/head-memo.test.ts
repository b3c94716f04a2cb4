// What repeats is remembered, and what takes turns with a thousand others does not drive out what is there.

import { expect, test } from 'vitest';
import { RequestParser, type RequestHeadEvent } from '../src/index.ts';

const CONNECTIONS = 8;

/** Asks parsers of one options object in turn; returns the event of each head. */
function asker(): (path: string) => RequestHeadEvent {
  const options = {};
  const parsers = Array.from({ length: CONNECTIONS }, () => new RequestParser(options));
  let turn = 0;
  return (path) => {
    const parser = parsers[turn++ % CONNECTIONS];
    const [event] = parser?.push(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`)) ?? [];
    parser?.next();
    if (event?.type !== 'head') throw new Error(`no head: ${event?.type}`);
    expect(event.head.target).toBe(path);
    return event;
  };
}

/** Numbers from 0 up to `below`, the same ones each time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

test('a head that comes again is the same event from the second time on', () => {
  const ask = asker();
  ask('/a');
  const second = ask('/a');
  expect(ask('/a')).toBe(second);
  expect(Object.isFrozen(second)).toBe(true);
});

test('a thousand heads that take turns make few entries, and hold some', () => {
  const ask = asker();
  const pick = random(7);
  const path = (): string => `/d00${pick(2)}/p${String(pick(500)).padStart(3, '0')}.html`;
  for (let count = 0; count < 20_000; count++) ask(path());
  const seen = new Map<string, RequestHeadEvent>();
  let same = 0;
  let entered = 0;
  for (let count = 0; count < 20_000; count++) {
    const asked = path();
    const event = ask(asked);
    if (seen.get(asked) === event) same++;
    else if (Object.isFrozen(event)) entered++;
    seen.set(asked, event);
  }
  // Of four that share a slot one is there, so a fourth of the requests find it.
  expect(same).toBeGreaterThan(20_000 / 8);
  expect(entered).toBeLessThan(20_000 / 50);
});

test('what is asked for no more gives way', () => {
  const ask = asker();
  const pick = random(3);
  for (let count = 0; count < 5_000; count++) ask(`/old/page-${pick(500)}`);
  for (let count = 0; count < 50_000; count++) ask(`/new/page-${pick(500)}`);
  const known = new Set<RequestHeadEvent>();
  let same = 0;
  for (let count = 0; count < 2_000; count++) {
    const event = ask(`/new/page-${pick(500)}`);
    if (known.has(event)) same++;
    known.add(event);
  }
  expect(same).toBeGreaterThan(100);
});
