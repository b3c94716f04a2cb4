import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { SpoolBudget } from '@onezero/cgi-process';
import { noContent } from '../../src/content/request-content.ts';
import type { RequestContent } from '../../src/content/request-content.ts';
import type { Exchange } from '../../src/exchange/exchange.ts';
import { PythonError } from '../../src/python-error.ts';
import { ThreadConnection } from '../../src/wsgi/thread-connection.ts';
import { exchangeOf, type PromisedExchange, chunks, read, request } from '../harness.ts';
import { end, errors, FakeSocket, lastOutput, offer, output, pause } from '../socket.ts';

const folder = mkdtempSync(join(tmpdir(), 'onezero-thread-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HEAD = 'Status: 200 OK\ncontent-type: text/plain\n\n';
const spool = { readAheadBytes: 1000, fileBytes: 0, budget: new SpoolBudget(0), failed: () => {} };

interface Thread {
  readonly fake: FakeSocket;
  readonly connection: ThreadConnection;
  /** What the owner was told. */
  readonly told: string[];
  readonly begin: (content?: Partial<RequestContent>, changes?: Parameters<typeof request>[1]) => PromisedExchange;
}

function thread(encode: (exchange: Exchange) => string = () => 'A\0b\0'): Thread {
  const fake = new FakeSocket();
  const told: string[] = [];
  const connection = new ThreadConnection(fake.socket, process.pid, encode, {
    released: () => told.push('released'),
    abort: (id) => told.push(`abort ${id}`),
    errors: (text, name) => told.push(`errors ${text}${name === undefined ? '' : ` of ${name}`}`),
    broken: (error) => told.push(`broken ${String(error)}`),
  });
  const begin: Thread['begin'] = (content = {}, changes = {}) => {
    const exchange = exchangeOf(request('/', changes), { ...noContent, ...content }, spool);
    connection.send(exchange);
    return exchange;
  };
  return { fake, connection, told, begin };
}

const types = (fake: FakeSocket): readonly (number | string)[] =>
  fake.heard().map(({ type, content }) => (type === 5 ? `stdin ${content.length}` : type));

describe('ThreadConnection', () => {
  test('carries one request after another, each under its number', async () => {
    const { fake, told, begin } = thread();
    for (const id of [1, 2, 3]) {
      const exchange = begin();
      expect(fake.heard().map((record) => [record.type, record.id])).toEqual([[22, id]]);
      const text = `${HEAD}text ${id}`;
      if (id === 2) fake.say(lastOutput(id, text));
      else fake.say(output(id, text), end(id));
      expect((await read(exchange.answer)).text).toBe(`text ${id}`);
      expect(told.splice(0)).toEqual(['released']);
    }
  });

  test('tells what a request says behind its response as its own, not as that of the next', async () => {
    const { fake, told, begin } = thread();
    const named = (id: string): PromisedExchange => begin({}, { id });
    const first = named('first');
    fake.say(lastOutput(1, `${HEAD}x`), errors(1, 'closed'));
    expect((await read(first.answer)).text).toBe('x');
    const second = named('second');
    fake.say(errors(1, 'closed late'), errors(2, 'broken'), end(2, 1));
    await expect(second.answer).resolves.toMatchObject({ cause: { detail: 'broken' } });
    expect(told).toEqual([
      'released',
      'errors closed of first',
      'errors closed late of first',
      'errors broken of second',
      'released',
    ]);
  });

  test('is free behind a response only when its thread is, where that says so', async () => {
    const { fake, told, begin } = thread();
    const exchange = begin();
    fake.say(pause(1, true), lastOutput(1, `${HEAD}x`));
    expect((await read(exchange.answer)).text).toBe('x');
    expect(told).toEqual([]);
    fake.say(pause(1, false), pause(1, false));
    await turn();
    expect(told).toEqual(['released']);
  });

  test('goes around the numbers of requests without 0', () => {
    const { fake, connection, begin } = thread();
    fake.forget();
    const exchange = begin();
    const bytes = end(1, 1);
    fake.emit('data', bytes);
    // One exchange again and again: making so many would take seconds.
    for (let count = 1; count < 0xffff + 3; count++) {
      const id = (count % 0xffff) + 1;
      connection.send(exchange);
      bytes.writeUInt16BE(id, 2);
      fake.emit('data', bytes);
      if (connection.exchange !== undefined) throw new Error(`request ${count} has another number than ${id}`);
    }
  });

  test('sends content that is here with the head, and lets go of it', async () => {
    const { fake, begin } = thread();
    let discards = 0;
    const content = [Buffer.alloc(70_000, 'x'), Buffer.from('y')];
    begin({ content, length: 70_001, discard: () => void discards++ });
    await turn();
    expect(types(fake)).toEqual([21, 'stdin 70001', 'stdin 0']);
    expect(discards).toBe(1);
  });

  test('sends content that comes piece by piece, none of it empty but the end', async () => {
    const { fake, begin } = thread();
    begin({ content: chunks('one', '', 'three'), length: undefined });
    await turn();
    await turn();
    expect(types(fake)).toEqual([21, 'stdin 3', 'stdin 5', 'stdin 0']);
  });

  test('waits for a thread that takes no content', async () => {
    const { fake, begin } = thread();
    let asked = 0;
    async function* content(): AsyncGenerator<Uint8Array> {
      for (; asked < 3; asked++) yield Buffer.alloc(2000);
    }
    fake.isStuck = true;
    const exchange = begin({ content: content(), length: undefined });
    for (let count = 0; count < 5; count++) await turn();
    expect([asked, exchange.isFed]).toEqual([0, false]);
    fake.goOn();
    await expect.poll(() => asked).toBe(3);
  });

  test('lets go of content that the answer does not wait for, or that breaks off', async () => {
    const { fake, begin } = thread();
    let discards = 0;
    const discard = (): void => void discards++;
    begin({ content: chunks('one', 'two'), length: 6, discard });
    fake.say(lastOutput(1, `${HEAD}x`));
    await expect.poll(() => discards).toBe(1);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('unreadable');
    }
    const exchange = begin({ content: broken(), length: 6, discard });
    await expect(exchange.answer).rejects.toThrow('unreadable');
    expect(discards).toBe(2);
  });

  test('gives the request up when its content breaks off', async () => {
    const { fake, told, begin } = thread();
    async function* content(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('reset');
    }
    const exchange = begin({ content: content(), length: undefined });
    await expect(exchange.answer).rejects.toThrow('reset');
    await turn();
    expect(types(fake)).toEqual([21, 'stdin 4', 2]);
    expect(told).toEqual(['abort 1']);
    fake.say(output(1, 'late'), end(1, 1));
    await turn();
    expect(told).toEqual(['abort 1', 'released']);
  });

  test('refuses what cannot be encoded, and is free again', async () => {
    const { fake, told, begin } = thread(() => {
      throw new TypeError('wsgi: NUL in PATH_INFO');
    });
    let discards = 0;
    const exchange = begin({ discard: () => void discards++ });
    await expect(exchange.answer).rejects.toThrow('NUL');
    expect([told, fake.heard(), discards]).toEqual([['released'], [], 1]);
  });

  test('is free only when the thread has said so, also where the client has left', async () => {
    const { fake, connection, told, begin } = thread();
    const exchange = begin();
    fake.say(output(1, `${HEAD}part`));
    await turn();
    connection.abandon(exchange);
    connection.abandon(exchange);
    expect(told).toEqual(['abort 1']);
    fake.say(output(1, 'more that nobody reads'));
    await turn();
    expect(connection.exchange).toBe(exchange);
    fake.say(end(1));
    await turn();
    expect([told, connection.exchange]).toEqual([['abort 1', 'released'], undefined]);
  });

  test('does not take the end of an earlier request for that of this one', async () => {
    const { fake, told, begin } = thread();
    begin();
    fake.say(output(1, HEAD), end(1));
    await turn();
    const second = begin();
    fake.say(end(1));
    await turn();
    expect([told, second.hasEnded]).toEqual([['released'], false]);
    fake.say(output(2, `${HEAD}two`), end(2));
    expect((await read(second.answer)).text).toBe('two');
  });

  test('reads no more of a socket while its content waits for a client', async () => {
    const { fake, connection, begin } = thread();
    const exchange = begin();
    connection.hold(exchange, true);
    expect(fake.isPaused()).toBe(true);
    connection.hold(exchangeOf(request('/'), noContent, spool), false);
    expect(fake.isPaused()).toBe(true);
    connection.hold(exchange, false);
    expect(fake.isPaused()).toBe(false);
  });

  test('says what the application wrote for the log, whole lines and characters however they are cut', async () => {
    const text = 'first line\nsecond wörld €\nthird\n';
    const bytes = errors(1, text);
    for (let cut = 1; cut < bytes.length; cut++) {
      const { fake, told, begin } = thread();
      begin();
      fake.emit('data', bytes.subarray(0, cut));
      fake.emit('data', Buffer.concat([bytes.subarray(cut), output(1, HEAD), end(1)]));
      expect(told).toEqual([`errors ${text}`, 'released']);
    }
  });

  test('explains a failure with what the application said of it', async () => {
    const { fake, begin } = thread();
    const exchange = begin();
    fake.say(errors(1, 'Traceback\n  ...\nValueError: wrong\n'), end(1, 1));
    expect((await read(exchange.answer)).cause).toMatchObject({
      code: 'application-failed',
      message: 'ValueError: wrong',
      detail: 'Traceback\n  ...\nValueError: wrong\n',
    });
  });

  test('is broken by what is no record', async () => {
    const { fake, told, begin } = thread();
    begin();
    fake.say(Buffer.from('HTTP/1.1 200 OK\r\n'));
    await turn();
    expect(told).toEqual([expect.stringMatching(/^broken FastCgiError: FastCGI version 72/)]);
  });

  test('fails the request under way when it is closed', async () => {
    const { fake, connection, told, begin } = thread();
    let discards = 0;
    const exchange = begin({ discard: () => void discards++ });
    connection.close(new PythonError('worker-died', 'it died'));
    expect((await read(exchange.answer)).cause).toMatchObject({ code: 'worker-died' });
    expect([fake.destroyed, told, discards]).toEqual([true, [], 1]);
  });

  test('takes a file that the thread has open, and is free at once', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'content of a file');
    const descriptor = openSync(path, 'r');
    const { fake, told, begin } = thread();
    const exchange = begin();
    fake.heard();
    fake.say(
      output(1, 'Status: 200 OK\ncontent-length: 7\n\n'),
      offer(1, descriptor, { offset: 3, length: 7, size: 17 }),
    );
    expect((await read(exchange.answer)).text).toBe('tent of');
    expect(fake.heard()).toEqual([{ type: 17, id: 1, content: '\u0001' }]);
    expect(told).toEqual(['released']);
    closeSync(descriptor);
  });

  test('says that it cannot take a file that is none, and waits for the bytes', async () => {
    const { fake, told, begin } = thread();
    const exchange = begin();
    fake.heard();
    fake.say(output(1, HEAD), offer(1, 9999, { length: 5 }));
    await turn();
    expect(fake.heard()).toEqual([{ type: 17, id: 1, content: '\0' }]);
    fake.say(output(1, 'bytes'), end(1));
    expect((await read(exchange.answer)).text).toBe('bytes');
    expect(told).toEqual(['released']);
  });
});
