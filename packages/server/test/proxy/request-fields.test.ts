// The fields on their way to an upstream and back, whatever a client wrote into them.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Field } from '../../src/message/message.ts';
import { framingFault, requestFields, responseFields } from '../../src/proxy/request-fields.ts';
import { request } from '../request.ts';

const valueOf = (fields: readonly Field[], name: string): readonly string[] =>
  fields.filter(([given]) => given === name).map(([, value]) => value);

describe('requestFields', () => {
  const names = fc.constantFrom(
    'accept',
    'authorization',
    'connection',
    'content-length',
    'cookie',
    'expect',
    'forwarded',
    'host',
    'keep-alive',
    'proxy-authorization',
    'proxy_connection',
    'te',
    'trailer',
    'transfer-encoding',
    'transfer_encoding',
    'upgrade',
    'x-forwarded-for',
    'x_forwarded_for',
    'x-forwarded_user',
    'x-forwarded-anything',
    'x-real-ip',
    'true_client_ip',
    'x-mine',
  );
  const values = fc.constantFrom('a', 'close', 'x-mine', 'X-Mine, keep-alive', 'chunked', '203.0.113.9', '10');
  const fields = fc.array(fc.tuple(names, values), { maxLength: 10 });
  const lengths = fc.constantFrom(0, 7, undefined);
  const users = fc.constantFrom('ada', undefined);
  const upgrades = fc.constantFrom('websocket', undefined);

  test('are framed once, and say of the client only what this server knows', () => {
    fc.assert(
      fc.property(fields, lengths, users, upgrades, (given, contentLength, user, upgrade) => {
        const sent = requestFields(request({ fields: given, contentLength, user, upgrade }), 'upstream:1');
        expect(valueOf(sent, 'host')).toEqual(['upstream:1']);
        expect(sent[0]?.[0]).toBe('host');
        expect(valueOf(sent, 'x-forwarded-for')).toEqual(['192.0.2.1']);
        expect(valueOf(sent, 'x-forwarded-proto')).toEqual(['http']);
        expect(valueOf(sent, 'x-forwarded-host')).toEqual(['example.org']);
        expect(valueOf(sent, 'x-forwarded-user')).toEqual(user === undefined ? [] : [user]);
        expect(valueOf(sent, 'forwarded')).toEqual(['for=192.0.2.1;proto=http;host="example.org"']);
        const framing = [...valueOf(sent, 'content-length'), ...valueOf(sent, 'transfer-encoding')];
        expect(framing.length).toBeLessThanOrEqual(1);
        if (contentLength === undefined) expect(framing).toEqual(['chunked']);
        else if (contentLength > 0) expect(framing).toEqual(['7']);
        else expect(framing).toEqual(given.some(([name]) => name === 'content-length') ? ['0'] : []);
        expect(valueOf(sent, 'connection')).toEqual([upgrade === undefined ? 'close' : 'upgrade']);
        expect(valueOf(sent, 'upgrade')).toEqual(upgrade === undefined ? [] : [upgrade]);
        // Nothing of one connection goes on to the next, in either spelling.
        const others = sent.map(([name]) => name).filter((name) => name.includes('_'));
        expect(others).toEqual([]);
        for (const name of ['expect', 'te', 'trailer', 'keep-alive', 'proxy-authorization', 'x-real-ip']) {
          expect(valueOf(sent, name), name).toEqual([]);
        }
        const isNamed = valueOf(given, 'connection').some((value) => /x-mine/i.test(value));
        expect(valueOf(sent, 'x-mine')).toEqual(isNamed ? [] : valueOf(given, 'x-mine'));
        expect(valueOf(sent, 'authorization')).toEqual(user === undefined ? valueOf(given, 'authorization') : []);
        expect(valueOf(sent, 'cookie')).toEqual(valueOf(given, 'cookie'));
      }),
      { numRuns: 400 },
    );
  });

  test.each([
    ['192.0.2.1', '192.0.2.1', 'for=192.0.2.1'],
    ['2001:db8::1', '2001:db8::1', 'for="[2001:db8::1]"'],
    ['', 'unknown', 'for=unknown'],
    ['/run/client.sock', 'unknown', 'for=unknown'],
  ])('name the client %j', (address, plain, forwarded) => {
    const sent = requestFields(request({ remote: { address, port: 1 } }), 'h');
    expect(valueOf(sent, 'x-forwarded-for')).toEqual([plain]);
    expect(valueOf(sent, 'forwarded')[0]?.split(';')[0]).toBe(forwarded);
  });

  test('name a user in the octets of UTF-8, whatever the alphabet', () => {
    const [said = ''] = valueOf(requestFields(request({ user: 'Zoë 用户' }), 'h'), 'x-forwarded-user');
    expect(Buffer.from(said, 'latin1').toString()).toBe('Zoë 用户');
  });

  test('say nothing of a host where the client named none', () => {
    const sent = requestFields(request({ authority: undefined, scheme: 'https' }), 'h');
    expect(valueOf(sent, 'x-forwarded-host')).toEqual([]);
    expect(valueOf(sent, 'forwarded')).toEqual(['for=192.0.2.1;proto=https']);
  });
});

describe('responseFields', () => {
  test('are those of the response, without those of the connection', () => {
    const kept: readonly Field[] = [
      ['content-type', 'text/plain'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['www-authenticate', 'Basic'],
      ['date', 'x'],
      ['content-length', '5'],
    ];
    const gone: readonly Field[] = [
      ['connection', 'close, X-Hop'],
      ['connection', 'x-other'],
      ['x-hop', '1'],
      ['x-other', '1'],
      ['keep-alive', 'timeout=5'],
      ['transfer-encoding', 'chunked'],
      ['trailer', 'x'],
      ['upgrade', 'h2c'],
      ['proxy-connection', 'close'],
    ];
    expect(responseFields([...gone, ...kept])).toEqual(kept);
  });

  test('keep their length also where the connection field names it', () => {
    expect(
      responseFields([
        ['connection', 'content-length'],
        ['content-length', '5'],
      ]),
    ).toEqual([['content-length', '5']]);
  });

  test.each([
    [[], undefined],
    [['5'], undefined],
    [['0'], undefined],
    [['5, 5'], 'with the Content-Length 5, 5'],
    [['5', '5'], 'with the Content-Length 5, 5'],
    [['05'], 'with the Content-Length 05'],
    [[''], 'with the Content-Length '],
  ])('of the lengths %j are at fault as those with content are: %s', (lengths, fault) => {
    expect(framingFault(lengths.map((length) => ['content-length', length] as const))).toBe(fault);
  });
});
