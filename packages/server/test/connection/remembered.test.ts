// Responses that come again as the same object are made once a second; everything else is made anew.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Situation } from '../../src/connection/complete.ts';
import { RememberedResponses } from '../../src/connection/remembered.ts';
import type { ResponseMessage } from '../../src/message/message.ts';

const settings = { serverField: false, fields: [], requestIdField: undefined } as const;
const get: Situation = { method: 'GET', version: '1.1', persistent: true, id: 'x' };
const page = (text = 'page'): ResponseMessage => ({
  status: 200,
  fields: [['content-type', 'text/plain']],
  content: Buffer.from(text),
});

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2024, 0, 2, 3, 4, 5) });
});
afterEach(() => {
  vi.useRealTimers();
});

const textOf = (ready: { readonly pieces: readonly Uint8Array[] } | undefined): string =>
  Buffer.concat(ready?.pieces ?? []).toString('latin1');

describe('RememberedResponses', () => {
  test('gives the same bytes for an object that came before, within a second', () => {
    const remembered = new RememberedResponses(settings);
    const response = page();
    const once = remembered.get(response, get);
    const first = remembered.get(response, get);
    expect(first).toEqual(once);
    expect(first).not.toBe(once);
    expect(remembered.get(response, get)).toBe(first);
    expect(remembered.get(page(), get)).not.toBe(first);
    expect(textOf(first)).toContain('date: Tue, 02 Jan 2024 03:04:05 GMT');
    vi.setSystemTime(Date.UTC(2024, 0, 2, 3, 4, 6));
    expect(textOf(remembered.get(response, get))).toContain('date: Tue, 02 Jan 2024 03:04:06 GMT');
  });

  test('tells apart all that the bytes depend on', () => {
    const remembered = new RememberedResponses(settings);
    const response = page();
    const situations: readonly Situation[] = [
      get,
      { ...get, method: 'HEAD' },
      { ...get, persistent: false },
      { ...get, version: '1.0' },
      { ...get, version: '1.0', persistent: false },
      { ...get, version: '1.0', method: 'HEAD' },
      { ...get, method: 'HEAD', persistent: false },
    ];
    const made = situations.map((situation) => remembered.get(response, situation));
    expect(new Set(made).size).toBe(situations.length);
    expect(situations.map((situation) => remembered.get(response, situation))).toEqual(made);
    for (const [index, { method }] of situations.entries()) {
      expect(textOf(made[index]).endsWith('page')).toBe(method !== 'HEAD');
      expect(textOf(made[index])).toContain('content-length: 4');
      expect(made[index]?.contentBytes).toBe(method === 'HEAD' ? 0 : 4);
    }
    expect(textOf(made[2])).toContain('connection: close');
  });

  test('copies small content into one piece and leaves large content where it is', () => {
    const remembered = new RememberedResponses(settings);
    const small = page('x'.repeat(1000));
    const large = page('y'.repeat(100_000));
    expect(remembered.get(small, get)?.pieces).toHaveLength(1);
    const pieces = remembered.get(large, get)?.pieces ?? [];
    expect(pieces).toHaveLength(2);
    expect((pieces[1] as Uint8Array).buffer).toBe((large.content as Uint8Array).buffer);
  });

  test('makes nothing of what is for one request', () => {
    const streamed = { ...page(), content: (async function* () {})() };
    expect(new RememberedResponses(settings).get(streamed, get)).toBeUndefined();
    expect(new RememberedResponses(settings).get({ ...page(), nonParsed: true }, get)).toBeUndefined();
    expect(new RememberedResponses(settings).get(page(), { ...get, version: '0.9' })).toBeUndefined();
    expect(new RememberedResponses({ ...settings, requestIdField: 'x-id' }).get(page(), get)).toBeUndefined();
  });

  test('keeps a bounded number of bytes, however many responses come in a second', () => {
    const remembered = new RememberedResponses(settings);
    const responses = Array.from({ length: 3000 }, (_, index) => page(`${index}`.padEnd(4000)));
    for (const response of responses) expect(textOf(remembered.get(response, get))).toContain('200');
    for (const response of responses) remembered.get(response, get);
    const kept = responses.filter((response) => remembered.get(response, get) === remembered.get(response, get));
    // Each takes some 4,400 bytes out of 4 MiB.
    expect(kept.length).toBeGreaterThan(500);
    expect(kept.length).toBeLessThan(1100);
  });

  test('refuses what cannot be written, each time', () => {
    const remembered = new RememberedResponses(settings);
    const bad: ResponseMessage = { status: 200, fields: [['x', 'a\r\nb']], content: Buffer.from('a') };
    expect(() => remembered.get(bad, get)).toThrow();
    expect(() => remembered.get(bad, get)).toThrow();
  });
});
