// What other code rejects with is its own trouble or its client's, and never ends the process: vitest fails a run in which a
// rejection was left unhandled, so each test counts them itself.

import { setImmediate as turned } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { AccessLogEntry, Route, ServerOptions } from '../../src/options.ts';
import { readUntil, start, textResponse, type Running } from '../exchange.ts';

/** Collects rejections that nobody handles, in place of the process's end. */
function unhandled(): unknown[] {
  const seen: unknown[] = [];
  const earlier = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (error) => seen.push(error));
  onTestFinished(() => {
    process.removeAllListeners('unhandledRejection');
    for (const listener of earlier) process.on('unhandledRejection', listener);
  });
  return seen;
}

async function serve(responder: Route['responder'], options: ServerOptions = {}): Promise<Running> {
  const running = await start({ reportErrors: false, ...options, routes: [{ responder }] });
  onTestFinished(() => running.close());
  return running;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

test('an access log that rejects', async () => {
  const seen = unhandled();
  const accessLog = (): unknown => turned().then(() => Promise.reject(new Error('the log is full')));
  const running = await serve(() => textResponse('hello'), { accessLog });
  expect(await running.exchange(GET)).toMatch(/hello$/);
  await turned();
  await turned();
  expect(seen).toEqual([]);
});

test('a handler of upgrades that rejects: its connection ends, and it is reported', async () => {
  const seen = unhandled();
  const causes: unknown[] = [];
  const cause = new Error('the handler broke');
  const upgrade = (): unknown => turned().then(() => Promise.reject(cause));
  const running = await serve(() => ({ status: 101, fields: [['upgrade', 'echo']], upgrade }), {
    onError: (failure) => void causes.push(failure.cause),
  });
  expect(await running.exchange(UPGRADE, { halfClose: false })).toMatch(/^HTTP\/1\.1 101/);
  await expect.poll(() => running.server.connections).toBe(0);
  expect({ seen, causes }).toEqual({ seen: [], causes: [cause] });
});

test('content that nobody waits for any more when its client leaves', async () => {
  const seen = unhandled();
  const entries: AccessLogEntry[] = [];
  const running = await serve(
    ({ content }) => {
      void content[Symbol.asyncIterator]().next();
      return new Promise(() => {});
    },
    { accessLog: (entry) => void entries.push(entry) },
  );
  const socket = await running.connect();
  socket.write(POST);
  await expect.poll(() => running.server.requests).toBe(1);
  socket.resetAndDestroy();
  await expect.poll(() => entries).toMatchObject([{ complete: false }]);
  await turned();
  expect(seen).toEqual([]);
});

test('an answer that comes too late and cannot be looked at', async () => {
  const seen = unhandled();
  let come = (): void => {};
  const late = new Promise<void>((resolve) => (come = resolve));
  const running = await serve(
    async () => {
      await late;
      return {
        status: 200,
        fields: [],
        get content(): never {
          throw new Error('no content');
        },
      };
    },
    { limits: { answerTimeoutMs: 100 } },
  );
  const socket = await running.connect();
  socket.write(GET);
  await readUntil(socket, /^HTTP\/1\.1 503/);
  socket.destroy();
  come();
  await turned();
  await turned();
  expect(seen).toEqual([]);
});
