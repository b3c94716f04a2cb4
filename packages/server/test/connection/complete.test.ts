import { describe, expect, test } from 'vitest';
import { complete, type Framed, type Situation } from '../../src/connection/complete.ts';
import type { ResponseMessage } from '../../src/message/message.ts';

const settings = { serverField: false, fields: [], requestIdField: undefined } as const;

async function* pieces(): AsyncGenerator<Uint8Array> {}

function framed(response: Partial<ResponseMessage>, situation: Partial<Situation> = {}): Framed {
  const whole = { method: 'GET', version: '1.1', persistent: true, id: undefined, ...situation } as const;
  return complete({ status: 200, fields: [], ...response }, whole, settings);
}

/** The head as it goes out, without its Date. */
function head(response: Partial<ResponseMessage>, situation: Partial<Situation> = {}): string {
  return Buffer.from(framed(response, situation).head ?? [])
    .toString('latin1')
    .replace(/date: .*\r\n/, '');
}

describe('complete', () => {
  test.each([
    ['bytes', { content: Buffer.from('abc') }, {}, 'content-length: 3\r\n'],
    ['no content', {}, {}, 'content-length: 0\r\n'],
    ['an iterable', { content: pieces() }, {}, 'transfer-encoding: chunked\r\n'],
    [
      'an iterable of known length',
      { content: pieces(), fields: [['content-length', '7']] },
      {},
      'content-length: 7\r\n',
    ],
    ['an iterable for 1.0', { content: pieces() }, { version: '1.0' }, 'connection: close\r\n'],
    ['HEAD of what has a length', { fields: [['content-length', '7']] }, { method: 'HEAD' }, 'content-length: 7\r\n'],
    [
      'HEAD over 1.0 of what has none',
      { content: pieces() },
      { method: 'HEAD', version: '1.0' },
      'connection: keep-alive\r\n',
    ],
  ] as const)('frames %s', (_, response, situation, fields) => {
    expect(head(response, situation)).toBe(`HTTP/1.1 200 OK\r\n${fields}\r\n`);
  });

  test.each(['close', 'Close', 'keep-alive, close', 'close,x'])(
    'ends the connection for "%s" of a responder',
    (value) => {
      expect(head({ fields: [['connection', value]] })).toMatch(/\r\nconnection: close\r\n/);
      expect(framed({ fields: [['connection', value]] }).persistent).toBe(false);
    },
  );

  test('takes no other hop-by-hop field from a responder', () => {
    const fields = [
      ['connection', 'x-a, closed'],
      ['keep-alive', 'timeout=5'],
      ['transfer-encoding', 'gzip'],
      ['upgrade', 'h2c'],
      ['x-b', '1'],
    ] as const;
    expect(head({ fields })).toBe('HTTP/1.1 200 OK\r\nx-b: 1\r\ncontent-length: 0\r\n\r\n');
  });

  test('refuses a length that is none', () => {
    expect(() => head({ content: pieces(), fields: [['content-length', '-1']] })).toThrow(/no length/);
  });
});
