import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SpoolBudget } from '@onezero/cgi-process';
import { LoopChannel } from '../../src/asgi/loop-channel.ts';
import { noContent } from '../../src/content/request-content.ts';
import type { RequestContent } from '../../src/content/request-content.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import { PythonError } from '../../src/python-error.ts';
import { exchangeOf, type PromisedExchange, chunks, read, request } from '../harness.ts';
import { end, errors, FakeSocket, lastOutput, output, pause, record } from '../socket.ts';

const HEAD = 'Status: 200 \n\n';
const spool = { readAheadBytes: 1000, fileBytes: 0, budget: new SpoolBudget(0), failed: () => {} };

interface Loop {
  readonly fake: FakeSocket;
  readonly channel: LoopChannel;
  readonly told: string[];
  readonly begin: (path?: string, content?: Partial<RequestContent>) => PromisedExchange;
}

function loop(concurrency = 100): Loop {
  const fake = new FakeSocket();
  const told: string[] = [];
  const settings = {
    pid: process.pid,
    concurrency,
    encode: ({ request: { target } }: Exchange) => ({ own: '', common: target }),
  };
  const channel = new LoopChannel(fake.socket, settings, {
    released: () => told.push('released'),
    abort: () => told.push('abort'),
    errors: (text, id) => told.push(`errors ${id ?? ''} ${text}`),
    broken: (error) => told.push(`broken ${String(error)}`),
  });
  const begin: Loop['begin'] = (path = '/', content = {}) => {
    const exchange = exchangeOf(request(path, { id: path }), { ...noContent, ...content }, spool);
    channel.send(exchange);
    return exchange;
  };
  return { fake, channel, told, begin };
}

const texts = (fake: FakeSocket): readonly string[] =>
  fake.heard().map(({ type, id, content }) => `${type} ${id} ${content}`);

