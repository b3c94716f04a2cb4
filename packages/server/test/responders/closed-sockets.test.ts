// The order in which an application is told that its connection has closed, beside node:http.

import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { nodeResponder } from '@onezero/server';
import { readAll, start } from '../exchange.ts';

type Act = (request: IncomingMessage, response: ServerResponse) => void;

/** What an application is told of until both its request and its response have closed. */
function follow(act: Act, told: (events: readonly string[]) => void): Act {
  return (request, response) => {
    const events: string[] = [];
    const note = (event: string): void => {
      events.push(event);
      if (events.includes('request close') && events.includes('response close')) told(events);
    };
    for (const name of ['end', 'aborted', 'error', 'close']) request.on(name, () => note(`request ${name}`));
    for (const name of ['finish', 'error', 'close']) response.on(name, () => note(`response ${name}`));
    act(request, response);
  };
}

async function toldByNode(act: Act): Promise<readonly string[]> {
  const told = new Promise<readonly string[]>((resolve) => {
    const server = createHttpServer(follow(act, resolve)).listen(0, '127.0.0.1');
    server.once('listening', () => ask(connect((server.address() as AddressInfo).port, '127.0.0.1')));
    onTestFinished(() => void server.close());
  });
  return told;
}

async function toldByUs(act: Act): Promise<readonly string[]> {
  let resolve!: (events: readonly string[]) => void;
  const told = new Promise<readonly string[]>((settle) => (resolve = settle));
  const responder = nodeResponder(follow(act, resolve));
  const running = await start({ onError: () => undefined, routes: [{ responder }] });
  onTestFinished(() => running.close());
  ask(await running.connect());
  return told;
}

function ask(socket: Socket): void {
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
}

test.each<[string, Act]>([
  [
    'destroys its response before it has read that there is no content',
    (request, response) => {
      request.resume();
      response.destroy();
    },
  ],
  [
    'destroys its response in the middle',
    (request, response) => {
      response.write('some');
      request.resume();
      response.destroy();
    },
  ],
  [
    'destroys its socket',
    (request) => {
      request.resume();
      request.socket.destroy();
    },
  ],
])('an application that %s is told the same as under node:http', async (_, act) => {
  expect(await toldByUs(act)).toEqual(await toldByNode(act));
});

test('a time-out that a server is given later holds for the requests to come', async () => {
  const http = createHttpServer();
  const responder = nodeResponder(http);
  http.setTimeout(30, (socket) => socket.destroy());
  const running = await start({ onError: () => undefined, routes: [{ responder }] });
  onTestFinished(() => running.close());
  const socket = await running.connect();
  const all = readAll(socket);
  const timedOut = once(http, 'timeout');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await timedOut;
  expect(await all).toMatch(/^HTTP\/1\.1 500 /);
});
