// Answers that a responder tells a listener, instead of promising them.

import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { AnswerListener, RequestMessage, ResponseLike } from '../../src/message/message.ts';
import type { Route, ServerOptions } from '../../src/options.ts';
import { parse, readAll, start } from '../exchange.ts';

/** A responder that answers later, by its listener; asked otherwise it fails. */
function telling(tell: (listener: AnswerListener, request: RequestMessage) => void): Route['responder'] {
  const ask = (): ResponseLike => ({ status: 500, content: 'asked without a listener' });
  const lend = (request: RequestMessage, listener: AnswerListener): undefined => {
    setImmediate(() => tell(listener, request));
  };
  return Object.assign(ask, { lend });
}

async function answered(options: ServerOptions, target = '/'): Promise<{ status: number; text: string }> {
  const running = await start(options);
  onTestFinished(() => running.close());
  const socket = await running.connect();
  socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const { status, content: text } = parse(await readAll(socket));
  return { status, text };
}

test('an answer is told, with bytes that are valid during the call', async () => {
  const responder = telling((listener) => {
    const content = Buffer.from('hello');
    listener.answered({ status: 200, fields: [], content, isLent: true });
    content.fill('x');
  });
  expect(await answered({ routes: [{ responder }] })).toEqual({ status: 200, text: 'hello' });
});

test('a mistake in what is told is a 500, as in what is returned', async () => {
  const responder = telling((listener) => listener.answered({ status: 0 }));
  expect((await answered({ routes: [{ responder }] })).status).toBe(500);
});

test('a failure has its status', async () => {
  const responder = telling((listener) => listener.failed(Object.assign(new Error('busy'), { status: 503 })));
  expect((await answered({ routes: [{ responder }] })).status).toBe(503);
});

test('the next route is asked where nothing is told, and may tell as well', async () => {
  const routes = [
    { responder: telling((listener) => listener.answered({ status: 404 })), fallThrough: true },
    { responder: telling((listener) => listener.answered({ status: 200, content: 'second' })) },
  ];
  expect(await answered({ routes })).toEqual({ status: 200, text: 'second' });
  const promising = Object.assign(() => ({ status: 500 }), { lend: () => Promise.resolve({ status: 404 }) });
  expect(await answered({ routes: [{ responder: promising, fallThrough: true }, routes[1]!] })).toEqual({
    status: 200,
    text: 'second',
  });
});

test('pipelined requests are answered in order', async () => {
  const responder = telling((listener, { pathInfo }) => listener.answered({ status: 200, content: pathInfo }));
  const running = await start({ routes: [{ responder }] });
  onTestFinished(() => running.close());
  const socket = await running.connect();
  const targets = Array.from({ length: 50 }, (_, index) => `/${index}`);
  socket.write(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
  socket.write('GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect((await readAll(socket)).match(/^\/\w+/gm)?.map((line) => line.replace('HTTP', ''))).toEqual([
    ...targets,
    '/last',
  ]);
});

test('an answer that comes after the patience has ended is dropped, and its content closed', async () => {
  let late: AnswerListener | undefined;
  const responder = telling((listener) => (late = listener));
  const options = { routes: [{ responder }], limits: { answerTimeoutMs: 30 }, onError: () => undefined };
  expect((await answered(options)).status).toBe(503);
  let isClosed = false;
  const content = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: Buffer.from('x') }),
      return: () => {
        isClosed = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  } as AsyncIterable<Uint8Array>;
  late?.answered({ status: 200, content });
  await turn();
  expect(isClosed).toBe(true);
});

test('a client that has gone is missed by nobody', async () => {
  let late: AnswerListener | undefined;
  const responder = telling((listener) => (late = listener));
  const running = await start({ routes: [{ responder }] });
  onTestFinished(() => running.close());
  const socket = await running.connect();
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(() => late).toBeDefined();
  socket.resetAndDestroy();
  await expect.poll(() => running.server.connections).toBe(0);
  late?.answered({ status: 200, content: 'for nobody' });
});
