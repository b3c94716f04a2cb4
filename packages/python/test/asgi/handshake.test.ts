import { describe, expect, test } from 'vitest';
import type { Field } from '@onezero/cgi-process';
import { opensWebSocket } from '../../src/asgi/handshake.ts';
import type { PythonRequest } from '../../src/message.ts';
import { request } from '../harness.ts';

const key: Field = ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='];
const version: Field = ['sec-websocket-version', '13'];

function asked(upgrade: string | undefined, fields: readonly Field[] = [key, version], method = 'GET'): PythonRequest {
  return { ...request('/', { method, fields }), upgrade };
}

describe('opensWebSocket', () => {
  test.each(['websocket', 'WebSocket', 'h2c, websocket', ' websocket ', 'websocket,foo', 'foo/1 ,WEBSOCKET'])(
    'takes an Upgrade of %j',
    (upgrade) => {
      expect(opensWebSocket(asked(upgrade))).toBe(true);
    },
  );

  test.each([
    ['no Upgrade', asked(undefined)],
    ['an empty one', asked('')],
    ['another protocol', asked('h2c')],
    ['a protocol that only begins so', asked('websocket2')],
    ['a version of it', asked('websocket/13')],
    ['a POST', asked('websocket', [key, version], 'POST')],
    ['a HEAD', asked('websocket', [key, version], 'HEAD')],
  ])('takes a request with %s for one about something else', (_, wanted) => {
    expect(opensWebSocket(wanted)).toBe(false);
  });

  test.each<[string, readonly Field[]]>([
    ['no version', [key]],
    ['an old version', [key, ['sec-websocket-version', '8']]],
    ['a list of versions', [key, ['sec-websocket-version', '13, 8']]],
    ['an empty version', [key, ['sec-websocket-version', '']]],
  ])('answers 426 with the version to use for %s (RFC 6455 §4.2.2)', (_, fields) => {
    expect(opensWebSocket(asked('websocket', fields))).toEqual({
      status: 426,
      fields: [
        ['upgrade', 'websocket'],
        ['sec-websocket-version', '13'],
      ],
    });
  });

  test.each([
    ['none', undefined],
    ['of 15 bytes', Buffer.alloc(15).toString('base64')],
    ['of 17 bytes', Buffer.alloc(17).toString('base64')],
    ['empty', ''],
    ['not in base64', '!!!!!!!!!!!!!!!!!!!!!!=='],
    ['in base64url', '-_-_-_-_-_-_-_-_-_-_-w=='],
    ['without its padding', 'dGhlIHNhbXBsZSBub25jZQ'],
    ['with a line behind it', `${key[1]}\n`],
  ])('answers 400 for a key that is %s', (_, value) => {
    const fields: readonly Field[] = value === undefined ? [version] : [['sec-websocket-key', value], version];
    const answer = opensWebSocket(asked('websocket', fields));
    // White space around a value is no part of it.
    if (value?.trim() === key[1]) expect(answer).toBe(true);
    else expect(answer).toMatchObject({ status: 400, cause: expect.any(Error) });
  });

  test('takes white space around values', () => {
    const fields: readonly Field[] = [
      ['sec-websocket-key', ` ${key[1]}\t`],
      ['sec-websocket-version', ' 13 '],
    ];
    expect(opensWebSocket(asked('websocket', fields))).toBe(true);
  });
});
