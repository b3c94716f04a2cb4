// What the access log is told.

import { describe, expect, test } from 'vitest';
import type { Exchange } from '../../src/connection/exchange.ts';
import { logEntry } from '../../src/connection/log-entry.ts';
import type { Field } from '../../src/message/message.ts';

function exchange(fields: readonly Field[], more: object = {}): Exchange {
  const event = { head: { method: 'GET', target: '/a?b', version: '1.1', fields }, authority: 'example.org' };
  const request = { id: 'id-1', remote: { address: '203.0.113.9', port: 5 } };
  return {
    event,
    request,
    startedAt: performance.now() - 20,
    status: 200,
    contentBytes: 7,
    user: 'ann',
    ...more,
  } as unknown as Exchange;
}

describe('logEntry', () => {
  test('says what was asked, by whom, and what came of it', () => {
    const entry = logEntry(
      exchange([
        ['referer', 'http://a'],
        ['user-agent', 'curl'],
        ['user-agent', 'two'],
      ]),
      '10.0.0.1',
      true,
    );
    expect(entry).toMatchObject({
      id: 'id-1',
      // The client that a trusted proxy named, not the proxy.
      remoteAddress: '203.0.113.9',
      user: 'ann',
      method: 'GET',
      target: '/a?b',
      version: '1.1',
      host: 'example.org',
      status: 200,
      contentBytes: 7,
      referer: 'http://a',
      userAgent: 'curl',
      complete: true,
    });
    expect(entry.durationMs).toBeGreaterThanOrEqual(20);
    expect(Math.abs(Date.now() - entry.durationMs - entry.time.getTime())).toBeLessThan(1000);
  });

  test('has an id and an address also where no request could be read', () => {
    const entry = logEntry(exchange([], { event: undefined, request: undefined, status: 400 }), '10.0.0.1', true);
    expect(entry).toMatchObject({ remoteAddress: '10.0.0.1', method: undefined, target: undefined, status: 400 });
    expect(entry.id).toMatch(/^\S+$/);
  });

  const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  test.each([
    [TRACE, TRACE],
    [`${TRACE}-later-versions-have-more`, `${TRACE}-later-versions-have-more`],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01', undefined],
    ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', undefined],
    [TRACE.replace('00-', 'ff-'), undefined],
    [TRACE.toUpperCase(), undefined],
    ['nonsense', undefined],
    [`${TRACE}x`, undefined],
  ])('joins the trace %s: %s', (value, expected) => {
    expect(logEntry(exchange([['traceparent', value]]), '', true).traceparent).toBe(expected);
  });
});
