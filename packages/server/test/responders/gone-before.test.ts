// Clients that leave while somebody else has their request: the application that is asked after that has to be told as well.

import { expect, onTestFinished, test } from 'vitest';
import { fetchResponder, nodeResponder, type Responder } from '@onezero/server';
import type { ServerOptions } from '../../src/options.ts';
import { start } from '../exchange.ts';

test.each<[string, (wait: () => Promise<void>) => Partial<ServerOptions>]>([
  ['a check of passwords', (wait) => ({ auth: [{ users: () => wait().then(() => true) }] })],
  [
    'a route before',
    (wait) => ({ routes: [{ responder: () => wait().then(() => ({ status: 404 })), fallThrough: true }] }),
  ],
])('are told of to an application of node:http behind %s', async (_, options) => {
  let goOn = (): void => {};
  const waiting = new Promise<void>((resolve) => (goOn = resolve));
  let isWaiting = false;
  const wait = (): Promise<void> => {
    isWaiting = true;
    return waiting;
  };
  const events: string[] = [];
  const responder = nodeResponder((_request, response) => {
    events.push('asked');
    response.on('close', () => events.push('close'));
  });
  const { routes = [], ...others } = options(wait);
  const running = await start({ ...others, routes: [...routes, { responder }] });
  onTestFinished(() => running.close());
  const client = await running.connect();
  client.write('GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\n\r\n');
  await expect.poll(() => isWaiting).toBe(true);
  client.resetAndDestroy();
  await expect.poll(() => running.server.connections).toBe(0);
  goOn();
  await expect.poll(() => events).toEqual(['asked', 'close']);
});

test.each<[string, (asked: () => void, left: () => void) => Responder]>([
  [
    'node:http',
    (asked, left) =>
      nodeResponder((_, response) => {
        response.on('close', left);
        asked();
      }),
  ],
  [
    'fetch',
    (asked, left) =>
      fetchResponder(
        ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              left();
              reject(signal.reason as Error);
            });
            asked();
          }),
      ),
  ],
])('are no failure of an application of %s that waits', async (_, make) => {
  const events: string[] = [];
  const responder = make(
    () => events.push('asked'),
    () => events.push('left'),
  );
  const onError = (): void => void events.push('failure');
  const accessLog = (): void => void events.push('logged');
  const running = await start({ onError, accessLog, routes: [{ responder }] });
  onTestFinished(() => running.close());
  const client = await running.connect();
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(() => events).toEqual(['asked']);
  client.resetAndDestroy();
  await expect.poll(() => events).toContain('left');
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
  expect(events.toSorted()).toEqual(['asked', 'left', 'logged']);
});
