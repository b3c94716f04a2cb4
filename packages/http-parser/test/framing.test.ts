import { describe, expect, test } from 'vitest';
import { frameResponse } from '../src/serializer.ts';

describe('frameResponse', () => {
  // method, version, status, length, persistent; then framing, fields, persistent.
  test.each([
    ['GET', '1.1', 200, 5, true, 'length', 'content-length: 5', true],
    ['GET', '1.1', 200, 0, false, 'length', 'content-length: 0, connection: close', false],
    ['GET', '1.1', 200, undefined, true, 'chunked', 'transfer-encoding: chunked', true],
    ['GET', '1.0', 200, 5, true, 'length', 'content-length: 5, connection: keep-alive', true],
    ['GET', '1.0', 200, undefined, true, 'close', 'connection: close', false],
    ['GET', '0.9', 200, 5, true, 'close', '', false],
    ['HEAD', '1.1', 200, 5, true, 'none', 'content-length: 5', true],
    ['HEAD', '1.1', 200, undefined, true, 'none', 'transfer-encoding: chunked', true],
    ['HEAD', '1.0', 200, undefined, true, 'none', 'connection: keep-alive', true],
    ['GET', '1.1', 204, 5, true, 'none', '', true],
    ['GET', '1.0', 204, undefined, true, 'none', 'connection: keep-alive', true],
    ['GET', '1.1', 205, 5, true, 'none', 'content-length: 0', true],
    ['GET', '1.1', 304, 5, true, 'none', 'content-length: 5', true],
    ['GET', '1.1', 304, undefined, true, 'none', '', true],
    ['GET', '1.0', 304, undefined, true, 'none', 'connection: keep-alive', true],
    ['CONNECT', '1.1', 200, undefined, true, 'none', '', true],
    ['CONNECT', '1.1', 407, 0, true, 'length', 'content-length: 0', true],
    [undefined, '1.1', 400, 3, false, 'length', 'content-length: 3, connection: close', false],
  ] as const)('%s %s %s %s %s', (method, version, status, length, persistent, framing, fields, livesOn) => {
    const framed = frameResponse({ method, version, status, length, persistent });
    const lines = framed.fields.map(([name, value]) => `${name}: ${value}`).join(', ');
    expect([framed.framing, lines, framed.persistent]).toEqual([framing, fields, livesOn]);
  });
});
