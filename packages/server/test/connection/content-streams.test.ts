// Streams of Node and of the web as content: whoever ends the answer, and whenever, they are closed.

import { createReadStream } from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ResponseLike } from '../../src/message/message.ts';
import { readUntil, start, type Running } from '../exchange.ts';

const FILE = import.meta.filename;

async function serve(responder: () => unknown, limits = {}): Promise<Running> {
  const running = await start({
    routes: [{ responder: responder as () => ResponseLike }],
    limits,
    // What is looked at here is the stream; that an answer fails is said elsewhere.
    onError: () => undefined,
  });
  onTestFinished(() => running.close());
  return running;
}

const asked = (method: string): string => `${method} / HTTP/1.1\r\nHost: localhost\r\n\r\n`;

describe('a stream of Node that is not sent is closed', () => {
  test.each<[string, string, (content: Readable) => unknown]>([
    ['to HEAD', 'HEAD', (content) => ({ status: 200, content })],
    ['with 304', 'GET', (content) => ({ status: 304, content })],
    ['with 204', 'GET', (content) => ({ status: 204, content })],
    ['with a field that cannot be', 'GET', (content) => ({ status: 200, fields: [['a b', 'c']], content })],
    ['with a length that is none', 'GET', (content) => ({ status: 200, fields: [['content-length', 'x']], content })],
    ['with fields that are no list', 'GET', (content) => ({ status: 200, fields: {}, content })],
    ['with a status that is none', 'GET', (content) => ({ status: 99, content })],
    ['in place of a response', 'GET', (content) => content],
  ])('%s', async (_, method, answer) => {
    const content = createReadStream(FILE);
    const { exchange } = await serve(() => answer(content));
    await exchange(asked(method));
    await expect.poll(() => content.closed).toBe(true);
  });

  test('also one of the web in place of a response', async () => {
    const cancel = vi.fn();
    const { exchange } = await serve(() => new ReadableStream({ cancel }));
    await exchange(asked('GET'));
    await expect.poll(() => cancel.mock.calls.length).toBe(1);
  });

  test('that comes after the patience has ended', async () => {
    const content = createReadStream(FILE);
    let late: ((response: unknown) => void) | undefined;
    const { exchange } = await serve(() => new Promise((resolve) => (late = resolve)), { answerTimeoutMs: 50 });
    expect(await exchange(asked('GET'))).toContain(' 503 ');
    late?.({ status: 200, content });
    await expect.poll(() => content.closed).toBe(true);
  });

  test('and ends no process when it fails later', async () => {
    const uncaught = vi.fn();
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', uncaught);
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    });
    const made: Readable[] = [];
    const { exchange } = await serve(() => {
      const content = made.length === 0 ? createReadStream(`${FILE}-none`) : new PassThrough();
      made.push(content);
      return { status: 200, content };
    });
    await exchange(asked('HEAD'));
    await exchange(asked('HEAD'));
    made[1]?.destroy(new Error('the source is gone'));
    await expect.poll(() => made.map(({ closed }) => closed)).toEqual([true, true]);
    expect(uncaught).not.toHaveBeenCalled();
  });
});

describe('a stream that has nothing to send yet is closed', () => {
  test.each(['before the first piece', 'after it'])('when its client goes, %s', async (when) => {
    const content = new PassThrough();
    const isCancelled = vi.fn();
    const web = new ReadableStream({
      cancel: isCancelled,
      start: (to) => void (when === 'after it' && to.enqueue(Buffer.from('a'))),
    });
    if (when === 'after it') content.write('a');
    const contents = [content, web];
    const { connect } = await serve(() => ({ status: 200, content: contents.shift() }));
    for (let asks = 0; asks < 2; asks += 1) {
      const socket = await connect();
      socket.write(asked('GET'));
      await readUntil(socket, when === 'after it' ? /\r\n\r\n1\r\na/ : /\r\n\r\n/);
      socket.resetAndDestroy();
    }
    await expect.poll(() => content.closed).toBe(true);
    await expect.poll(() => isCancelled).toHaveBeenCalledTimes(1);
  });

  test('when it is silent for too long', async () => {
    const content = new PassThrough();
    const { exchange } = await serve(() => ({ status: 200, content }), { silenceTimeoutMs: 50 });
    await exchange(asked('GET'), { halfClose: false });
    await expect.poll(() => content.closed).toBe(true);
  });
});