describe('LoopChannel', () => {
  test('sends what comes in one turn at its end', async () => {
    const { fake, begin } = loop();
    begin('/a');
    begin('/b', { content: [Buffer.from('xy')], length: 2 });
    expect(fake.heard()).toEqual([]);
    await turn();
    expect(texts(fake)).toEqual(['22 1 /a', '21 2 /b', '5 2 xy', '5 2 ']);
  });

  test('answers as the worker does, in whatever order', async () => {
    const { fake, channel, told, begin } = loop();
    const exchanges = ['/a', '/b', '/c', '/d'].map((path) => begin(path));
    expect([channel.free, [...channel.underWay].length]).toEqual([96, 4]);
    fake.say(output(2, HEAD), output(3, `${HEAD}c1`), output(2, 'b'), output(3, 'c2'), end(3), end(2));
    fake.say(output(1, `${HEAD}a`), lastOutput(4, `${HEAD}d`), end(1));
    const answers = await Promise.all(exchanges.map(async ({ answer }) => (await read(answer)).text));
    expect(answers).toEqual(['a', 'b', 'c1c2', 'd']);
    expect([channel.free, told]).toEqual([100, Array(4).fill('released')]);
  });

  test('has as many places as it was told, and never fewer than none', () => {
    const { channel, begin } = loop(1);
    expect(channel.free).toBe(1);
    begin();
    expect(channel.free).toBe(0);
    begin();
    expect(channel.free).toBe(0);
  });

  test('drops what comes for nobody', async () => {
    const { fake, told } = loop();
    fake.say(output(7, 'x'), pause(7, true), end(7), record(19, 0));
    await turn();
    expect(told).toEqual([]);
    fake.say(errors(7, 'from a task that goes on\n'));
    await turn();
    expect(told).toEqual(['errors  from a task that goes on\n']);
  });

  test('tells the worker that nobody wants an answer, once, and keeps its place until it is done', async () => {
    const { fake, channel, begin } = loop();
    const exchange = begin();
    await turn();
    fake.heard();
    channel.abandon(exchange);
    channel.abandon(exchange);
    await turn();
    expect(texts(fake)).toEqual(['2 1 ']);
    expect([channel.free, exchange.isAbandoned]).toEqual([99, true]);
    fake.say(output(1, HEAD), end(1, 1));
    await turn();
    expect(channel.free).toBe(100);
    channel.abandon(exchange);
    await turn();
    expect(texts(fake)).toEqual([]);
  });

  test('stops the content of a response and lets it go on', async () => {
    const { fake, channel, begin } = loop();
    const exchange = begin();
    await turn();
    fake.heard();
    channel.hold(exchange, true);
    channel.hold(exchange, false);
    channel.hold(exchangeOf(request('/'), noContent, spool), true);
    await turn();
    expect(texts(fake)).toEqual(['18 1 \u0001', '18 1 \0']);
  });

  test('stops its own content when the worker asks, that of others not', async () => {
    const { fake, begin } = loop();
    let asked = 0;
    async function* slow(): AsyncGenerator<Uint8Array> {
      for (; asked < 4; asked++) yield Buffer.from('x');
    }
    const exchange = begin('/slow', { content: slow(), length: undefined });
    fake.emit('data', pause(1, true));
    begin('/other', { content: chunks('o'), length: undefined });
    for (let count = 0; count < 5; count++) await turn();
    expect([asked, exchange.isFed]).toEqual([0, false]);
    expect(texts(fake).filter((text) => text.startsWith('5 '))).toEqual(['5 1 x', '5 2 o', '5 2 ']);
    fake.emit('data', pause(1, false));
    await expect.poll(() => asked).toBe(4);
    await turn();
    expect(texts(fake)).toEqual(['5 1 x', '5 1 x', '5 1 x', '5 1 ']);
  });

  test('leaves the content of a request that has been answered', async () => {
    const { fake, begin } = loop();
    let isReturned = false;
    let goOn: () => void = () => {};
    const waiting = new Promise<void>((resolve) => (goOn = resolve));
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from('x');
        await waiting;
        for (;;) yield Buffer.from('y');
      } finally {
        isReturned = true;
      }
    }
    const exchange = begin('/', { content: endless(), length: undefined });
    await turn();
    fake.say(output(1, `${HEAD}enough`), end(1));
    expect((await read(exchange.answer)).text).toBe('enough');
    goOn();
    await expect.poll(() => isReturned).toBe(true);
    await turn();
    expect(texts(fake).filter((text) => text === '5 1 ' || text === '5 1 y')).toEqual([]);
  });

  test('fails a request whose content breaks off, and tells the worker', async () => {
    const { fake, begin } = loop();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      throw new Error('reset');
    }
    const exchange = begin('/', { content: broken(), length: undefined });
    await expect(exchange.answer).rejects.toThrow('reset');
    await turn();
    expect(texts(fake).slice(-2)).toEqual(['5 1 x', '2 1 ']);
  });

  test('says errors under the name of their request, whole however they are cut', async () => {
    const text = 'one wörld\ntwo €\n';
    const bytes = Buffer.concat([errors(1, text), errors(2, 'other\n')]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const { fake, told, begin } = loop();
      begin('/a');
      begin('/b');
      fake.emit('data', bytes.subarray(0, cut));
      fake.emit('data', bytes.subarray(cut));
      expect(told).toEqual([`errors /a ${text}`, 'errors /b other\n']);
    }
  });

  test('asks for a sign of life, and takes any for one', async () => {
    const { fake, channel } = loop();
    expect(channel.silence(1000)).toBe(0);
    expect(channel.silence(1500)).toBe(500);
    await turn();
    expect(texts(fake)).toEqual(['19 0 ']);
    fake.emit('data', record(19, 0));
    expect(channel.silence(2000)).toBe(0);
    fake.emit('data', output(9, 'x'));
    expect(channel.silence(9000)).toBe(0);
  });

  test('says that no request will follow', async () => {
    const { fake, channel } = loop();
    channel.drain();
    await turn();
    expect(texts(fake)).toEqual(['20 0 ']);
  });

  test('takes the masks off what a client sends after a change of protocol', async () => {
    const { fake, begin } = loop();
    const exchange = begin('/a');
    fake.say(output(1, 'Status: 101 Switching Protocols\n\n'));
    await turn();
    fake.heard();
    const client = new FakeSocket();
    const { upgrade } = (await exchange.answer) as { upgrade(stream: Socket): void };
    upgrade(client.socket);
    client.say(Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x68 ^ 1, 0x69 ^ 2]));
    await turn();
    await turn();
    expect(texts(fake)).toEqual(['5 1 \x81\x82\0\0\0\0hi']);
  });

  test('fails all that is under way when it is closed', async () => {
    const { fake, channel, begin } = loop();
    let discards = 0;
    const exchanges = [begin('/a', { discard: () => void discards++ }), begin('/b')];
    channel.close(new PythonError('worker-died', 'it died'));
    for (const { answer } of exchanges) expect((await read(answer)).cause).toMatchObject({ code: 'worker-died' });
    expect([fake.destroyed, channel.free, [...channel.underWay], discards]).toEqual([true, 100, [], 1]);
  });

  test('tells its owner of bytes that make no sense', async () => {
    const { fake, told } = loop();
    fake.say(Buffer.from('Traceback (most recent call last)'));
    await turn();
    expect(told).toEqual([expect.stringMatching(/^broken FastCgiError/)]);
  });

  test('refuses what cannot be encoded, and keeps no place for it', async () => {
    const { channel } = loop();
    const fake = new FakeSocket();
    const settings = { pid: 1, concurrency: 5, encode: (): never => { throw new TypeError('asgi: NUL in a request'); } }; // prettier-ignore
    const owner = { released: () => {}, abort: () => {}, errors: () => {}, broken: () => {} };
    const other = new LoopChannel(fake.socket, settings, owner);
    const exchange = exchangeOf(request('/'), noContent, spool);
    other.send(exchange);
    await expect(exchange.answer).rejects.toThrow('NUL');
    expect([other.free, channel.free, fake.heard()]).toEqual([5, 100, []]);
  });
});
