import type { RequestHeadEvent } from '@onezero/http-parser';
import { describe, expect, test } from 'vitest';
import type { Exchange } from '../../src/connection/exchange.ts';
import { mayFollow, type ConnectionState } from '../../src/connection/may-follow.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';

const open: ConnectionState = { isClosing: false, hasFailed: false, requests: 1, isExhausted: false };
const content = {} as Exchange['content'];

function decide(
  exchange: Partial<Exchange> = {},
  event: Partial<RequestHeadEvent> = {},
  state: Partial<ConnectionState> = {},
  limits: Partial<typeof DEFAULT_LIMITS> = {},
): boolean {
  const service = { limits: { ...DEFAULT_LIMITS, ...limits } };
  return mayFollow(
    { service, refused: false, received: true, receivedBytes: 0, continueDue: false, ...exchange } as Exchange,
    { persistent: true, form: 'origin', contentLength: 0, ...event } as RequestHeadEvent,
    { ...open, ...state },
  );
}

describe('another request may follow', () => {
  test('unless something speaks against it', () => {
    expect(decide()).toBe(true);
    expect(decide({}, { persistent: false })).toBe(false);
    expect(decide({}, { form: 'authority' })).toBe(false);
    expect(decide({ refused: true })).toBe(false);
    expect(decide({}, {}, { isClosing: true })).toBe(false);
    expect(decide({}, {}, { hasFailed: true })).toBe(false);
    expect(decide({}, {}, { isExhausted: true })).toBe(false);
  });

  test('up to the limit of requests', () => {
    expect(decide({}, {}, { requests: 1 }, { maxRequestsPerConnection: 2 })).toBe(true);
    expect(decide({}, {}, { requests: 2 }, { maxRequestsPerConnection: 2 })).toBe(false);
  });

  test('if the rest of the content can be read away', () => {
    const pending = { content, received: false };
    expect(decide(pending, { contentLength: 100 }, {}, { maxDrainBytes: 100 })).toBe(true);
    expect(decide(pending, { contentLength: 101 }, {}, { maxDrainBytes: 100 })).toBe(false);
    expect(decide({ ...pending, receivedBytes: 1 }, { contentLength: 101 }, {}, { maxDrainBytes: 100 })).toBe(true);
    expect(decide({ ...pending, continueDue: true }, { contentLength: 1 })).toBe(false);
  });
});
