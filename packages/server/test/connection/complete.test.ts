import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ResponseParser } from '@onezero/http-parser';
import { encodeChunk, encodeLastChunk } from '@onezero/http-parser/serializer';
import { complete, type Framed, type Situation, switchingHead } from '../../src/connection/complete.ts';
import type { Field, ResponseMessage } from '../../src/message/message.ts';

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

  test('says with 426 which protocol it wants', () => {
    const fields = [['upgrade', 'websocket'], ['connection', 'Upgrade']] as const; // prettier-ignore
    expect(head({ status: 426, fields })).toBe(
      'HTTP/1.1 426 Upgrade Required\r\nupgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 0\r\n\r\n',
    );
    expect(head({ status: 426 })).toBe('HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n');
  });

  test('refuses a length that is none', () => {
    expect(() => head({ content: pieces(), fields: [['content-length', '-1']] })).toThrow(/not a length/);
  });
});

describe('every answer in every situation', () => {
  const responses = fc.record({
    status: fc.constantFrom(200, 201, 204, 205, 206, 301, 304, 404, 500),
    kind: fc.constantFrom('bytes', 'nothing', 'stream', 'stream of known length'),
    size: fc.nat(40),
    connection: fc.constantFrom(undefined, 'close', 'keep-alive', 'x-hop'),
    trailer: fc.boolean(),
  });
  const situations = fc.record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', undefined),
    version: fc.constantFrom('1.0' as const, '1.1' as const),
    persistent: fc.boolean(),
    id: fc.constantFrom(undefined, 'i-1'),
  });

  test('is read by a parser as what it was, to the byte, and what follows is the next', () => {
    fc.assert(
      fc.property(responses, situations, ({ status, kind, size, connection, trailer }, situation) => {
        const bytes = Buffer.alloc(size, 'x');
        const fields: Field[] = [['x-a', '1']];
        if (kind === 'stream of known length') fields.push(['content-length', String(size)]);
        if (connection !== undefined) fields.push(['connection', connection]);
        if (trailer) fields.push(['trailer', 'x'], ['transfer-encoding', 'gzip'], ['date', 'never']);
        const content = kind === 'bytes' ? bytes : kind === 'nothing' ? undefined : pieces();
        const made = complete({ status, fields, content }, situation, {
          ...settings,
          fields: [
            ['x-b', '2'],
            ['x-a', '3'],
          ],
          requestIdField: 'x-id',
        });
        // What a sender makes of it.
        const isSent = made.content !== undefined;
        const sent = made.chunked ? [...(size > 0 ? encodeChunk(bytes) : []), encodeLastChunk()] : [bytes];
        const wire = Buffer.concat([made.head ?? Buffer.alloc(0), ...(isSent ? sent : [])]);
        const parser = new ResponseParser();
        parser.next({ method: situation.method ?? 'GET', version: situation.version });
        const events = [...parser.push(wire), ...(made.persistent ? [] : parser.end())];
        expect(events.filter(({ type }) => type === 'error')).toEqual([]);
        expect(events.at(-1)?.type).toBe('end');
        const read = events.flatMap((event) => (event.type === 'content' ? [Buffer.from(event.bytes)] : []));
        const hasNone = situation.method === 'HEAD' || [204, 205, 304].includes(status) || kind === 'nothing';
        expect(Buffer.concat(read).length).toBe(hasNone ? 0 : size);
        const [first] = events;
        if (first?.type !== 'head') throw new Error('no head');
        const names = first.head.fields.map(([name]) => name);
        // Each field once, our own among them, and none that the responder has no say in.
        for (const name of ['date', 'x-a', 'x-b']) expect(names.filter((one) => one === name)).toHaveLength(1);
        expect(first.head.fields).toContainEqual(['x-a', '1']);
        expect(names.includes('x-id')).toBe(situation.id !== undefined);
        expect(names).not.toContain('trailer');
        if (!situation.persistent || connection === 'close') expect(made.persistent).toBe(false);
        if (situation.version === '1.0') expect(made.chunked).toBe(false);
      }),
      { numRuns: 800 },
    );
  });

  test('of HEAD has the head of GET', () => {
    fc.assert(
      fc.property(responses, situations, ({ status, kind, size }, situation) => {
        if (kind === 'stream' && situation.version === '1.0') return;
        const content = kind === 'bytes' ? Buffer.alloc(size) : kind === 'nothing' ? undefined : pieces();
        const fields: readonly Field[] = kind === 'stream of known length' ? [['content-length', String(size)]] : [];
        const of = (method: string): string => head({ status, fields, content }, { ...situation, method });
        // One that has no content of its own may say nothing of a length.
        if (kind !== 'nothing') expect(of('HEAD')).toBe(of('GET'));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    [304, [['content-length', '7']], 'HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n'],
    [304, [], 'HTTP/1.1 304 Not Modified\r\n\r\n'],
    [204, [['content-length', '7']], 'HTTP/1.1 204 No Content\r\n\r\n'],
    [205, [['content-length', '7']], 'HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n'],
  ] as const)('of status %d with %j has the length that its status allows', (status, fields, text) => {
    for (const content of [undefined, pieces()]) expect(head({ status, fields, content })).toBe(text);
  });

  test.each(['0.9', 'non-parsed'])('that is %s has no head of ours, and is the last', (kind) => {
    const content = Buffer.from('HTTP/1.1 200 OK\r\n\r\nraw');
    const made = kind === '0.9' ? framed({ content }, { version: '0.9' }) : framed({ content, nonParsed: true });
    expect(made).toEqual({ head: undefined, content, length: undefined, chunked: false, persistent: false });
  });
});

describe('switchingHead', () => {
  const all = { ...settings, serverField: 'onezero' } as const;

  test('keeps the protocol and what belongs to it, and nothing that frames content', () => {
    const fields = [
      ['upgrade', 'websocket'],
      ['sec-websocket-accept', 'x'],
      ['connection', 'keep-alive'],
      ['content-length', '0'],
      ['transfer-encoding', 'chunked'],
    ] as const;
    const text = Buffer.from(switchingHead({ status: 101, fields }, all)).toString();
    expect(text.replace(/date: .*\r\n/, '')).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nserver: onezero\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\nconnection: upgrade\r\n\r\n',
    );
  });

  test('names its protocol, or is none', () => {
    expect(() => switchingHead({ status: 101, fields: [] }, all)).toThrow(/names no protocol/);
  });
});
