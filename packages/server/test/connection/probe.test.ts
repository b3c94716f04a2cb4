// What means nothing to a client and makes the system of one that has gone answer.

import { describe, expect, test } from 'vitest';
import { ResponseParser } from '@onezero/http-parser';
import type { Exchange } from '../../src/connection/exchange.ts';
import { interimResponse } from '../../src/connection/interim.ts';
import { probe } from '../../src/connection/probe.ts';
import { FakeTransport } from './fake-transport.ts';

class Kept extends FakeTransport {
  readonly kept: number[] = [];

  override keepAlive(seconds: number): void {
    this.kept.push(seconds);
  }
}

/** A transport that was probed so often for an exchange. */
function probed(exchange: Partial<Exchange>, times = 1, version = '1.1'): { transport: Kept; exchange: Exchange } {
  const transport = new Kept();
  const whole = { probes: 0, padding: 0, headSent: false, isChunked: false, event: { head: { version } }, ...exchange };
  for (let time = 0; time < times; time++) probe(transport, whole as unknown as Exchange);
  return { transport, exchange: whole as unknown as Exchange };
}

describe('a probe', () => {
  test('before the response is 100 (Continue), any number of times', () => {
    const { transport, exchange } = probed({}, 3);
    expect(transport.text).toBe('HTTP/1.1 100 Continue\r\n\r\n'.repeat(3));
    expect(exchange.probes).toBe(3);
  });

  test('between chunks is a zero before the next size, which readers take', () => {
    const { transport, exchange } = probed({ headSent: true, isChunked: true }, 5);
    expect([transport.text, exchange.padding, transport.kept]).toEqual(['00000', 5, []]);
    const parser = new ResponseParser();
    parser.next({ method: 'GET' });
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    const events = parser.push(Buffer.from(`${head}${transport.text}5\r\nhello\r\n${transport.text}0\r\n\r\n`));
    expect(events.map(({ type }) => type)).toEqual(['head', 'content', 'end']);
  });

  test('leaves room for a size of 16 digits, and then asks the system', () => {
    const { transport, exchange } = probed({ headSent: true, isChunked: true }, 11);
    expect([transport.text, exchange.padding, transport.kept]).toEqual(['00000000', 8, [10, 10, 10]]);
  });

  test.each([
    ['the content has a length', { headSent: true }, '1.1'],
    ['the client speaks HTTP/1.0', {}, '1.0'],
    ['there is no request', { event: undefined }, '1.1'],
  ])("is the system's affair where %s", (_, exchange, version) => {
    const { transport } = probed(exchange, 1, version);
    expect([transport.text, transport.kept]).toEqual(['', [10]]);
  });
});

describe('an interim response', () => {
  test('is a head alone', () => {
    expect(Buffer.from(interimResponse(103, [['link', '</a>; rel=preload']])).toString()).toBe(
      'HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n',
    );
    expect(Buffer.from(interimResponse(199, [])).toString()).toMatch(/^HTTP\/1\.1 199 .*\r\n\r\n$/);
  });

  test.each([100, 101, 99, 200, 404, 102.5, Number.NaN])('cannot have the status %d', (status) => {
    expect(() => interimResponse(status, [])).toThrow(RangeError);
  });

  test('cannot smuggle a line in', () => {
    expect(() => interimResponse(103, [['link', 'a\r\nx: y']])).toThrow();
    expect(() => interimResponse(103, [['li nk', 'a']])).toThrow();
  });
});
