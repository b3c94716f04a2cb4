// Content that comes bit by bit: its framing, its promises, and the pace of a client that takes its time.

import { describe, expect, test } from 'vitest';
import type { Framed } from '../../src/connection/complete.ts';
import { sendContent } from '../../src/connection/content-sender.ts';
import type { Exchange } from '../../src/connection/exchange.ts';
import { FakeTransport } from './fake-transport.ts';

const HEAD = Buffer.from('HEAD;');

function exchange(): Exchange {
  return { over: false, headSent: false, contentBytes: 0, padding: 0, sending: () => {} } as unknown as Exchange;
}

const framed = (more: Partial<Framed> = {}): Framed => ({
  head: HEAD,
  content: undefined,
  length: undefined,
  chunked: false,
  persistent: true,
  ...more,
});

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

const turned = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('sendContent', () => {
  test.each([
    ['small', 'x'],
    ['empty', ''],
  ])('lets others have their turn between many %s pieces', async (_, piece) => {
    let count = 0;
    const many = (async function* () {
      for (; count < 100_000; count += 1) yield Buffer.from(piece);
    })();
    const sending = sendContent(exchange(), many, framed({ chunked: true }), new FakeTransport());
    await turned();
    await turned();
    expect(count).toBeLessThan(2000);
    await sending;
    expect(count).toBe(100_000);
  });

  test('sends the head along with the first piece', async () => {
    const transport = new FakeTransport();
    const one = exchange();
    expect(await sendContent(one, pieces('a', 'b'), framed({ length: 2 }), transport)).toBe(true);
    expect(transport.writes.map(String)).toEqual(['HEAD;a', 'b']);
    expect([one.contentBytes, one.headSent]).toEqual([2, true]);
  });

  test('sends the head alone where the first piece takes longer than this turn', async () => {
    const transport = new FakeTransport();
    let release = (): void => {};
    const slow = (async function* () {
      await new Promise<void>((resolve) => (release = resolve));
      yield Buffer.from('late');
    })();
    const sending = sendContent(exchange(), slow, framed(), transport);
    await turned();
    await turned();
    expect(transport.text).toBe('HEAD;');
    release();
    expect(await sending).toBe(true);
    expect(transport.text).toBe('HEAD;late');
  });

  test('frames chunks, leaves out empty pieces, which would end the content, and ends it once', async () => {
    const transport = new FakeTransport();
    await sendContent(exchange(), pieces('ab', '', 'c', ''), framed({ chunked: true }), transport);
    expect(transport.text).toBe('HEAD;2\r\nab\r\n1\r\nc\r\n0\r\n\r\n');
  });

  test('sends a head, and the last chunk, for content that is empty', async () => {
    const transport = new FakeTransport();
    await sendContent(exchange(), pieces(), framed({ chunked: true }), transport);
    expect(transport.text).toBe('HEAD;0\r\n\r\n');
    const plain = new FakeTransport();
    await sendContent(exchange(), pieces(''), framed({ length: 0 }), plain);
    expect(plain.text).toBe('HEAD;');
  });

  test.each([
    ['longer', ['ab', 'c'], 2, 'longer than its content-length of 2', 'HEAD;ab'],
    ['shorter', ['ab'], 3, 'ended 1 bytes before its content-length', 'HEAD;ab'],
    ['longer at once', ['abc'], 2, 'longer', ''],
  ])('breaks off content that is %s than promised', async (_, texts, length, message, sent) => {
    const transport = new FakeTransport();
    const closed: string[] = [];
    const content = (async function* () {
      try {
        yield* pieces(...texts);
      } finally {
        closed.push('closed');
      }
    })();
    await expect(sendContent(exchange(), content, framed({ length }), transport)).rejects.toThrow(message);
    await turned();
    // What was not yet written is the head of another answer.
    expect(transport.text).toBe(sent);
    expect(closed).toEqual(['closed']);
  });

  test.each([['text'], [7], [undefined], [[1, 2]]])('refuses a piece that is no bytes: %j', async (piece) => {
    const content = (async function* () {
      yield piece as unknown as Uint8Array;
    })();
    await expect(sendContent(exchange(), content, framed(), new FakeTransport())).rejects.toThrow('yield bytes');
  });

  test('asks for a piece only when the one before is taken, so that a buffer may be used again', async () => {
    const transport = new FakeTransport();
    transport.isReady = false;
    const buffer = Buffer.alloc(1);
    let asked = 0;
    const content = (async function* () {
      for (const text of ['a', 'b', 'c']) {
        asked++;
        buffer.write(text);
        yield buffer;
      }
    })();
    const sending = sendContent(exchange(), content, framed({ length: 3 }), transport);
    for (let turns = 1; turns <= 3; turns++) {
      await turned();
      expect([asked, transport.waiting]).toEqual([turns, 1]);
      transport.settle(true);
    }
    transport.isReady = true;
    await turned();
    transport.settle(true);
    expect(await sending).toBe(true);
    expect(transport.text).toBe('HEAD;abc');
  });

  test('closes what produces the content when the client goes', async () => {
    const transport = new FakeTransport();
    transport.isReady = false;
    let isClosed = false;
    const content = (async function* () {
      try {
        for (;;) yield Buffer.from('x');
      } finally {
        isClosed = true;
      }
    })();
    const sending = sendContent(exchange(), content, framed(), transport);
    await turned();
    transport.settle(false);
    expect(await sending).toBe(false);
    await turned();
    expect(isClosed).toBe(true);
  });

  test('stops asking when the exchange is over', async () => {
    const one = exchange();
    let asked = 0;
    const content = (async function* () {
      for (;;) {
        if (++asked === 3) one.over = true;
        yield Buffer.from('x');
      }
    })();
    expect(await sendContent(one, content, framed(), new FakeTransport())).toBe(false);
    expect(asked).toBe(3);
  });

  test('passes on what the producer threw, with its head forgotten when nothing was sent', async () => {
    const transport = new FakeTransport();
    const failing = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new RangeError('no content')) }),
    };
    await expect(sendContent(exchange(), failing, framed(), transport)).rejects.toThrow('no content');
    await turned();
    expect(transport.writes).toEqual([]);
  });

  test('lets the loop turn while a producer always has more and the client always takes it', async () => {
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const large = Buffer.alloc(65_536);
    const content = (async function* () {
      for (let index = 0; index < 100; index++) yield large;
    })();
    await sendContent(exchange(), content, framed(), new FakeTransport());
    isDone = true;
    expect(turns).toBeGreaterThan(5);
  });
});
